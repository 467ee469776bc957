"""Lesson 00."""

from mmlearn.course.misconceptions import Collection

MISCONCEPTIONS = Collection()
of = MISCONCEPTIONS.of


@of("start.mean", "You averaged over everything. `mean()` without `dim=` leaves one number; the picture is gone.")
def everything(images_BCYX):
    return images_BCYX.mean()


@of("start.mean", "You averaged over the channels, axis 1. That makes each image grey; the batch is axis 0.")
def channels(images_BCYX):
    return images_BCYX.mean(dim=1)


@of("start.mean", "You averaged over rows and columns, the pixels of each image. The batch is axis 0.")
def pixels(images_BCYX):
    return images_BCYX.mean(dim=(2, 3))


@of("start.mean", "You added the images up and did not divide by how many there are.")
def total(images_BCYX):
    return images_BCYX.sum(dim=0)


@of("start.mean", "The batch axis is still there, with length 1. Leave `keepdim` out.")
def kept_axis(images_BCYX):
    return images_BCYX.mean(dim=0, keepdim=True)


@of("start.mean", "You took the first image, not the mean of all.")
def first_image(images_BCYX):
    return images_BCYX[0]


@of("start.mean", "That is the median: the middle value, not the mean.")
def median(images_BCYX):
    return images_BCYX.median(dim=0).values


@of("start.mean", "The result is cut off from the images: `detach` or `no_grad` stops the gradient.")
def detached(images_BCYX):
    return images_BCYX.detach().mean(dim=0)
