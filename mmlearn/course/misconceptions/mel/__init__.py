"""Lesson 14: waveform and mel spectrogram."""

from mmlearn.course.misconceptions.mel.back import MISCONCEPTIONS as BACK
from mmlearn.course.misconceptions.mel.filters import MISCONCEPTIONS as FILTERS
from mmlearn.course.misconceptions.mel.samples import MISCONCEPTIONS as SAMPLES
from mmlearn.course.misconceptions.mel.whisper import MISCONCEPTIONS as WHISPER
from mmlearn.course.misconceptions.mel.windows import MISCONCEPTIONS as WINDOWS

MISCONCEPTIONS = {**SAMPLES, **WINDOWS, **FILTERS, **WHISPER, **BACK}
