"""Before any peer is imported it is made importable; and what a comparison measured goes into the table at the end."""

import pytest
from comparing import LIMIT, difference

from mmlearn.bench.peers import make_importable

make_importable()


@pytest.fixture
def same(record_property):
    """`same((system, layout, case), output, ours, theirs)`: assert that two tensors are equal but for rounding."""

    def compare(row, output, ours, theirs):
        error = difference(ours, theirs)
        record_property("parity", (*row, output, error))
        assert error <= LIMIT, f"{', '.join(row)}, {output}: max|a-b| / max|b| is {error:.2g}"

    return compare
