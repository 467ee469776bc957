"""Lesson 01: Vision Transformer."""

from mmlearn.course.misconceptions.vit.blocks import MISCONCEPTIONS as BLOCKS
from mmlearn.course.misconceptions.vit.model import MISCONCEPTIONS as MODEL
from mmlearn.course.misconceptions.vit.patches import MISCONCEPTIONS as PATCHES
from mmlearn.course.misconceptions.vit.positions import MISCONCEPTIONS as POSITIONS

MISCONCEPTIONS = {**PATCHES, **BLOCKS, **MODEL, **POSITIONS}
