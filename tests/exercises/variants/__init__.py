"""Honest solutions in other styles than the reference, a module a lesson: every check must pass them."""

import importlib
import pkgutil

MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
VARIANTS = {slug: codes for module in MODULES for slug, codes in module.VARIANTS.items()}
