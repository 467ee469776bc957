"""Simple statistics of images."""

import torch

from mmlearn.eval.pictures import mean_picture, nearest_mean


def seeded(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_the_nearest_mean_is_that_of_the_smallest_sum_of_squares():
    images, means = seeded(40, 3, 4, 5), seeded(6, 3, 4, 5) / 4
    nearest = nearest_mean(images, means)
    squares = [[(image - mean).square().sum().item() for mean in means] for image in images]
    assert nearest.tolist() == [row.index(min(row)) for row in squares]
    assert len(set(nearest.tolist())) > 2


def test_a_class_without_pictures_is_never_the_nearest():
    images, labels = seeded(9, 3, 4, 4), torch.tensor([0, 2, 2, 0, 2, 0, 0, 2, 2])
    means = torch.stack([mean_picture(images[labels == k]) for k in range(3)])
    assert means[1].isnan().all()
    assert set(nearest_mean(images, means).tolist()) == {0, 2}
