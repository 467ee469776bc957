"""A script in several processes."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def torchrun(script: Path, *arguments: str, count: int = 2) -> subprocess.CompletedProcess:
    """Run a script with so many processes, which import what this one would."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", script]
    return subprocess.run(
        [*map(str, command), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
    )
