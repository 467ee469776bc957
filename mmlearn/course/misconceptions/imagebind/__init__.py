"""Lesson 03: ImageBind."""

from mmlearn.course.misconceptions.imagebind.space import MISCONCEPTIONS as SPACE
from mmlearn.course.misconceptions.imagebind.trunk import MISCONCEPTIONS as TRUNK

MISCONCEPTIONS = {**TRUNK, **SPACE}
