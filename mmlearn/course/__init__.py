"""What a lesson uses: exercises, checks, hints, progress, figures and widgets."""

import importlib

# Loaded when first used: a check needs no matplotlib, and `mmlearn lab` needs no torch.
_WHERE = {
    "check": "checking",
    "hint": "checking",
    "exercises": "registry",
    "progress": "standing",
    "field_map": "systems",
    "glossary": "terms",
    "show": "figures",
    "explore": "widgets",
    "explore_sounds": "listening",
    "listen": "listening",
    "Sound": "listening",
    "mushra": "hearing",
    "mushra_results": "hearing",
    "Trial": "hearing",
    "Typed": "widgets",
    "style": "figures",
    "image_grid": "figures",
    "live_curve": "live",
    "predict": "predictions",
    "reveal": "predictions",
    "say": "sentences",
}

__all__ = list(_WHERE)


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"mmlearn.course has no {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"mmlearn.course.{_WHERE[name]}"), name)
