"""Official checkpoints of EnCodec: read, compared with both peers, and written back."""

import json

import pytest
import torch
from encodecs import ALL, PADDED, hf_peer, lengths, own_peer, sounds
from safetensors.torch import load_file

from mmlearn import hub
from mmlearn.models.encodec import PRESETS, EnCodec, EnCodecConfig, Segment


def outputs_of_hf(peer, waveform_BCT, bandwidth):
    """Codes of each segment, and the sound."""
    found = peer.encode(waveform_BCT, bandwidth=bandwidth)
    codes = list(found.audio_codes)
    if found.last_frame_pad_length:
        codes[-1] = codes[-1][..., : -found.last_frame_pad_length]
    scales = [None if scale is None else scale[:, 0] for scale in found.audio_scales]
    sound = peer(waveform_BCT, bandwidth=bandwidth).audio_values
    return [Segment(*pair) for pair in zip(codes, scales, strict=True)], sound


def outputs_of_own(peer, waveform_BCT, bandwidth):
    peer.set_target_bandwidth(bandwidth)
    segments = [Segment(c, None if s is None else s[:, 0]) for c, s in peer.encode(waveform_BCT)]
    return segments, peer(waveform_BCT)


def compare(same, row, ours: EnCodec, outputs_of, peer) -> None:
    config = ours.config
    for samples in lengths(config):
        waveform_BCT = sounds(config, samples)
        if outputs_of is outputs_of_hf and _short_segments(config, samples) > 1:
            continue  # transformers stacks segments, of which the last alone may be shorter
        for bandwidth in config.bandwidths:
            with torch.no_grad():
                theirs, sound_BCT = outputs_of(peer, waveform_BCT, bandwidth)
                segments = ours.encode(waveform_BCT, bandwidth)
                assert len(segments) == len(theirs)
                for a, b in zip(segments, theirs, strict=True):
                    assert torch.equal(a.codes_BQF, b.codes_BQF), "codes differ"
                    if b.scale_B is not None:
                        same(row, "scales", a.scale_B, b.scale_B)
                same(row, "decoded", ours.decode(segments, samples), sound_BCT)
                whole = ours(waveform_BCT, bandwidth)
                same(row, "forward", whole.waveform_BCT, sound_BCT)
                assert all(torch.equal(a.codes_BQF, b.codes_BQF) for a, b in zip(whole.segments, theirs, strict=True))


def _short_segments(config: EnCodecConfig, samples: int) -> int:
    starts = range(0, samples, config.segment_stride or samples)
    return sum(start + (config.segment_length or samples) > samples for start in starts)


def compare_gradients(same, row, ours: EnCodec, peer) -> None:
    for side, given in (("encoder", sounds(ours.config, 90)), ("decoder", torch.randn(2, ours.config.dim, 9))):
        x, y = given.clone().requires_grad_(), given.clone().requires_grad_()
        weight = torch.randn_like(getattr(peer, side)(y))
        (getattr(ours, side)(x) * weight).sum().backward()
        (getattr(peer, side)(y) * weight).sum().backward()
        same(row, f"{side} gradient", x.grad, y.grad)


def old_names(folder) -> None:
    """Weight norm as torch named it when the models were released."""
    tensors = load_file(folder / "model.safetensors")
    for new, old in (
        ("parametrizations.weight.original0", "weight_g"),
        ("parametrizations.weight.original1", "weight_v"),
    ):
        tensors = {name.replace(new, old): tensor for name, tensor in tensors.items()}
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")


@pytest.mark.parametrize("form", ["as saved", "older names"])
@pytest.mark.parametrize("case", ALL | PADDED)
def test_hugging_face(case, form, tmp_path, same):
    config = (ALL | PADDED)[case]
    peer = hf_peer(config)
    peer.save_pretrained(tmp_path)
    if form != "as saved":
        old_names(tmp_path)
    ours = hub.load(tmp_path)
    assert ours.config == config and not ours.training
    row = ("EnCodec", f"hf, {form}", case)
    compare(same, row, ours, outputs_of_hf, peer)
    if form == "as saved":
        compare_gradients(same, row, ours, peer)


@pytest.mark.parametrize("form", ["as released", "newer names"])
@pytest.mark.parametrize("case", ALL)
def test_the_authors_own(case, form, tmp_path, same):
    config = ALL[case]
    peer, file = own_peer(config), tmp_path / "encodec-d7cc33bc.th"
    tensors = peer.state_dict()
    if form == "newer names":
        for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
            tensors = {name.replace(old, f"parametrizations.weight.{new}"): t for name, t in tensors.items()}
    torch.save(tensors, file)
    ours = hub.load(file, config)
    compare(same, ("EnCodec", f"encodec, {form}", case), ours, outputs_of_own, peer)
    compare_gradients(same, ("EnCodec", f"encodec, {form}", case), ours, peer)


@pytest.mark.parametrize("case", ALL)
def test_what_is_saved_is_what_transformers_reads(case, tmp_path, same):
    from transformers import EncodecModel

    peer = hf_peer(ALL[case])
    peer.save_pretrained(tmp_path / "theirs")
    ours = hub.load(tmp_path / "theirs")
    hub.save(ours, tmp_path / "ours")
    again, report = EncodecModel.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    compare(same, ("EnCodec", "hf, saved by ours", case), ours, outputs_of_hf, again.eval())
    for name, tensor in peer.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    written = json.loads((tmp_path / "ours/config.json").read_text())
    assert hub.load(tmp_path / "ours").config == ours.config and written["model_type"] == "encodec"


@pytest.mark.parametrize("case", ALL)
def test_what_is_saved_is_what_the_authors_model_reads(case, tmp_path):
    peer = own_peer(ALL[case])
    torch.save(peer.state_dict(), tmp_path / "theirs.th")
    ours = hub.load(tmp_path / "theirs.th", ALL[case])
    hub.save(ours, tmp_path / "ours", "encodec")
    tensors = load_file(tmp_path / "ours/model.safetensors")
    assert set(tensors) == set(peer.state_dict())
    assert all(torch.equal(tensors[name], tensor) for name, tensor in peer.state_dict().items())


@pytest.mark.parametrize("name", ["24khz", "48khz"])
def test_published_sizes(name):
    """Names, shapes and number of parameters of both peers; and which preset a file without a configuration has."""
    from transformers import EncodecConfig as PeerConfig
    from transformers import EncodecModel

    ours = EnCodec(PRESETS[name], device="meta")
    assert sum(p.numel() for p in ours.parameters()) == {"24khz": 14_851_810, "48khz": 14_856_294}[name]
    hf = next(layout for layout in hub.LAYOUTS if layout.name == "hf-encodec")
    with torch.device("meta"):
        peer = EncodecModel(PeerConfig.from_dict(hf.write_config(PRESETS[name])))
    assert sum(p.numel() for p in peer.parameters()) == sum(p.numel() for p in ours.parameters())
    from comparing import official_shapes

    shapes = {n: tuple(t.shape) for n, t in hf.needed(peer.state_dict()).items()}
    assert official_shapes(ours, "hf-encodec") == shapes

    encodec = pytest.importorskip("encodec")
    own = getattr(encodec.EncodecModel, f"encodec_model_{name}")(pretrained=False)
    assert official_shapes(ours, "encodec") == {n: tuple(t.shape) for n, t in own.state_dict().items()}
    assert own.quantizer.n_q == ours.config.codebooks


@pytest.mark.parametrize("name", ["24khz", "48khz"])
def test_a_released_file_alone_tells_its_size(name, tmp_path):
    ours = EnCodec(PRESETS[name])
    hub.save(ours, tmp_path, "encodec")
    assert hub.load(tmp_path / "model.safetensors").config == PRESETS[name]


def test_a_folded_model_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="before it is folded"):
        hub.save(EnCodec(PRESETS["toy"]).folded(), tmp_path)
