"""The training of lesson 15's codec: batches, its loss with discriminators, a run that is taken up again, distances."""

from dataclasses import replace

import pytest
import torch

from mmlearn.experiments import encodec as study
from mmlearn.models.encodec_discriminator import DiscriminatorConfig
from mmlearn.models.spectral_codec import SpectralCodec, SpectralCodecConfig
from mmlearn.nn.mel_loss import MelLoss
from mmlearn.train import resume

JUDGE = DiscriminatorConfig(windows=(256, 128), filters=2)
TRAINING = study.Training(
    steps=10, free_steps=2, judged_steps=4, codebooks=(1, 3), batch=4, samples=4096, judged_samples=2048, judge=JUDGE
)


def sounds() -> tuple[torch.Tensor, torch.Tensor]:
    """Speech, and music that is ten times as loud."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(60_000, generator=generator) / 10, torch.randn(50_000, generator=generator)


def trained(path=None, stop: int | None = None) -> tuple[SpectralCodec, list[float]]:
    torch.manual_seed(0)
    codec = SpectralCodec(SpectralCodecConfig.preset("toy", width=12, entries=32, codebooks=3))

    def listen(event) -> None:
        if event.kind == "step" and event.step == stop:
            raise KeyboardInterrupt

    history = study.fit(codec, TRAINING, sounds(), checkpoint=path, on_event=listen, progress=False)
    return codec, history.losses


def test_batches_depend_on_the_seed_alone_and_say_what_is_in_use():
    batches, same = TRAINING.batches(sounds()), TRAINING.batches(sounds())
    drawn = [next(batches) for _ in range(TRAINING.steps)]
    for one in drawn:
        other = next(same)
        assert torch.equal(one.waveform_BCT, other.waveform_BCT) and one[1:] == other[1:]
    assert [one.codebooks == 0 for one in drawn] == [True] * 2 + [False] * 8
    assert [one.starts for one in drawn] == [False] * 2 + [True] + [False] * 7
    assert [one.judged is None for one in drawn] == [True] * 6 + [False] * 4
    assert {one.codebooks for one in drawn[2:]} == {1, 3}
    assert not torch.equal(next(replace(TRAINING, seed=1).batches(sounds())).waveform_BCT, drawn[0].waveform_BCT)


def test_every_fourth_crop_is_music():
    loud_B = study.crops(sounds(), 8, 4096, torch.Generator().manual_seed(0)).std((1, 2)) > 0.2
    assert loud_B.tolist() == [False, False, False, True] * 2


def test_the_loss_has_the_value_of_the_losses_and_the_gradient_of_the_balancer():
    codec, batch = trained()[0].train(), next(replace(TRAINING, free_steps=0).batches(sounds()))
    loss = study.CodecLoss(TRAINING, 16_000, batch.waveform_BCT)
    total, parts = loss(codec, batch)
    w = TRAINING.weights
    wanted = w.time * parts["time"] + w.mel * parts["mel"] + w.commitment * parts["commitment"]
    torch.testing.assert_close(total, wanted)
    assert loss.balancer.seen == 1 and loss.judged_balancer.seen == 0


@pytest.mark.parametrize("stop", [1, 4, 8])
def test_a_run_that_was_stopped_ends_like_one_that_was_not(stop, tmp_path, monkeypatch):
    """Before the codebooks start, after it, and while discriminators learn."""
    monkeypatch.setattr(resume, "EVERY_SECONDS", 0)
    whole, losses = trained()
    path = tmp_path / "state.safetensors"
    trained(path, stop)
    codec, again = trained(path)
    assert again == losses
    for name, tensor in whole.state_dict().items():
        assert torch.equal(codec.state_dict()[name], tensor), name


def test_a_floor_makes_what_is_soft_count():
    real = torch.randn(2, 1, 4096, generator=torch.Generator().manual_seed(0)) / 1000
    plain, logarithmic = MelLoss(16_000, windows=(256,)), MelLoss(16_000, windows=(256,), floor=1e-6)
    assert plain(real, 2 * real) < 0.02 < 0.6 < logarithmic(real, 2 * real), "twice as loud is ln 2 in a logarithm"
    assert logarithmic(real, real) == 0
