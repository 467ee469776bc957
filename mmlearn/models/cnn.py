"""A small convolutional network: the baseline that the lessons' transformers are set against.

Shape letters: B batch, C channels, Y and X rows and columns, K classes.
"""

from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Four stages of convolution, batch norm and ReLU, each halving the image; then the mean and a linear head.

    Args:
        classes: K.
        width: channels of the first stage; the others have two, four and four times as many.
        channels: C of the images.
        device, dtype: of the parameters.
    """

    def __init__(self, classes: int, width: int, *, channels: int = 3, device=None, dtype=None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        stages, before = [], channels
        for after in (width, 2 * width, 4 * width, 4 * width):
            stages += [nn.Conv2d(before, after, 3, padding=1, bias=False, **place), nn.BatchNorm2d(after, **place)]
            stages += [nn.ReLU(), nn.MaxPool2d(2)]
            before = after
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(before, classes, **place)

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Images `[B, C, Y, X]` to class scores `[B, K]`."""
        return self.head(self.stages(images_BCYX).mean(dim=(2, 3)))
