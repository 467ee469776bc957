"""What the parity tests share: how two tensors are compared, tiny sizes, and peers with random weights."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from mmlearn import hub
from mmlearn.hub import keys
from mmlearn.models.clip import CLIPConfig
from mmlearn.models.vit import ViTConfig

LIMIT = 1e-5

# Non-square images, one and many heads, one and many blocks, other channels, both published norms' eps.
VITS = {
    "wide": ViTConfig((8, 12), 4, dim=24, depth=2, heads=3, mlp_dim=40, classes=5, norm_eps=1e-12),
    "tall": ViTConfig((15, 6), 3, dim=16, depth=3, heads=1, mlp_dim=24, classes=3, norm_eps=1e-6),
    "one block, one channel": ViTConfig((4, 10), 2, dim=32, depth=1, heads=8, mlp_dim=16, classes=7, channels=1),
    "square, four channels": ViTConfig((10, 10), 5, dim=20, depth=4, heads=5, mlp_dim=80, classes=2, channels=4),
    "coarse eps": ViTConfig((6, 8), 2, dim=12, depth=2, heads=2, mlp_dim=20, classes=4, norm_eps=1e-2),
}
# Image size, patch, image (dim, depth, heads), vocabulary, context, text (dim, depth, heads), E.
CLIPS = {
    "two blocks": CLIPConfig((8, 8), 4, 24, 2, 3, 30, 9, 16, 2, 4, 10),
    "one head, deeper texts": CLIPConfig((6, 6), 2, 16, 1, 1, 17, 5, 12, 3, 1, 12),
    "gelu": CLIPConfig((15, 15), 5, 20, 3, 5, 40, 7, 24, 1, 6, 8, activation="gelu"),
    "gelu, four channels": CLIPConfig((4, 4), 2, 32, 1, 8, 21, 6, 8, 2, 2, 20, channels=4, activation="gelu"),
    "wide texts, one patch": CLIPConfig((3, 3), 3, 12, 2, 2, 55, 11, 36, 2, 9, 6),
}


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """max|a - b| / max|b| of two tensors of one shape and type."""
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    error = difference(ours, theirs)
    assert error <= LIMIT, f"max|a-b| / max|b| is {error:.2g}"


def perturbed(model: nn.Module) -> nn.Module:
    """With other parameters, in evaluation mode: zeros and ones, in biases and norms, would hide errors."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def known(layout: str):
    """A layout of the hub by its name."""
    return next(one for one in hub.LAYOUTS if one.name == layout)


def key_map(model: nn.Module, layout: str):
    return known(layout).keys(model.config)


def official_shapes(model: nn.Module, layout: str) -> dict[str, tuple[int, ...]]:
    """The official names and shapes of all tensors of a model of ours."""
    places = keys.names(model, key_map(model, layout)).values()
    return {name: place.shape for place in places for name in place.names}


def released(peer: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of a peer of transformers under the names that it writes: in memory some have others."""
    from transformers.core_model_loading import revert_weight_conversion

    return revert_weight_conversion(peer, dict(tensors))


def with_weights_of(model: nn.Module, peer: nn.Module, layout: str) -> nn.Module:
    """A model of ours with the weights of a peer of transformers."""
    tensors = released(peer, peer.state_dict())
    model.load_state_dict(keys.to_ours(model, key_map(model, layout), tensors, "the peer"))
    return model.eval()


def gradients_as_ours(model: nn.Module, peer: nn.Module, layout: str) -> dict[str, torch.Tensor]:
    """The peer's gradients under our names and in our shapes."""
    theirs = {name: p.grad for name, p in peer.named_parameters() if p.grad is not None}
    theirs = released(peer, theirs) if layout.startswith("hf") else theirs
    return keys.to_ours(model, key_map(model, layout), known(layout).needed(theirs), "gradients")


def compare_gradients(same, row, model: nn.Module, peer: nn.Module, layout: str) -> None:
    """Each against the largest of all: the key's bias, for one, has none but rounding, for softmax ignores it."""
    theirs = gradients_as_ours(model, peer, layout)
    ours = {name: p.grad for name, p in model.named_parameters()}
    assert all(grad.abs().max() > 0 for grad in ours.values())
    same(row, "gradients", *(torch.cat([grads[name].flatten() for name in ours]) for grads in (ours, theirs)))


def hidden_states(blocks, run) -> list[torch.Tensor]:
    """What each of these modules gives while `run()` runs."""
    found = []
    hooks = [block.register_forward_hook(lambda module, given, output: found.append(output)) for block in blocks]
    run()
    for hook in hooks:
        hook.remove()
    return found


# --- peers ------------------------------------------------------------------------------------------------------------


def vit_peer(config: ViTConfig):
    """transformers' classifier or, without classes, its bare model."""
    from transformers import ViTConfig as PeerConfig
    from transformers import ViTForImageClassification, ViTModel

    kind = ViTForImageClassification if config.classes else ViTModel
    return kind(
        PeerConfig(
            hidden_size=config.dim,
            num_hidden_layers=config.depth,
            num_attention_heads=config.heads,
            intermediate_size=config.mlp_dim,
            image_size=config.image_size,
            patch_size=config.patch_size,
            num_channels=config.channels,
            num_labels=config.classes or 2,
            layer_norm_eps=config.norm_eps,
            hidden_act="gelu",
            qkv_bias=True,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",  # the only one that hands out its weights
        )
    ).eval()


def clip_peer(config: CLIPConfig):
    from transformers import CLIPConfig as PeerConfig
    from transformers import CLIPModel

    c, activation = config, config.activation.replace("-", "_")
    text = {
        "vocab_size": c.vocabulary,
        "max_position_embeddings": c.context,
        "bos_token_id": c.vocabulary - 2,
        "eos_token_id": c.end,
    }
    image = {"image_size": c.image_size[0], "patch_size": c.patch_size, "num_channels": c.channels}
    sizes = ((text, c.text_dim, c.text_depth, c.text_heads), (image, c.image_dim, c.image_depth, c.image_heads))
    for options, dim, depth, heads in sizes:
        options |= {
            "hidden_size": dim,
            "intermediate_size": 4 * dim,
            "num_hidden_layers": depth,
            "num_attention_heads": heads,
            "hidden_act": activation,
            "projection_dim": c.embed_dim,
        }
    towers = {"text_config": text, "vision_config": image}
    return CLIPModel(PeerConfig(**towers, projection_dim=c.embed_dim, attn_implementation="eager")).eval()


# --- inputs -----------------------------------------------------------------------------------------------------------


def pictures(config: ViTConfig | CLIPConfig, count: int, size: tuple[int, int] | None = None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, config.channels, *(size or config.image_size), generator=generator)


def texts(config: CLIPConfig, count: int) -> torch.Tensor:
    """Texts of every length, each filled up with its end."""
    generator = torch.Generator().manual_seed(2)
    tokens_BL = torch.randint(config.end - 1, (count, config.context), generator=generator)
    tokens_BL[:, 0] = config.end - 1
    for row in range(count):
        tokens_BL[row, 1 + row % (config.context - 1) :] = config.end
    return tokens_BL


# --- other files with the same weights --------------------------------------------------------------------------------


def as_shards(peer, folder: Path) -> None:
    """What a peer of transformers saved, cut into several files."""
    (folder / "model.safetensors").unlink()
    peer.save_pretrained(folder, max_shard_size="5KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 1


def as_bin(peer, folder: Path) -> None:
    """The same as a PyTorch file."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
