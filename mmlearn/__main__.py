"""`python3 -m mmlearn ...` is `mmlearn ...`, in the course's folder: also where nothing has been installed yet.

So this is the one file that a Python may run which is too old for the others. It is written for any Python 3.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses such a Python, but nobody has asked pip yet
    found = sys.version.split()[0]
    sys.exit(
        f"mmlearn: this is Python {found}, {sys.executable}, and the course needs 3.11 or newer.\n"
        "Name a newer one, here and to make: python3.11 -m mmlearn ..., make PYTHON=python3.11 lab"
    )

from mmlearn.cli import main

sys.exit(main())
