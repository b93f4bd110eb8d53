"""Evidence written by hand, for rules that are pure functions of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tare.checking.rules.evidence import Evidence
from tare.checking.stage import explained
from tare.input_spec.affine import Affine
from tare.input_spec.spec import Crop, InputSpec
from tare.normalisation.conventions import conventions_for
from tare.pipelines.observation import Observation
from tare.pipelines.step import Step
from tare.statistics.dataset_stats import DatasetStats
from tests.made_stats import stated_stats

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SPEC = InputSpec.of(
    MEAN,
    STD,
    size=(224, 224),
    crop=Crop("center", 0.875),
    interpolation="bilinear",
    antialias=True,
    layout="NCHW",
    raw_dtype="uint8",
)
OWN = SPEC.affine()
SEEN = Observation(OWN, (3, 224, 224), "CHW", "float32", -2.1, 2.6)


def normalised(mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD, scale: float = 1 / 255) -> Affine:
    return Affine.of_normalisation(mean, std, scale)


def step(kind: Any, name: str = "", random: bool = False, **values: Any) -> Step:
    return Step(kind, name or str(kind), "torchvision Compose, step 1", values, random)


NORMALIZE = step("normalize", "Normalize", mean=MEAN, std=STD, max_value=1.0)
TO_TENSOR = step("to_tensor", "ToTensor")


def evidence(fed: Affine | None = OWN, spec: InputSpec = SPEC, **others: Any) -> Evidence:
    """A correct pipeline, but for what is given."""
    stated: dict[str, Any] = {"seen": replace(SEEN, affine=fed), "conventions": conventions_for(spec), "stated": SPEC} | others
    made = Evidence(spec, "timm:resnet50", fed=fed, **stated)
    if fed is None or len(fed.order) != len(OWN.order) or spec is not SPEC:
        return made
    return explained(made)


def statistics(
    mean: tuple[float, ...], std: tuple[float, ...], of_images: tuple[float, ...] | None = None, error: float = 1e-3
) -> DatasetStats:
    """Statistics of a made data set, known to ``error``; ``of_images`` are the means of per-image stds."""
    made = stated_stats(mean, std, 500, error)
    averaged = of_images or std
    return replace(made, channels=tuple(replace(c, mean_of_sample_std=s) for c, s in zip(made.channels, averaged, strict=True)))
