"""Builds the notebooks of a lesson from its one source, `solutions/NN_name.py`."""

from mmlearn.course.builder.command import build, build_course
from mmlearn.course.builder.notebook import build_lesson
from mmlearn.course.builder.problems import BuildError

__all__ = ["BuildError", "build", "build_course", "build_lesson"]
