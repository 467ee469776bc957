"""Halves of CLIP alone, as transformers saves them: with a projection into the shared space, and without."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from comparing import CLIPS, compare_gradients, hidden_states, perturbed, pictures, texts
from safetensors.torch import load_file, save_file

from mmlearn import hub
from mmlearn.models.clip import CLIP, CLIPConfig, ImageTower, TextTower, TowerConfig

HALVES = {"image": ImageTower, "text": TextTower}
EVERY = [(half, projected, case) for half in HALVES for projected in (True, False) for case in list(CLIPS)[:4]]


def peer_of(half: str, projected: bool, config: CLIPConfig):
    import transformers
    from comparing import clip_peer

    whole = clip_peer(config).config
    part = whole.vision_config if half == "image" else whole.text_config
    part._attn_implementation = "eager"
    name = f"CLIP{'Vision' if half == 'image' else 'Text'}Model{'WithProjection' if projected else ''}"
    return perturbed(getattr(transformers, name)(part))


def inputs(half: str, config: CLIPConfig) -> torch.Tensor:
    return pictures(config, 4) if half == "image" else texts(config, 6)


def peer_outputs(peer, half: str, given) -> dict[str, torch.Tensor]:
    found = peer(given, output_hidden_states=True, output_attentions=True)
    vectors = getattr(found, "image_embeds", getattr(found, "text_embeds", getattr(found, "pooler_output", None)))
    states = {f"states {number}": value for number, value in enumerate(found.hidden_states[1:])}
    return {"vectors": vectors} | states | {f"attention {n}": value for n, value in enumerate(found.attentions)}


def our_outputs(model, given) -> dict[str, torch.Tensor]:
    blocks = model.encoder.blocks
    states = hidden_states(blocks, lambda: model(given))
    normed = hidden_states([block.norm1 for block in blocks], lambda: model(given))
    outputs = {"vectors": model(given)} | {f"states {number}": value for number, value in enumerate(states)}
    weights = (block.attention.weights(x) for block, x in zip(blocks, normed, strict=True))
    return outputs | {f"attention {number}": value for number, value in enumerate(weights)}


def compare(same, row, ours, theirs) -> None:
    half = ours.half
    given = inputs(half, ours.config.clip)
    with torch.no_grad():
        found, expected = our_outputs(ours, given), peer_outputs(theirs, half, given)
    assert set(found) == set(expected)
    for name, output in found.items():
        same(row, name.rstrip(" 0123456789"), output, expected[name])


def layout(half: str, projected: bool) -> str:
    return f"hf-clip-{half}{', projected' if projected else ''}"


def with_prefix(folder: Path, half: str) -> None:
    """As transformers wrote them before version 5, and position ids beside the weights."""
    prefix = {"image": "vision_model.", "text": "text_model."}[half]
    found = load_file(folder / "model.safetensors")
    bare = not any(name.startswith(prefix) for name in found)
    named = {prefix * bare + name: tensor for name, tensor in found.items()}
    named[f"{prefix}embeddings.position_ids"] = torch.arange(9)[None]
    save_file(named, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize(("half", "projected", "case"), EVERY)
def test_what_transformers_saves_is_read(half, projected, case, old, tmp_path, same):
    theirs = peer_of(half, projected, CLIPS[case])
    theirs.save_pretrained(tmp_path)
    names = list(load_file(tmp_path / "model.safetensors"))
    assert any(name.startswith(("vision_model.", "text_model.")) for name in names) == projected
    if old:
        with_prefix(tmp_path, half)
    ours = hub.load(tmp_path)
    assert type(ours) is HALVES[half] and ours.config.projected is projected and not ours.training
    compare(same, ("CLIP", layout(half, projected) + (", old names" if old else ""), case), ours, theirs)


@pytest.mark.parametrize(("half", "projected", "case"), EVERY[::3])
def test_gradients_are_the_peers(half, projected, case, tmp_path, same):
    """In double precision: float32 rounds the small gradients by more than 1e-5 of the largest."""
    theirs = peer_of(half, projected, CLIPS[case]).double()
    theirs.save_pretrained(tmp_path)
    ours = hub.load(tmp_path, dtype=torch.float64)
    given = inputs(half, CLIPS[case])
    given = given.double() if half == "image" else given
    ours(given).square().sum().backward()
    peer_outputs(theirs, half, given)["vectors"].square().sum().backward()
    row = ("CLIP", f"{layout(half, projected)}, float64", case)
    compare_gradients(same, row, ours, theirs, f"hf-clip-{half}")


@pytest.mark.parametrize(("half", "projected", "case"), EVERY)
def test_transformers_reads_what_is_written(half, projected, case, tmp_path, same):
    import transformers

    ours = perturbed(HALVES[half](TowerConfig(CLIPS[case], projected)))
    hub.save(ours, tmp_path)
    kind = getattr(transformers, json.loads((tmp_path / "config.json").read_text())["architectures"][0])
    theirs, report = kind.from_pretrained(tmp_path, attn_implementation="eager", output_loading_info=True)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    compare(same, ("CLIP", f"{layout(half, projected)}, written", case), ours, theirs.eval())
    again = hub.load(tmp_path).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in ours.state_dict().items())


def test_a_half_is_that_of_the_whole(tmp_path):
    clip = perturbed(CLIP(CLIPS["gelu"]))
    for half, kind in HALVES.items():
        tower = kind(TowerConfig(clip.config)).eval()
        state = {name: value for name, value in clip.state_dict().items() if name.startswith(half)}
        tower.load_state_dict(
            {
                n.replace(f"{half}_projection", "projection").replace(f"{half}.", "encoder.", 1): v
                for n, v in state.items()
            }
        )
        read = hub.load(hub.save(tower, tmp_path / half))
        given = inputs(half, clip.config)
        with torch.no_grad():
            vectors = torch.nn.functional.normalize(read(given), dim=1)
            assert torch.equal(vectors, (clip.embed_images if half == "image" else clip.embed_texts)(given))


def test_only_the_read_half_counts(tmp_path):
    """What the configuration of one half says of the other is nothing: it is as usual there."""
    config = replace(CLIPS["two blocks"], activation="gelu")
    peer_of("text", True, config).save_pretrained(tmp_path)
    read = hub.load(tmp_path).config.clip
    same = ("vocabulary", "context", "text_dim", "text_depth", "text_heads", "embed_dim", "activation")
    assert all(getattr(read, name) == getattr(config, name) for name in same) and read.image_dim == 768
