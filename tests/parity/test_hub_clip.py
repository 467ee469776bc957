"""Official files of CLIP, read and written: transformers, open_clip, OpenAI's own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from comparing import (
    CLIPS,
    as_bin,
    as_shards,
    compare_gradients,
    hidden_states,
    official_shapes,
    perturbed,
    pictures,
    released,
    texts,
)
from comparing import clip_peer as hf_peer
from safetensors.torch import load_file, save_file

from mmlearn import hub
from mmlearn.models.clip import CLIP, PRESETS, CLIPConfig
from mmlearn.nn.contrastive import symmetric_loss

# open_clip reads three channels, of images of any form.
OPEN = {
    "wide": replace(CLIPS["two blocks"], image_size=(8, 12)),
    "tall, one head": replace(CLIPS["one head, deeper texts"], image_size=(10, 4)),
    "gelu": CLIPS["gelu"],
    "gelu, wide": replace(CLIPS["gelu, four channels"], channels=3, image_size=(2, 6)),
    "wide texts, one patch": CLIPS["wide texts, one patch"],
}
# OpenAI's files say neither heads nor activation: heads are 64 wide, and quick GELU.
OPENAI = {
    "two blocks": CLIPConfig((8, 8), 4, 64, 2, 1, 30, 9, 128, 2, 2, 10),
    "one patch": CLIPConfig((3, 3), 3, 128, 1, 2, 17, 5, 64, 3, 1, 12),
    "fine patches": CLIPConfig((6, 6), 2, 64, 3, 1, 21, 6, 64, 1, 1, 20),
    "wide texts": CLIPConfig((10, 10), 5, 64, 1, 1, 40, 7, 192, 1, 3, 8),
}
CASES = {"hf-clip": CLIPS, "open_clip": OPEN, "openai-clip": OPENAI}
EVERY = [(layout, case) for layout, cases in CASES.items() for case in cases]
LEGACY = {"input_resolution": 8, "context_length": 9, "vocab_size": 30}


def open_peer(config: CLIPConfig):
    import open_clip

    c = config
    image = {
        "image_size": list(c.image_size),
        "layers": c.image_depth,
        "width": c.image_dim,
        "head_width": c.image_dim // c.image_heads,
        "patch_size": c.patch_size,
    }
    text = {"context_length": c.context, "vocab_size": c.vocabulary, "width": c.text_dim}
    text |= {"heads": c.text_heads, "layers": c.text_depth}
    sizes = {"embed_dim": c.embed_dim, "vision_cfg": image, "text_cfg": text}
    peer = open_clip.CLIP(**sizes, quick_gelu=c.activation == "quick-gelu").eval()
    peer.said = sizes | {"quick_gelu": c.activation == "quick-gelu"}
    return peer


def saved_hf(config: CLIPConfig, folder: Path):
    peer = perturbed(hf_peer(config))
    peer.save_pretrained(folder)
    return peer


def saved_open_clip(config: CLIPConfig, folder: Path):
    peer = perturbed(open_peer(config))
    folder.mkdir(exist_ok=True)
    save_file(peer.state_dict(), folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": peer.said, "preprocess_cfg": {}}))
    return peer


def saved_openai(config: CLIPConfig, folder: Path):
    peer = perturbed(open_peer(config))
    save_file(openai_tensors(peer), folder / "ViT-B-32.safetensors")
    return peer


def openai_tensors(peer) -> dict[str, torch.Tensor]:
    return peer.state_dict() | {name: torch.tensor(value) for name, value in LEGACY.items()}


SAVED = {"hf-clip": saved_hf, "open_clip": saved_open_clip, "openai-clip": saved_openai}


# --- outputs ----------------------------------------------------------------------------------------------------------


def our_outputs(model: CLIP, images, tokens) -> dict[str, torch.Tensor]:
    def run():
        return model(images, tokens)

    scores = run()
    outputs = {
        "image vectors": model.embed_images(images),
        "text vectors": model.embed_texts(tokens),
        "encoded images": model.image(images),
        "encoded texts": model.text(tokens),
        "scores": scores,
        "loss": symmetric_loss(scores),
    }
    for tower in ("image", "text"):
        blocks = getattr(model, tower).blocks
        states = hidden_states(blocks, run)
        normed = hidden_states([block.norm1 for block in blocks], run)
        for number, block in enumerate(blocks):
            outputs[f"{tower} states {number}"] = states[number]
            outputs[f"{tower} attention {number}"] = block.attention.weights(normed[number])
    return outputs


def hf_outputs(peer, images, tokens) -> dict[str, torch.Tensor]:
    watched = {"output_hidden_states": True, "output_attentions": True}
    found = peer(input_ids=tokens, pixel_values=images, return_loss=True)
    towers = {"image": peer.vision_model(images, **watched), "text": peer.text_model(tokens, **watched)}
    outputs = {
        "image vectors": found.image_embeds,
        "text vectors": found.text_embeds,
        "encoded images": towers["image"].pooler_output,
        "encoded texts": towers["text"].pooler_output,
        "scores": found.logits_per_image,
        "loss": found.loss,
    }
    for tower, seen in towers.items():
        for number, weights in enumerate(seen.attentions):
            outputs[f"{tower} states {number}"] = seen.hidden_states[number + 1]
            outputs[f"{tower} attention {number}"] = weights
    return outputs


def open_clip_outputs(peer, images, tokens) -> dict[str, torch.Tensor]:
    import open_clip

    def run():
        return peer.get_logits(images, tokens)

    vectors = [peer.encode_image(images, normalize=True), peer.encode_text(tokens, normalize=True)]
    scale = peer.logit_scale.exp()
    ends = tokens.argmax(dim=1)
    outputs = {
        "image vectors": vectors[0],
        "text vectors": vectors[1],
        "encoded images": hidden_states([peer.visual.ln_post], run)[0][:, 0],
        "encoded texts": hidden_states([peer.ln_final], run)[0][torch.arange(len(tokens)), ends],
        "scores": run()[0],
        "loss": open_clip.ClipLoss()(*vectors, scale),
    }
    masks = {"image": (peer.visual.transformer, None), "text": (peer.transformer, peer.attn_mask)}
    for tower, (transformer, mask) in masks.items():
        blocks = transformer.resblocks
        states, normed = hidden_states(blocks, run), hidden_states([block.ln_1 for block in blocks], run)
        for number, (block, x) in enumerate(zip(blocks, normed, strict=True)):
            weights = block.attn(x, x, x, attn_mask=mask, average_attn_weights=False)[1]
            outputs |= {f"{tower} states {number}": states[number], f"{tower} attention {number}": weights}
    return outputs


OUTPUTS = {"hf-clip": hf_outputs, "open_clip": open_clip_outputs, "openai-clip": open_clip_outputs}


def compare(same, row, layout: str, ours: CLIP, theirs) -> None:
    """Every output, of as many images as texts; those of each block are told apart by a number behind the name."""
    images, tokens = pictures(ours.config, 6), texts(ours.config, 6)
    with torch.no_grad():
        found, expected = our_outputs(ours, images, tokens), OUTPUTS[layout](theirs, images, tokens)
    assert set(found) == set(expected)
    for name, output in found.items():
        same(row, name.rstrip(" 0123456789"), output, expected[name])


def compare_scores(same, row, layout: str, ours: CLIP, theirs) -> None:
    """What all weights have a part in: enough where the same weights come in another file."""
    images, tokens = pictures(ours.config, 6), texts(ours.config, 6)
    with torch.no_grad():
        same(row, "scores", ours(images, tokens), OUTPUTS[layout](theirs, images, tokens)["scores"])


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layout", "case"), EVERY)
def test_what_a_peer_saves_is_read(layout, case, tmp_path, same):
    config = CASES[layout][case]
    theirs, ours = SAVED[layout](config, tmp_path), hub.load(tmp_path)
    assert type(ours) is CLIP and ours.config == config and not ours.training
    compare(same, ("CLIP", layout, case), layout, ours, theirs)


@pytest.mark.parametrize(("layout", "case"), EVERY)
def test_loss_and_gradients_are_the_peers(layout, case, tmp_path, same):
    """In double precision: float32 rounds the small gradients by more than 1e-5 of the largest."""
    config, row = CASES[layout][case], ("CLIP", f"{layout}, float64", case)
    theirs, ours = SAVED[layout](config, tmp_path).double(), hub.load(tmp_path, dtype=torch.float64)
    images, tokens = pictures(config, 5).double(), texts(config, 5)
    loss, expected = symmetric_loss(ours(images, tokens)), OUTPUTS[layout](theirs, images, tokens)["loss"]
    same(row, "loss", loss, expected)
    loss.backward()
    expected.backward()
    compare_gradients(same, row, ours, theirs, layout)


def with_position_ids(peer, folder: Path) -> None:
    """As transformers saved it until version 4.31: the numbers of the positions, as buffers."""
    tensors = load_file(folder / "model.safetensors")
    for tower in ("text_model", "vision_model"):
        count = len(tensors[f"{tower}.embeddings.position_embedding.weight"])
        tensors[f"{tower}.embeddings.position_ids"] = torch.arange(count)[None]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def with_old_config(peer, folder: Path) -> None:
    """Everything twice; the second counts, with what is usual for what it leaves out."""
    given = json.loads((folder / "config.json").read_text())
    for name in ("text_config", "vision_config"):
        given[f"{name}_dict"] = given[name]
        given[name] = given[name] | {"num_attention_heads": 1, "hidden_act": "gelu"}
    (folder / "config.json").write_text(json.dumps(given))


def with_old_end(peer, folder: Path) -> None:
    """Before version 4.31 the number of the end was wrong, and the largest one was taken."""
    given = json.loads((folder / "config.json").read_text())
    given["text_config"] |= {"bos_token_id": 0, "eos_token_id": 2}
    (folder / "config.json").write_text(json.dumps(given))


HF_FORMS = {
    "shards": as_shards,
    ".bin": as_bin,
    "position ids": with_position_ids,
    "old config": with_old_config,
    "old end": with_old_end,
}


@pytest.mark.parametrize("form", HF_FORMS)
def test_transformers_files_of_every_form_are_read(form, tmp_path, same):
    from transformers import CLIPModel

    for case in list(CLIPS)[:4]:
        folder = tmp_path / case
        theirs = saved_hf(CLIPS[case], folder)
        HF_FORMS[form](theirs, folder)
        if (folder / "model.safetensors").is_file():  # the peer reads the same file
            theirs = CLIPModel.from_pretrained(folder, attn_implementation="eager")
        compare_scores(same, ("CLIP", f"hf-clip, {form}", case), "hf-clip", hub.load(folder), theirs)


@pytest.mark.parametrize("case", OPENAI)
def test_openais_tensors_are_read_from_a_pickle(case, tmp_path, same):
    theirs = perturbed(open_peer(OPENAI[case]))
    torch.save(openai_tensors(theirs), tmp_path / "ViT-B-32.pt")
    ours = hub.load(tmp_path / "ViT-B-32.pt")
    assert ours.config == OPENAI[case]
    compare_scores(same, ("CLIP", "openai-clip, .pt", case), "openai-clip", ours, theirs)


@pytest.mark.parametrize("case", OPEN)
def test_open_clips_pickle_is_read(case, tmp_path, same):
    theirs = saved_open_clip(OPEN[case], tmp_path)
    (tmp_path / "open_clip_model.safetensors").unlink()
    torch.save(theirs.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    compare_scores(same, ("CLIP", "open_clip, .bin", case), "open_clip", hub.load(tmp_path), theirs)


# --- two layouts side by side, as laion's releases have them ----------------------------------------------------------


def both(folder: Path):
    """Other sizes in each, so that one can be told from the other."""
    return saved_hf(CLIPS["gelu"], folder), saved_open_clip(OPEN["gelu, wide"], folder)


def test_a_folder_of_two_layouts_is_read_as_the_first(tmp_path):
    both(tmp_path)
    assert hub.load(tmp_path).config == CLIPS["gelu"]


def test_a_file_of_two_layouts_is_read_with_its_own_configuration(tmp_path):
    both(tmp_path)
    assert hub.load(tmp_path / "model.safetensors").config == CLIPS["gelu"]
    assert hub.load(tmp_path / "open_clip_model.safetensors").config == OPEN["gelu, wide"]
    (tmp_path / "model.safetensors").unlink()
    assert hub.load(tmp_path).config == OPEN["gelu, wide"]


def test_open_clips_file_is_not_read_without_its_configuration(tmp_path):
    """Heads and activation would be guessed, silently."""
    both(tmp_path)
    (tmp_path / "open_clip_config.json").unlink()
    with pytest.raises(ValueError, match=r"comes with open_clip_config.json, which is missing"):
        hub.load(tmp_path / "open_clip_model.safetensors")
    ours = hub.load(tmp_path / "open_clip_model.safetensors", preset=OPEN["gelu, wide"])
    assert ours.config == OPEN["gelu, wide"]


# --- writing ----------------------------------------------------------------------------------------------------------


def read_hf(folder: Path, config: CLIPConfig):
    from transformers import CLIPModel

    peer, report = CLIPModel.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return peer.eval()


def read_open_clip(folder: Path, config: CLIPConfig):
    import open_clip

    peer = open_clip.CLIP(**json.loads((folder / "open_clip_config.json").read_text())["model_cfg"])
    peer.load_state_dict(load_file(folder / "open_clip_model.safetensors"), strict=True)
    return peer.eval()


def read_openai(folder: Path, config: CLIPConfig):
    (file,) = folder.iterdir()
    peer = open_peer(config)
    peer.load_state_dict(load_file(file), strict=True)
    return peer


READ = {"hf-clip": read_hf, "open_clip": read_open_clip, "openai-clip": read_openai}


@pytest.mark.parametrize(("layout", "case"), EVERY)
def test_a_peer_reads_what_is_written(layout, case, tmp_path, same):
    config = CASES[layout][case]
    ours = perturbed(CLIP(config))
    hub.save(ours, tmp_path, layout)
    compare(same, ("CLIP", f"{layout}, written", case), layout, ours, READ[layout](tmp_path, config))
    again = hub.load(tmp_path)
    assert again.config == config
    before, after = ours.state_dict(), again.state_dict()
    assert list(before) == list(after) and all(torch.equal(before[name], after[name]) for name in before)


def test_open_clip_itself_finds_the_written_folder(tmp_path):
    import open_clip

    ours = perturbed(CLIP(OPEN["gelu"]))
    hub.save(ours, tmp_path, "open_clip")
    peer = open_clip.create_model(f"local-dir:{tmp_path}").eval()
    images, tokens = pictures(ours.config, 3), texts(ours.config, 3)
    with torch.no_grad():
        assert torch.allclose(peer.get_logits(images, tokens)[0], ours(images, tokens), atol=1e-4)


@pytest.mark.parametrize(
    ("layout", "config", "message"),
    [
        ("hf-clip", OPEN["wide"], "square images alone, not .8, 12.; layout='open_clip' can"),
        ("open_clip", CLIPS["gelu, four channels"], "three channels, not of 4"),
        ("openai-clip", CLIPS["two blocks"], "heads of a width of 64 and quick GELU.*layout='open_clip' can say it"),
        ("openai-clip", replace(OPENAI["one patch"], activation="gelu"), "quick GELU"),
        ("openai-clip", replace(OPENAI["one patch"], image_size=(3, 6)), "square images"),
    ],
)
def test_what_a_layout_cannot_say_is_not_written(layout, config, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        hub.save(CLIP(config), tmp_path, layout)
    assert list(tmp_path.iterdir()) == []


# --- published sizes --------------------------------------------------------------------------------------------------

NAMED = {"vit-b-32": "ViT-B-32", "vit-b-16": "ViT-B-16", "vit-l-14": "ViT-L-14", "vit-l-14-336": "ViT-L-14-336"}


def test_every_published_size_is_compared():
    assert set(NAMED) == {name for name in PRESETS if not name.startswith("toy")}


@pytest.mark.parametrize("preset", NAMED)
def test_published_sizes_have_the_official_names_and_shapes(preset, tmp_path):
    import open_clip

    model = CLIP(CLIPConfig.preset(preset), device="meta")
    said = open_clip.get_model_config(NAMED[preset]) | {"quick_gelu": True}
    with torch.device("meta"):
        transformers, peer = hf_peer(model.config), open_clip.CLIP(**said)
    theirs = {
        "hf-clip": released(transformers, transformers.state_dict()),
        "open_clip": peer.state_dict(),
        "openai-clip": peer.state_dict(),
    }
    for layout, tensors in theirs.items():
        assert official_shapes(model, layout) == {name: tuple(tensor.shape) for name, tensor in tensors.items()}


# --- real releases ----------------------------------------------------------------------------------------------------

# The keys of the configurations, with tiny sizes. What is left out has its usual value, so it is set in the tests.
OLD_TOWER = {
    "_name_or_path": "",
    "add_cross_attention": False,
    "architectures": None,
    "attention_dropout": 0.0,
    "bad_words_ids": None,
    "bos_token_id": 0,
    "dropout": 0.0,
    "eos_token_id": 2,
    "hidden_act": "quick_gelu",
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "initializer_factor": 1.0,
    "layer_norm_eps": 1e-05,
    "projection_dim": 10,
    "return_dict": True,
    "torch_dtype": None,
    "transformers_version": "4.16.0.dev0",
}


def test_openais_release_is_read(tmp_path, same):
    """openai/clip-vit-base-patch32: null where a part would be said twice, a pickle beside the safetensors."""
    config = CLIPS["two blocks"]
    peer = saved_hf(config, tmp_path)
    with_position_ids(peer, tmp_path)
    text = {"hidden_size": 16, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
    text |= {"max_position_embeddings": 9, "vocab_size": 30, "model_type": "clip_text_model", "pad_token_id": 1}
    image = {"hidden_size": 24, "intermediate_size": 96, "num_attention_heads": 3, "num_hidden_layers": 2}
    image |= {"image_size": 8, "patch_size": 4, "model_type": "clip_vision_model"}
    given = {
        "_name_or_path": "openai/clip-vit-base-patch32",
        "architectures": ["CLIPModel"],
        "initializer_factor": 1.0,
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": 10,
        "text_config": OLD_TOWER | text,
        "text_config_dict": None,
        "transformers_version": None,
        "vision_config": OLD_TOWER | image,
        "vision_config_dict": None,
    }
    (tmp_path / "config.json").write_text(json.dumps(given))
    torch.save({}, tmp_path / "pytorch_model.bin")
    (tmp_path / "tf_model.h5").write_bytes(b"not read")
    ours = hub.load(tmp_path)
    assert ours.config == config
    compare_scores(same, ("CLIP", "hf-clip, openai's release", "two blocks"), "hf-clip", ours, peer)


def test_laions_release_is_read(tmp_path):
    """laion/CLIP-ViT-B-32-laion2B-s34B-b79K: both layouts; open_clip's leaves out what is usual, such as GELU."""
    config = replace(OPENAI["two blocks"], activation="gelu")
    saved_hf(config, tmp_path)
    peer = perturbed(open_peer(config))
    image = {"image_size": 8, "layers": 2, "width": 64, "patch_size": 4}
    text = {"context_length": 9, "vocab_size": 30, "width": 128, "heads": 2, "layers": 2}
    text |= {"hf_tokenizer_name": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"}
    given = {"model_cfg": {"embed_dim": 10, "vision_cfg": image, "text_cfg": text}}
    given["preprocess_cfg"] = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(given))
    save_file(peer.state_dict(), tmp_path / "open_clip_model.safetensors")
    for name in ("pytorch_model.bin", "open_clip_pytorch_model.bin"):
        torch.save({}, tmp_path / name)
    assert hub.load(tmp_path).config == config
    assert hub.load(tmp_path / "open_clip_model.safetensors").config == config
