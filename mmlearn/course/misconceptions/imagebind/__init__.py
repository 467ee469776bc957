"""Lesson 03: ImageBind."""

from mmlearn.course.misconceptions.imagebind.loss import MISCONCEPTIONS as LOSS
from mmlearn.course.misconceptions.imagebind.patches import MISCONCEPTIONS as PATCHES
from mmlearn.course.misconceptions.imagebind.space import MISCONCEPTIONS as SPACE
from mmlearn.course.misconceptions.imagebind.trunk import MISCONCEPTIONS as TRUNK

MISCONCEPTIONS = {**PATCHES, **TRUNK, **LOSS, **SPACE}
