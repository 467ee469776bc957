# %% [markdown]
# # 00 · Start here
#
# This course builds multimodal models from scratch: models that see, hear, draw and speak. Each lesson writes one
# model in small pieces, trains it on real data in about a minute, and asks a question that the trained model answers.
#
# **You will** meet the pictures of the course, solve one small exercise, make one prediction, and see the map of all
# that follows. **You need** Python and a little PyTorch: tensors, shapes, `nn.Module`.

# %% tags=["setup"]
import math
from collections import defaultdict
from statistics import mean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmlearn import data
from mmlearn.course import (
    check,
    explore,
    field_map,
    glossary,
    image_grid,
    predict,
    progress,
    reveal,
    say,
    show,
    style,
)
from mmlearn.course.drawings import start as draw
from mmlearn.eval.classification import majority_share, wilson_interval
from mmlearn.eval.pictures import nearest_mean

style()  # the course's look for every figure below

# %% [markdown]
# ## Why
#
# A *modality* is a kind of data with a form of its own: text, image, audio. A multimodal model takes in several of them,
# or turns one into another. The systems of this course differ in what goes in, what comes out, and how the two meet.
#
# The picture shows all of them, a line each. Read the line of CLIP: text and images go in, and a vector comes out for
# each. Such a vector is called an *embedding*. Then read Moshi's: it hears, and it writes and speaks. In between, each
# lesson adds one idea. The lessons in bold are here already.

# %% id="the-course"
parrot = draw.named(data.load("emoji", split="noto", size=64), "parrot")[0]
show(
    draw.course(parrot),
    alt="A chart with one line for each system of the course, from ViT to Moshi. Dots on "
    "its left say what goes in: text, image, video, audio, depth, thermal, motion, "
    "or a class. Dots on its right say what comes out: a class, a vector, text, image or "
    "audio. The first lessons take images, the last ones audio. The table below, under "
    "The map of the field, holds the same and more.",
)

# %% [markdown]
# ## How a lesson works
#
# This page is a notebook. It consists of cells: some hold text, some hold code. Run a cell with **Shift+Enter**; what it
# prints or draws appears below it. Run all of them with *Run > Run All Cells*: every lesson runs from its first cell to its
# last, even if you have written nothing yet.
#
# Every lesson has the same seven parts, in this order:
#
# | Part | What you do there |
# |---|---|
# | **Why** | see the whole idea in one picture |
# | **Build** | write the model, an exercise for each of its pieces |
# | **Train** | train it on real data, and set the result against a simple way to do the same |
# | **Look** | turn the one knob that matters, and see what it does |
# | **Ask** | predict how an experiment comes out, and then see its result |
# | **Reference** | compare your model with the course's own, in toy and in published size |
# | **Check the source** | see which claims of the paper hold, and which do not |
#
# This lesson has only some of them: it trains nothing.

# %% [markdown]
# ### Exercises, checks and hints
#
# Some cells are **exercises**. They hold a function or class with a line that says *replace this line with your code*.
# The cell after it **checks** what you wrote. It says what holds, what does not, and often which mistake it was. It
# offers **hints**, which open one at a time.
#
# If something is missing or wrong, the course's own *reference* stands in, and the check says so. So you are never
# stuck: skip what you like and come back. After a failed check the name means the reference. To try your own version in
# a cell of yours, run the exercise's cell again first.

# %% [markdown]
# ### Predictions
#
# Before a result appears, a lesson asks what you expect. Choose, and keep your guess; the result then opens beside it.
# You can also write your guess into the cell, in place of `None`, and run the cell again. Without a guess the result
# stays folded, and you can open it yourself. Nothing is graded.

# %% [markdown]
# ### Time
#
# The table below a lesson's title says what the lesson builds on and how long it takes. Reading is reckoned slowly,
# because formulas and code take longer than prose. Running was measured on a computer with two cores; yours may be
# faster.

# %% [markdown]
# ### Where things are kept
#
# You work on your own copies in the folder `work/`. An update of the course never touches them. Two small files there
# hold what you have done: `progress.json` which checks passed, `predictions.json` what you guessed. None of it leaves
# your computer. The folder `solutions/` holds every lesson solved, with its outputs, to compare with afterwards; in a
# graded class it may be missing.
#
# JupyterLab saves a notebook now and then; **Ctrl+S** saves it at once. To stop, take *File > Shut Down*. To go on, start
# as you did the first time. Your text and the outputs are there again. What the cells computed is not: run them again,
# from the top.

# %% [markdown]
# ### Without a network
#
# The lessons, their data and some small trained models lie on your computer. So every lesson runs offline: without a
# network. Only links to papers need one, and official weights if you load them yourself.

# %% [markdown]
# ### When something goes wrong
#
# | You see | Do this |
# |---|---|
# | a cell that does not end | press the ■ button above the notebook. A training keeps what it has learned |
# | `NameError` of a name that a cell above makes | run the cells above: *Run > Run All Above Selected Cell* |
# | nothing works any more, and you cannot tell why | *Kernel > Restart Kernel and Run All Cells* |
# | a notebook that you have spoiled | `mmlearn reset 00` in a terminal gives a fresh one and keeps yours |
# | anything else | `mmlearn doctor` in a terminal |
#
# A terminal opens with *File > New > Terminal*. The doctor looks at Python, the packages, the data and the disk. For what
# is wrong it names the command that mends it. The course's `README.md` explains the messages that a beginner meets.

# %% [markdown]
# ## Look: the pictures
#
# The first data set is `emoji`. Several artists drew the same things. Each thing is a *concept*, such as a red apple.
# Each way of drawing is a *style*. A row of the data set holds one picture, who drew it, and its name, other words for
# it and its group in six languages.

# %% id="a-row"
# NBVAL_CHECK_OUTPUT
everything = data.load("emoji", split="all", size=64)
row = everything[0]
concepts, styles = (
    set(everything["codepoint"]),
    list(dict.fromkeys(everything["style"])),
)
say(
    f"{len(everything):,} pictures of {len(concepts):,} concepts in {len(styles)} styles"
)
for name in ("emoji", "label_en", "label_ru", "tags_en", "group_en", "style"):
    print(f"{name:<10}{row[name]}")

# %% [markdown]
# Here are three concepts in every style.

# %% id="three-concepts"
names = ("red apple", "dog face", "rocket")
chosen = everything.filter(lambda label: label in names, input_columns="label_en")
drawings = sorted(chosen, key=lambda row: names.index(row["label_en"]))
columns = len(drawings) // len(names)
titles = [row["style"] for row in drawings]
show(
    image_grid([row["image"] for row in drawings], titles, columns=columns),
    alt=f"Three rows of small pictures: {', '.join(names)}; each row shows the same thing "
    f"drawn in {columns} styles.",
)

# %% [markdown]
# Now browse. Choose a group and a style. Which style would you find hardest to recognise if you knew only the others?

# %% id="browse"
groups = list(dict.fromkeys(everything["group"]))
rows_of = defaultdict(list)
for index, place in enumerate(
    zip(everything["group"], everything["style"], strict=True)
):
    rows_of[place].append(index)


def some(group, style):
    """Two dozen rows of a group in a style, spread over all that there are."""
    rows = rows_of[group, style]
    return everything.select([rows[i * len(rows) // 24] for i in range(24)])


def pictures(group, style):
    return image_grid(some(group, style)["image"], columns=8, size=0.9)


def in_words(group, style):
    return f"{group}, drawn by {style}: {', '.join(some(group, style)['label_en'])}"


explore(pictures, alt=in_words, group=groups, style=styles)

# %% [markdown]
# The groups are not equally large, and not every artist drew everything. Remember that: it is why a plain share of right
# answers can mislead.

# %% id="counts"
# NBVAL_CHECK_OUTPUT
lines = [f"| Group | {' | '.join(styles)} | all |", "|---" * (len(styles) + 2) + "|"]
for group in groups:
    counts = [len(rows_of[group, style]) for style in styles]
    lines.append(f"| {group} | {' | '.join(map(str, counts))} | {sum(counts):,} |")
say("\n".join(lines))

# %% [markdown]
# ### What is kept away from training
#
# A model can learn its training pictures by heart. So it is judged on pictures that it never saw: they are *held-out*.
# Two honest questions can be asked here. *Unseen concepts*: can it judge a thing that it never saw? *Unseen style*: can
# it judge a thing that it knows, drawn by another hand? The data set is cut into *splits* that keep the two apart. A
# model learns from the framed one only.


# %% id="splits"
def block(split: str, example: str) -> draw.Block:
    return draw.block(split, data.load("emoji", split=split, size=64), example)


cut = {
    "five styles": (block("train", "dog face"), block("concepts", "tiger")),
    "noto and\nnoto-v1": (block("noto", "dog face"), block("noto_concepts", "tiger")),
    "openmoji": (block("openmoji", "dog face"), block("openmoji_concepts", "tiger")),
}
show(
    draw.splits(cut),
    alt="The data set as a grid of six splits. Rows are styles: five styles, noto and "
    "noto-v1, openmoji. Columns are concepts: many, shown by dog faces, and a few others, "
    "shown by tigers. Training sees one split of the six: five styles, many concepts.",
)

# %% [markdown]
# ## Build: the first exercise
#
# Images come as a *tensor* `images_BCYX`. The letters at the end of a name are its axes, in order: **B**atch (which
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
# Your function now has a use: the mean picture of each group, over the training split. Where many pictures of a group
# share a shape or a colour, the mean shows it.

# %% id="mean-pictures"
emoji = data.load("emoji", split="train", size=32)
train_images_BCYX = data.to_tensor(emoji).float() / 255  # from 0 to 1
train_labels_B = torch.tensor([groups.index(group) for group in emoji["group"]])
K = len(groups)


def mean_of_each(labels_B: Tensor) -> Tensor:
    """The mean picture of every group: labels [B] to [K, C, Y, X]."""
    return torch.stack(
        [mean_picture(train_images_BCYX[labels_B == k]) for k in range(K)]
    )


means_KCYX = mean_of_each(train_labels_B)
titles = [group.replace("-", "\n") for group in groups]
show(
    image_grid(means_KCYX, titles, columns=8, size=1.0),
    alt="Eight blurred pictures, the mean of each group: smileys give a yellow disc with "
    "two eyes, symbols a blue frame, the other groups vaguer shapes.",
)

# %% [markdown]
# ## Ask: how far does the mean picture go?
#
# Here is a classifier without any learning. It compares a picture with the eight means, and answers the group whose mean
# is nearest. Each group is a *class*. Commit to a guess before you read on: then you notice when a result surprises
# you. The first guess stays.

# %% id="predict-mean"
guess = None  # choose below, or write it here, such as guess = 70
predict(
    "start.nearest-mean",
    "Of 100 pictures of unseen concepts, for how many does the nearest mean picture "
    "give the right group?",
    range(0, 101, 5),
    guess,
)

# %% id="nearest-mean"
unseen = data.load("emoji", split="concepts", size=32)
images_BCYX = data.to_tensor(unseen).float() / 255
labels_B = torch.tensor([groups.index(group) for group in unseen["group"]])


def share_right(means_KCYX: Tensor) -> float:
    """The share of the unseen concepts for which the nearest mean is the right one."""
    return (nearest_mean(images_BCYX, means_KCYX) == labels_B).float().mean().item()


nearest = share_right(means_KCYX)
low, high = wilson_interval(nearest, len(labels_B))
majority = majority_share(train_labels_B, labels_B)
shuffled = []
for seed in range(5):
    torch.manual_seed(seed)
    order = torch.randperm(len(train_labels_B))
    shuffled.append(share_right(mean_of_each(train_labels_B[order])))

measured = {
    "nearest mean": (nearest, low, high),
    "always the majority": (majority, majority, majority),
    "chance": (1 / K, 1 / K, 1 / K),
    "nearest mean,\nlabels shuffled": (mean(shuffled), min(shuffled), max(shuffled)),
}
reveal(
    "start.nearest-mean",
    100 * nearest,
    fig=lambda kept: draw.shares(measured, None if kept is None else kept / 100),
    alt=f"Four bars: nearest mean {nearest:.2f}, always the majority {majority:.2f}, "
    f"chance {1 / K:.2f}, nearest mean with shuffled labels from {min(shuffled):.2f} to "
    f"{max(shuffled):.2f}.",
    text=f"On {len(labels_B)} held-out pictures the share is {nearest:.2f}, with a "
    f"confidence interval from {low:.2f} to {high:.2f}.",
)

# %% [markdown]
# This picture has the form of every result in the course. *Accuracy* is the share of right answers. A number says nothing
# without a *baseline*, a simple way to do the same: the *majority* baseline always answers the group that is most
# frequent in training; *chance* is what blind guessing gets. The *confidence interval*, drawn as a line on the bar, says how far
# off the number may be because the held-out pictures are few. The last bar is a *negative control*: the same means from
# labels in random order, for five *seeds* of the random generator. If it were as long as the first, the labels would
# play no part.
#
# What it cannot show: whether a mean is a good way to see. It may only find that smileys are yellow. The interval takes
# the pictures as independent; drawings of one concept are not, so the true interval is wider. Lesson 01 uses the same
# mean as the baseline that a transformer must beat.

# %% [markdown]
# ## The map of the field
#
# The systems of the course again, with what the picture could not hold. The *objective* is what training asks of the
# model. *Fusion* is how modalities meet in it. A *token* is one item of the sequence that a model reads or writes; the
# column says what an input becomes, and how many of them. You need not understand the words yet: come back after each
# lesson. The name of a system leads to its paper, the number to its lesson.

# %% id="map"
field_map()

# %% [markdown]
# ### Check the source
#
# The map follows the papers. The slides that this course grew out of differ in places, and every lesson says where. Two
# examples: the system that they call Qwen2.5-Audio is Qwen2-Audio (arXiv:2407.10759); and Flamingo's image encoder is
# not CLIP's, but a convolutional network trained in CLIP's way (arXiv:2204.14198).

# %% [markdown]
# ## Words
#
# The words in italics above, once more. Each lesson adds its own; `glossary()` shows those of all lessons that are here.

# %% id="glossary"
glossary("00")

# %% [markdown]
# ## Your progress
#
# The checks write down what you have passed. This shows it, with what each lesson builds on and how long it takes;
# `mmlearn progress` prints it in a terminal.

# %%
progress()

# %% [markdown]
# ## Where to go next
#
# Open [01_vit.ipynb](01_vit.ipynb). It cuts such pictures into patches and teaches a transformer to see.
