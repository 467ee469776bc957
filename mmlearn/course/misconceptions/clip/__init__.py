"""Lesson 02: CLIP."""

from mmlearn.course.misconceptions.clip.contrast import MISCONCEPTIONS as CONTRAST
from mmlearn.course.misconceptions.clip.text import MISCONCEPTIONS as TEXT
from mmlearn.course.misconceptions.clip.tokenizer import MISCONCEPTIONS as TOKENIZER

MISCONCEPTIONS = {**TOKENIZER, **TEXT, **CONTRAST}
