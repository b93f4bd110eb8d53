"""Pipelines with one known mistake: every mistake, for many networks, in every library in which it can be made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from benchmarks.check_rates.case import Case
from benchmarks.check_rates.correct import timm_names
from benchmarks.check_rates.recipes import BUILDERS, Recipe, as_function
from benchmarks.check_rates.remedies import applied
from tare.checking.inputs import Stage
from tare.checking.rules.finding import Fix
from tare.input_spec.affine import Affine
from tare.input_spec.spec import Crop, InputSpec
from tare.normalisation.catalog import entries
from tare.normalisation.diagnosis import TOLERANCE
from tare.readers.table import read_spec

#: Size, crop and interpolation that networks were tested with, given to the catalog's constants in turn.
_GEOMETRIES = (
    ((224, 224), Crop("center", 0.875), "bilinear"),
    ((224, 224), Crop("center", 0.9), "bicubic"),
    ((240, 240), Crop("center", 0.95), "bicubic"),
    ((299, 299), Crop("center", 0.875), "bicubic"),
    ((192, 192), Crop("squash", 1.0), "bicubic"),
    ((160, 256), Crop("squash", 1.0), "bilinear"),
)
_LARGEST = 256
_MOST = 32


def networks() -> list[tuple[str, InputSpec]]:
    """Networks that differ in constants, size, crop or interpolation: the catalog's constants, then timm's."""
    found = []
    for index, entry in enumerate(each for each in entries() if each.channels == "RGB"):
        size, crop, interpolation = _GEOMETRIES[index % len(_GEOMETRIES)]
        how: dict[str, Any] = {"size": size, "crop": crop, "interpolation": interpolation}
        found.append((entry.name, InputSpec.of(entry.mean, entry.std, raw_dtype="uint8", **how)))
    for name in timm_names():
        spec = read_spec(f"timm:{name}")
        if max(spec.require("size")) <= _LARGEST and spec.require("crop").mode != "border" and any(spec.require("mean")):
            found.append((f"timm:{name}", spec))
    return found[:_MOST]


Change = Callable[[Recipe], Recipe]


@dataclass(frozen=True, slots=True)
class Mistake:
    """``change`` makes it, ``codes`` must be found: ``by_running`` in a function, which cannot be read (None: the same codes).

    A mistake in training pipelines is looked for at that stage.
    """

    name: str
    codes: tuple[str, ...]
    change: Change
    stage: Stage = "eval"
    by_running: tuple[str, ...] | None = None


def _set(**values: Any) -> Change:
    return lambda recipe: replace(recipe, **values)


def _moments(mean: Callable[[Recipe], Any], std: Callable[[Recipe], Any]) -> Change:
    return lambda recipe: replace(recipe, mean=tuple(mean(recipe)), std=tuple(std(recipe)))


def _another_network(recipe: Recipe) -> Recipe:
    """The circulating constants that are farthest from the network's own."""
    others = [
        (entry.mean, entry.std) for entry in entries() if entry.name in ("imagenet", "clip", "inception", "cifar10", "svhn")
    ]
    own = Affine.of_normalisation(recipe.mean, recipe.std, 1 / 255)
    mean, std = max(others, key=lambda other: own.distance(Affine.of_normalisation(other[0], other[1], 1 / 255)))
    return replace(recipe, mean=mean, std=std)


def _smaller(recipe: Recipe) -> Recipe:
    size = (recipe.size[0] // 2, recipe.size[1] // 2)
    return replace(recipe, size=size, resize=tuple(edge // 2 for edge in recipe.resize))


def _other_crop(recipe: Recipe) -> Recipe:
    if len(recipe.resize) == 2:
        return replace(recipe, resize=tuple(round(edge * 1.2) for edge in recipe.resize))
    return replace(recipe, resize=(round(recipe.resize[0] * 1.2),))


def _other_interpolation(recipe: Recipe) -> Recipe:
    return replace(recipe, interpolation="bilinear" if recipe.interpolation == "bicubic" else "bicubic")


def _times(*divisors: float) -> Change:
    return _set(divisors=divisors)


def _both(first: Change, second: Change) -> Change:
    return lambda recipe: second(first(recipe))


def _twice(recipe: Recipe) -> Recipe:
    return replace(recipe, second=(recipe.mean, recipe.std))


_own_mean, _own_std = (lambda r: r.mean), (lambda r: r.std)
_zeros, _ones = (lambda r: (0.0,) * len(r.mean)), (lambda r: (1.0,) * len(r.std))
_mean_255, _foreign_255 = (lambda r: (255 * m for m in r.mean)), (lambda _: (79.0, 92.0, 74.0))
_bgr = _set(before=("bgr",))
_swap = _moments(_own_std, _own_mean)

MISTAKES: tuple[Mistake, ...] = (
    Mistake("0..255 into Normalize", ("TARE001",), _times()),
    Mistake("divided by 255 twice", ("TARE002",), _times(255.0, 255.0)),
    Mistake("normalised twice", ("TARE003",), _twice),
    Mistake("[0, 1], not normalised", ("TARE004",), _set(normalises=False)),
    Mistake("0..255, not normalised", ("TARE004",), _set(normalises=False, divisors=())),
    Mistake("another network's constants", ("TARE005",), _another_network),
    Mistake("mean and std exchanged", ("TARE006",), _swap),
    Mistake("the mean as std", ("TARE007",), _moments(_own_mean, _own_mean)),
    Mistake("the std as mean", ("TARE007",), _moments(_own_std, _own_std)),
    Mistake("BGR", ("TARE008",), _bgr),
    Mistake("constants in reversed order", ("TARE015",), _moments(lambda r: r.mean[::-1], lambda r: r.std[::-1])),
    Mistake(
        "constants of 0..255 on values in [0, 1]",
        ("TARE016",),
        _moments(lambda r: (255 * m for m in r.mean), lambda r: (255 * s for s in r.std)),
        by_running=("TARE002",),
    ),
    Mistake("mean of 0..255, std of [0, 1]", ("TARE016",), _moments(lambda r: (255 * m for m in r.mean), _own_std)),
    Mistake("mean of [0, 1], std of 0..255", ("TARE016",), _moments(_own_mean, lambda r: (255 * s for s in r.std))),
    Mistake(
        "other constants of 0..255 on values in [0, 1]",
        ("TARE016",),
        _moments(lambda _: (79.0, 92.0, 74.0), lambda _: (84.0, 79.0, 92.0)),
    ),
    Mistake("impossible statistics", ("TARE017",), _moments(lambda _: (-0.31, 0.36, 0.29), lambda _: (0.73, 0.61, 0.66))),
    Mistake("constants of nobody", ("TARE010",), _moments(lambda _: (0.31, 0.36, 0.29), lambda _: (0.33, 0.31, 0.36))),
    Mistake("8 bits divided by 65535", ("TARE011",), _times(65535.0)),
    Mistake("8 bits divided by 127.5", ("TARE011",), _times(127.5)),
    Mistake("divided by each image's maximum", ("TARE012",), _set(before=("max",))),
    Mistake("min-max of each image", ("TARE012",), _set(before=("min_max",))),
    Mistake("divided by 255 if the maximum is above 1", ("TARE012",), _set(before=("if_max",), divisors=())),
    Mistake("mean added", ("TARE013",), _moments(lambda r: (-m for m in r.mean), _own_std)),
    Mistake("variance for std", ("TARE044",), _moments(_own_mean, lambda r: (s * s for s in r.std))),
    Mistake("std not applied", ("TARE042",), _moments(_own_mean, _ones)),
    Mistake("std not applied to 0..255", ("TARE042",), _both(_moments(_mean_255, _ones), _times())),
    Mistake(
        "std of another network's 0..255 constants not applied", ("TARE042",), _both(_moments(_foreign_255, _ones), _times())
    ),
    Mistake("std halved", ("TARE043",), _moments(_own_mean, lambda r: (s / 2 for s in r.std))),
    Mistake("std 40 times too small", ("TARE043",), _moments(_own_mean, lambda r: (s / 40 for s in r.std))),
    Mistake("std doubled", ("TARE043",), _moments(_own_mean, lambda r: (s * 2 for s in r.std))),
    Mistake("x - mean / std", ("TARE046",), _moments(lambda r: (m / s for m, s in zip(r.mean, r.std, strict=True)), _ones)),
    Mistake("x / std - mean", ("TARE046",), _moments(lambda r: (m * s for m, s in zip(r.mean, r.std, strict=True)), _own_std)),
    Mistake("multiplied by std", ("TARE013",), _moments(_own_mean, lambda r: (1 / s for s in r.std))),
    Mistake(
        "x * std + mean",
        ("TARE013",),
        _moments(lambda r: (-m / s for m, s in zip(r.mean, r.std, strict=True)), lambda r: (1 / s for s in r.std)),
    ),
    Mistake("mean not subtracted", ("TARE013",), _moments(_zeros, _own_std)),
    Mistake("gamma curve", ("TARE014",), _set(before=("gamma",))),
    Mistake("Normalize before ToTensor", ("TARE020",), _set(start="normalize")),
    Mistake("integers into Normalize", ("TARE021",), _set(start="integers")),
    Mistake("colour jitter after Normalize", ("TARE022", "TARE024"), _set(after=("jitter",))),
    Mistake("clamped to [0, 1] afterwards", ("TARE023",), _set(after=("clip01",))),
    Mistake("clamped to [-1, 1] afterwards", ("TARE023",), _set(after=("clip11",))),
    Mistake("random flip in evaluation", ("TARE024",), _set(flips=True)),
    Mistake("grey copied to three channels", ("TARE030",), _set(before=("grey3",))),
    Mistake("one grey channel", ("TARE031",), lambda r: replace(r, before=("grey1",), mean=r.mean[:1], std=r.std[:1])),
    Mistake("channels last", ("TARE033",), _set(after=("hwc",))),
    Mistake("float64", ("TARE034",), _set(after=("float64",))),
    Mistake("a std of 0", ("TARE040",), _moments(_own_mean, lambda r: (*r.std[:2], 0.0)), by_running=("TARE035",)),
    Mistake("a std of 1e-6", ("TARE041",), _moments(_own_mean, lambda r: (*r.std[:2], 1e-6))),
    Mistake("Normalize half of the time", ("TARE024", "TARE061"), _set(chance=0.5)),
    Mistake("half the size", ("TARE070",), _smaller),
    Mistake("another crop", ("TARE071",), _other_crop, by_running=()),
    Mistake("another interpolation", ("TARE072",), _other_interpolation, by_running=()),
    Mistake("a tensor resized without antialiasing", ("TARE073",), _set(start="resize")),
    Mistake("two at once: BGR and 0..255 into Normalize", ("TARE001", "TARE008"), _both(_bgr, _times())),
    Mistake("two at once: BGR and normalised twice", ("TARE003", "TARE008"), _both(_bgr, _twice)),
    Mistake("two at once: BGR and another network's constants", ("TARE005", "TARE008"), _both(_bgr, _another_network)),
    Mistake("two at once: half the size, exchanged", ("TARE006", "TARE070"), _both(_smaller, _swap)),
    Mistake("training: 0..255 into Normalize", ("TARE001",), _both(_set(augmented=True), _times()), "train"),
    Mistake("training: divided by 255 twice", ("TARE002",), _both(_set(augmented=True), _times(255.0, 255.0)), "train"),
    Mistake("training: normalised twice", ("TARE003",), _both(_set(augmented=True), _twice), "train"),
    Mistake("training: not normalised", ("TARE004",), _set(augmented=True, normalises=False), "train"),
    Mistake("training: another network's constants", ("TARE005",), _both(_set(augmented=True), _another_network), "train"),
    Mistake("training: mean and std exchanged", ("TARE006",), _both(_set(augmented=True), _swap), "train"),
    Mistake("training: colour jitter after Normalize", ("TARE022",), _set(augmented=True, after=("jitter",)), "train"),
)

#: Mistakes in pipelines that normalise raw values with constants of 0..255.
RAW: tuple[Mistake, ...] = (
    Mistake("0..255 constants: values divided, constants not", ("TARE016",), _times(255.0), by_running=("TARE002",)),
    Mistake("0..255 constants: reversed order", ("TARE015",), _moments(lambda r: r.mean[::-1], lambda r: r.std[::-1])),
    Mistake("0..255 constants: std not applied", ("TARE042",), _moments(_own_mean, _ones)),
    Mistake("0..255 constants: std halved", ("TARE043",), _moments(_own_mean, lambda r: (s / 2 for s in r.std))),
    Mistake("0..255 constants: std of [0, 1]", ("TARE016",), _moments(_own_mean, lambda r: (s / 255 for s in r.std))),
    Mistake("0..255 constants: mean of [0, 1]", ("TARE016",), _moments(lambda r: (m / 255 for m in r.mean), _own_std)),
    Mistake("0..255 constants: mean and std exchanged", ("TARE006",), _swap),
    Mistake("0..255 constants: of nobody", ("TARE010",), _moments(lambda _: (79.0, 92.0, 74.0), lambda _: (84.0, 79.0, 92.0))),
)

#: The evaluation pipeline beside a correct training pipeline.
STAGES: tuple[Mistake, ...] = (
    Mistake("training right, evaluation not normalised", ("TARE004", "TARE050"), _set(normalises=False)),
    Mistake("training right, evaluation 0..255", ("TARE001", "TARE050"), _times()),
    Mistake("training right, evaluation BGR", ("TARE008", "TARE050"), _bgr),
    Mistake("training right, evaluation exchanged", ("TARE006", "TARE050"), _swap),
)


def mutants(specs: list[tuple[str, InputSpec]], every: bool = False) -> Iterator[Case]:
    """Every mistake for every network, in one library after the other, or with ``every`` in every library.

    Left out where it is none, or where a library cannot express it; then the next one takes its place. Mistakes in what is
    stated for 0..255 follow, for networks whose pipelines normalise raw values.
    """
    libraries = list(BUILDERS)
    for at, (name, spec) in enumerate(specs):
        for number, mistake in enumerate((*MISTAKES, *STAGES)):
            first = (at + number) % len(libraries)
            turn = (_case(mistake, library, name, spec) for library in (*libraries[first:], *libraries[:first]))
            yield from islice((case for case in turn if case is not None), None if every else 1)
        for number, mistake in enumerate(RAW):
            first = (at + number) % len(libraries)
            turn = (_case(mistake, library, name, spec, of_raw) for library in (*libraries[first:], *libraries[:first]))
            yield from islice((case for case in turn if case is not None), None if every else 1)


def of_raw(recipe: Recipe) -> Recipe:
    """The same recipe, whose constants are those of raw values: nothing is divided by 255."""
    mean, std = (tuple(255 * value for value in values) for values in (recipe.mean, recipe.std))
    return replace(recipe, divisors=(), mean=mean, std=std)


def _case(mistake: Mistake, library: str, name: str, spec: InputSpec, written: Change = lambda r: r) -> Case | None:
    """One mistake for one network in one library; None where it cannot be made or seen, or is none."""
    own, build = written(Recipe.of(spec)), BUILDERS[library]
    recipe = mistake.change(own)
    codes = mistake.codes if mistake.by_running is None or build is not as_function else mistake.by_running
    if "TARE006" in codes and is_none(own, _swap(own)):
        return None
    if is_none(own, recipe) or not codes:  # no codes: nothing that images of one colour could show
        return None
    pipeline = build(recipe)
    training = build(replace(own, augmented=True)) if mistake in STAGES else None
    if pipeline is None or (mistake in STAGES and training is None):
        return None
    given = pipeline if training is None else {"train": training, "eval": pipeline}

    def repaired(changes: Sequence[Fix]) -> Any:
        whole = build(applied(recipe, changes))
        return whole if training is None else {"train": training, "eval": whole}

    return Case(mistake.name, f"{library}, {name}", given, spec, frozenset(codes), mistake.stage, repaired)


def is_none(own: Recipe, changed: Recipe) -> bool:
    """Whether the change is no mistake for this network.

    Exchanging mean and std is none where both are 0.5, cutting to [-1, 1] none where no input lies outside, and grey copied to
    three channels none where all channels have the same constants.
    """
    if changed.after == ("clip11",) and all(abs(end - m) <= s for m, s in zip(own.mean, own.std, strict=True) for end in (0, 1)):
        return True
    if changed.before == ("grey3",) and len({*zip(own.mean, own.std, strict=True)}) == 1:
        return True
    top = 1.0 if own.divisors else 255.0
    scaled = changed.mean == own.mean and any(changed.std == tuple(s * factor for s in own.std) for factor in (0.5, 2))
    if scaled and all(abs(s / top - 0.5) < 0.01 for s in own.std):
        return True  # the half of 0.5 is its square, and twice 0.5 is no std at all: these are other mistakes
    if replace(changed, mean=own.mean, std=own.std, augmented=False) != own or 0.0 in changed.std:
        return changed == own
    before, after = (Affine.of_normalisation(each.mean, each.std, 1 / 255) for each in (own, changed))
    return before.distance(after) <= TOLERANCE
