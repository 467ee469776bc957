"""What is known of one official layout: its names, its configuration, and the model of ours that it fills."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor, nn

from mmlearn.hub.files import Checkpoint
from mmlearn.hub.keys import Key


@dataclass(frozen=True)
class Layout:
    """An official layout.

    Attributes:
        name: ours for it, such as "hf-vit".
        model: the class of ours.
        architectures: what its configurations call the model; `*` stands for anything.
        signature: a tensor that tells the layout where there is no configuration.
        read_config: a checkpoint's sizes. Raises ValueError where they are not known or not supported.
        write_config: sizes as the official configuration; gives `None` where there is none. Raises ValueError likewise.
        keys: the key map for a model of some sizes.
        presets: our published sizes, by name.
        prefix: of all names in some files, and of none in others, which are then read as if they had it.
        aliases: other names that files have for parts of names, and the name that the key map knows.
        legacy: official tensors that the model does not need, such as tables that can be counted out anew.
        config_name: file of the configuration.
        weights_name: file of the weights when saving.
    """

    name: str
    model: type[nn.Module]
    architectures: tuple[str, ...]
    signature: str
    read_config: Callable[[Checkpoint], Any]
    write_config: Callable[[Any], Mapping[str, Any] | None]
    keys: Callable[[Any], tuple[Key, ...]]
    presets: Mapping[str, Any]
    prefix: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    legacy: tuple[str, ...] = ()
    config_name: str = "config.json"
    weights_name: str = "model.safetensors"

    def preset(self, chosen: Any) -> Any:
        """The sizes with this name; sizes as they are.

        Raises:
            ValueError: there is no preset of this name, or these are the sizes of another model.
        """
        known = f"presets of {self.name} are {', '.join(self.presets)}"
        if isinstance(chosen, str):
            if chosen not in self.presets:
                raise ValueError(f"no preset is called {chosen!r}; {known}")
            return self.presets[chosen]
        if not isinstance(chosen, type(next(iter(self.presets.values())))):
            raise ValueError(f"preset is a name or the sizes of a {self.model.__name__}, not {chosen!r}; {known}")
        return chosen

    def needed(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A file's tensors without those that are not needed, all with the prefix and names of the map."""
        bare = not any(name.startswith(self.prefix) for name in tensors)
        named = {self._known(self.prefix * bare + name): tensor for name, tensor in tensors.items()}
        return {name: t for name, t in named.items() if not any(fnmatchcase(name, old) for old in self.legacy)}

    def _known(self, name: str) -> str:
        for other, known in self.aliases.items():
            name = name.replace(other, known)
        return name


def architecture(config: Mapping[str, Any]) -> str:
    """What a configuration calls its model: `ViTModel`, `timm vit_base_patch16_224`, `open_clip`; "" for no name."""
    if "model_cfg" in config:
        return "open_clip"
    if "architecture" in config:
        return f"timm {config['architecture']}"
    return str((config.get("architectures") or [""])[0])


def only(where: str, values: Mapping[str, Any], **supported: Any) -> None:
    """Refuse a configuration in which something differs from what our model does; what is absent is as supported.

    Raises:
        ValueError: names the first value that differs.
    """
    for name, right in supported.items():
        if values.get(name, right) != right:
            raise ValueError(f"{where} says {name} = {values[name]!r}; only {right!r} is supported")


def pair(size: int | list[int]) -> tuple[int, int]:
    """A size of images, given as one number or as rows and columns."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
