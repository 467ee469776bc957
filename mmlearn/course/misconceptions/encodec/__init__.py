"""Lesson 15: EnCodec."""

from mmlearn.course.misconceptions.encodec.averages import MISCONCEPTIONS as AVERAGES
from mmlearn.course.misconceptions.encodec.balancer import MISCONCEPTIONS as BALANCER
from mmlearn.course.misconceptions.encodec.commitment import MISCONCEPTIONS as COMMITMENT
from mmlearn.course.misconceptions.encodec.discriminator import MISCONCEPTIONS as DISCRIMINATOR
from mmlearn.course.misconceptions.encodec.features import MISCONCEPTIONS as FEATURES
from mmlearn.course.misconceptions.encodec.mel import MISCONCEPTIONS as MEL
from mmlearn.course.misconceptions.encodec.quantise import MISCONCEPTIONS as QUANTISE
from mmlearn.course.misconceptions.encodec.stream import MISCONCEPTIONS as STREAM

MISCONCEPTIONS = {**STREAM, **QUANTISE, **COMMITMENT, **AVERAGES, **MEL, **DISCRIMINATOR, **FEATURES, **BALANCER}
