"""What the readiness tests share: marks by which the summary counts the tests of each model, and a mesh of devices."""

import pytest
import torch
import torch.distributed


def pytest_itemcollected(item):
    case = getattr(item, "callspec", None) and item.callspec.params.get("case")
    if case:
        item.user_properties.append(("readiness", case.name))


@pytest.fixture
def mesh():
    """A mesh of this process alone: what the wrappers for many refuse, they refuse here."""
    torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=torch.distributed.HashStore())
    yield torch.distributed.init_device_mesh("cpu", (1,))
    torch.distributed.destroy_process_group()
