"""In two processes codebooks stay equal, and move as those of one process with the whole batch."""

from pathlib import Path

import codebooks
import pytest
import torch
from launching import HERE, torchrun

Result = dict[str, dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> list[Result]:
    """What each of two processes has at the end."""
    folder: Path = tmp_path_factory.mktemp("together")
    done = torchrun(HERE / "codebooks.py", str(folder))
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"{number}.pt", weights_only=True) for number in range(2)]


@pytest.fixture(scope="module")
def alone() -> Result:
    return codebooks.results()


@pytest.mark.parametrize("name", ["moved", "restarted", "codec"])
def test_both_processes_have_the_same_codebooks(name, together):
    one, other = (result[name] for result in together)
    assert {"table", "sums", "counts", "started"} == one.keys() == other.keys()
    for buffer, tensor in one.items():
        assert torch.equal(tensor, other[buffer]), buffer
        assert tensor.isfinite().all(), buffer


def test_codebooks_move_as_from_the_whole_batch(together, alone):
    for buffer, tensor in alone["moved"].items():
        torch.testing.assert_close(together[0]["moved"][buffer], tensor, rtol=1e-4, atol=1e-5)


def test_what_starts_anew_is_not_what_moves_on(together):
    """Else the comparison of restarted codebooks would say nothing."""
    assert (together[0]["restarted"]["counts"] == 2.0).any()
    assert not torch.equal(together[0]["restarted"]["table"], together[0]["moved"]["table"])


def test_each_process_has_its_share_of_the_balanced_gradient(together, alone):
    gradient = torch.cat([result["balanced"]["gradient"] for result in together])
    torch.testing.assert_close(gradient, alone["balanced"]["gradient"], rtol=1e-5, atol=1e-6)
    for result in together:
        torch.testing.assert_close(result["balanced"]["lengths"], alone["balanced"]["lengths"], rtol=1e-5, atol=1e-6)
