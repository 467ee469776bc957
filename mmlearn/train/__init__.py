"""One training loop for every lesson, and what it stands on. It knows nothing of notebooks: it emits events."""

from mmlearn.train.checkpoint import load, save
from mmlearn.train.data import batches, to_device
from mmlearn.train.device import device
from mmlearn.train.history import Event, History
from mmlearn.train.loop import fit
from mmlearn.train.optim import adamw, lr_factor

__all__ = ["Event", "History", "adamw", "batches", "device", "fit", "load", "lr_factor", "save", "to_device"]
