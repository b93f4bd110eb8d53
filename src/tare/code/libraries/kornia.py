"""kornia's augmentations on batches of tensors."""

from __future__ import annotations

from tare.code.libraries.step import Reader, fixed, sometimes
from tare.code.libraries.torchvision import STEPS as TORCHVISION

ROOTS = ("kornia.augmentation", "kornia.enhance")
CONTAINERS = frozenset(("AugmentationSequential", "ImageSequential"))

STEPS: dict[str, Reader] = {
    "Normalize": TORCHVISION["Normalize"],
    "Denormalize": fixed("opaque"),
    **dict.fromkeys(("CenterCrop", "Resize", "PadTo", "LongestMaxSize"), fixed("geometric")),
    **dict.fromkeys(
        [
            "RandomHorizontalFlip",
            "RandomVerticalFlip",
            "RandomRotation",
            "RandomAffine",
            "RandomPerspective",
            "RandomResizedCrop",
            "RandomCrop",
        ],
        sometimes("geometric", 0.5),
    ),
    **dict.fromkeys(
        ["ColorJitter", "ColorJiggle", "RandomGrayscale", "RandomGaussianBlur", "RandomBrightness", "RandomContrast"],
        sometimes("photometric", 0.5),
    ),
    "RandomErasing": sometimes("erase", 0.5),
}
