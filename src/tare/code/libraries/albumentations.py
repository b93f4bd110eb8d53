"""Albumentations' transforms: ``p`` is 0.5 where nothing else is stated, and 1 for resizing and normalising."""

from __future__ import annotations

from tare.code.interpreter.values import Call
from tare.code.libraries.step import Reader, Step, drawn, fixed, number, sometimes, text

ROOTS = ("albumentations", "albumentations.pytorch", "albumentations.augmentations", "albumentations.pytorch.transforms")
CONTAINERS = frozenset(("Compose", "Sequential"))
CHANCES = frozenset(("OneOf", "SomeOf", "OneOrOther", "RandomOrder"))

#: What Albumentations normalises with where nothing is stated.
MEAN, STD, MAX_VALUE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 255.0


def _normalize(call: Call) -> Step:
    mode = text(call.argument(5, "normalization"))
    chance = number(call.keywords["p"]) if "p" in call.keywords else 1.0
    if mode not in ("", "standard") or chance is None or chance < 1:
        return Step("opaque", call.last, call)
    values = {"mean": call.argument(0, "mean"), "std": call.argument(1, "std"), "max_value": call.argument(2, "max_pixel_value")}
    return Step("normalize", call.last, call, values={key: value for key, value in values.items() if value is not None})


STEPS: dict[str, Reader] = {
    "Normalize": _normalize,
    "ToTensorV2": fixed("convert"),
    "ToTensor": fixed("convert"),
    "ToFloat": fixed("to_float"),
    "ToGray": sometimes("photometric", 0.5),
    **dict.fromkeys(
        ("Resize", "SmallestMaxSize", "LongestMaxSize", "CenterCrop", "PadIfNeeded", "Crop"),
        fixed("geometric"),
    ),
    **dict.fromkeys(("RandomResizedCrop", "RandomSizedCrop", "RandomCrop"), drawn("geometric")),
    **dict.fromkeys(
        [
            "HorizontalFlip",
            "VerticalFlip",
            "Flip",
            "Transpose",
            "RandomRotate90",
            "Rotate",
            "ShiftScaleRotate",
            "Affine",
            "Perspective",
            "ElasticTransform",
            "GridDistortion",
            "OpticalDistortion",
            "SafeRotate",
            "RandomScale",
            "D4",
        ],
        sometimes("geometric", 0.5),
    ),
    **dict.fromkeys(
        [
            "RandomBrightnessContrast",
            "HueSaturationValue",
            "ColorJitter",
            "RGBShift",
            "ChannelShuffle",
            "CLAHE",
            "Blur",
            "GaussianBlur",
            "MotionBlur",
            "MedianBlur",
            "GaussNoise",
            "ISONoise",
            "ImageCompression",
            "RandomGamma",
            "RandomBrightness",
            "RandomContrast",
            "Solarize",
            "Posterize",
            "Equalize",
            "Sharpen",
            "RandomShadow",
            "RandomFog",
            "RandomRain",
            "RandomSunFlare",
            "MultiplicativeNoise",
            "Downscale",
            "Emboss",
        ],
        sometimes("photometric", 0.5),
    ),
    **dict.fromkeys(("CoarseDropout", "Cutout", "GridDropout", "RandomErasing"), sometimes("erase", 0.5)),
}
