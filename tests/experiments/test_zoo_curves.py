"""The first steps of every trained model, run again and held against the recorded loss curve."""

import pytest

from mmlearn.experiments import zoo


@pytest.mark.parametrize("name", zoo.names())
def test_the_first_hundredth_of_the_training_follows_the_recorded_curve(name):
    """`mmlearn zoo check NAME` runs five hundredths."""
    new, recorded = zoo.again(name, share=0.01)
    assert len(new) == 1 and new == pytest.approx(recorded, abs=zoo.NEAR)
