# %% [markdown]
# # 00 · Start here
#
# This course builds multimodal models from scratch: models that see, hear, draw and speak. Each lesson writes one
# model in small pieces, trains it on real data in about a minute, and asks a question that the trained model answers.
#
# **You will learn here** how a lesson works and what the pictures of the course look like. **You need** Python and a
# little PyTorch: tensors, shapes, `nn.Module`. **Time:** about 10 minutes to read and do, a few seconds to run.

# %% [markdown]
# ## How a lesson works
#
# Run a cell with **Shift+Enter**. Run all of them with *Run > Run All Cells*: every lesson runs from its first cell to
# its last, even if you have written nothing yet.
#
# Some cells are **exercises**. They hold a function or class with a line that says *replace this line with your code*.
# The cell after it **checks** what you wrote. It says what holds, what does not, and often which mistake it was. It
# offers **hints**, which open one at a time. If something is missing or wrong, the course's own reference stands in, and
# the check says so. So you are never stuck: skip what you like and come back. After a failed check the name means the
# reference. To try your own version in a cell of yours, run the exercise's cell again first.
#
# You work on your own copy in the folder `work/`. An update of the course never touches it. The folder `solutions/`
# holds every lesson solved, with its outputs, to compare with afterwards.

# %% tags=["setup"]
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data
from mmlearn.course import check, image_grid, progress, show, style

style()  # the course's look for every figure below

# %% [markdown]
# ## The pictures
#
# The first data set is `emoji`. Several artists drew the same things, each in a style of their own. That makes two
# honest tests possible. *Unseen concepts*: can a model judge a thing that it never saw? *Unseen style*: can it judge a
# thing that it knows, drawn by another hand?
#
# A row of the data set holds a picture, who drew it, and its name, tags and group in six languages.

# %%
# NBVAL_CHECK_OUTPUT
emoji = data.load("emoji", split="train", size=32)
row = emoji[0]
print(len(emoji), "pictures in the training split")
print(
    row["emoji"],
    "|",
    row["label_en"],
    "|",
    row["label_ru"],
    "|",
    row["group_en"],
    "|",
    row["style"],
)

# %% [markdown]
# Here are three concepts in every style. The styles `noto`, `noto-v1` and `openmoji` are kept out of training.

# %% id="three-concepts"
everything = data.load("emoji", split="all", size=64)
names = ("red apple", "dog face", "rocket")
chosen = everything.filter(lambda label: label in names, input_columns="label_en")
drawings = sorted(chosen, key=lambda row: names.index(row["label_en"]))
columns = len(drawings) // len(names)
titles = [row["style"] for row in drawings]
show(
    image_grid([row["image"] for row in drawings], titles, columns=columns),
    alt=f"Three rows of small pictures: {', '.join(names)}; each row shows the same thing drawn in {columns} styles.",
)

# %% [markdown]
# ## The first exercise
#
# Images come as a tensor `images_BCYX`. The letters at the end of a name are its axes, in order: **B**atch (which
# image), **C**hannel (red, green, blue), **Y** (which row of pixels) and **X** (which column). All lessons write shapes
# this way.
#
# Write the mean picture: at every pixel and channel, the mean over the images of the batch,
# $m_{cyx} = \frac{1}{B} \sum_{b} x_{bcyx}$. Try a wrong answer first, `return images_BCYX.mean()` say, to see what the check
# says.


# %% exercise="start.mean"
def mean_picture(images_BCYX: Tensor) -> Tensor:
    """The mean of a batch of images: [B, C, Y, X] to [C, Y, X]."""
    ### BEGIN SOLUTION
    return images_BCYX.mean(dim=0)
    ### END SOLUTION


# %% check="start.mean"
# NBVAL_CHECK_OUTPUT
mean_picture = check("start.mean")

# %% [markdown]
# Your function now has a use: the mean picture of each group. Where many pictures of a group share a shape or a colour,
# the mean shows it. Faces are yellow discs; food is round and warm. Lesson 01 measures how far a model comes that knows
# nothing but these means.

# %% id="mean-pictures"
groups = sorted(set(emoji["group"]))
images_BCYX = data.to_tensor(emoji).float() / 255
group_of = emoji["group"]
means = [mean_picture(images_BCYX[[g == group for g in group_of]]) for group in groups]
titles = [group.replace("-", "\n") for group in groups]
show(
    image_grid(means, titles, columns=8, size=1.0),
    alt="Eight blurred pictures, the mean of each group; smileys give a yellow disc, the other groups vaguer shapes.",
)

# %% [markdown]
# ## Your progress
#
# The checks write down what you have passed, in the file `work/progress.json`. This prints it; `mmlearn progress` does
# the same in a terminal.

# %%
progress()

# %% [markdown]
# ## Where to go next
#
# Open [01_vit.ipynb](01_vit.ipynb). It cuts such pictures into patches and teaches a transformer to see.
