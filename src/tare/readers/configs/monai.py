"""MONAI's bundles: intensity transforms by ``_target_`` in a JSON or YAML configuration.

Formulas: ``monai/transforms/intensity/array.py``. Expressions (``$...``) are not run; references (``@name``) to plain values of
the same file are followed. Bundles name classes of their own beside MONAI's (``scripts.NAME``), so that a class in the chain of
the image that is none of those listed here makes its values unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tare.errors import SpecError, short_repr
from tare.input_spec.fields import UNSTATED, Field, Known, PerSample, Unknown
from tare.input_spec.spec import InputSpec
from tare.readers.configs.documents import Place, dotted, listed, made, number, one_of_all, walk

_RANGE = "ScaleIntensityRange"
_PERCENTILES = "ScaleIntensityRangePercentiles"
_READ = (_RANGE, _PERCENTILES, "ScaleIntensity", "NormalizeIntensity")
#: Transforms that leave every value, or move all of them on a grid (``monai/transforms/io``, ``spatial`` and ``utility``).
_KEPT = (
    "LoadImage", "EnsureChannelFirst", "AsChannelFirst", "AsChannelLast", "AddChannel", "RepeatChannel", "RemoveRepeatedChannel",
    "EnsureType", "CastToType", "ToTensor", "ToNumpy", "ToCupy", "ToDevice", "FromMetaTensor", "ToMetaTensor", "SqueezeDim",
    "Identity", "Orientation", "Spacing", "SpatialResample", "ResampleToMatch", "Resize", "Flip", "Rotate90", "ApplyPending",
    "CopyItems", "ConcatItems", "SelectItems", "DeleteItems", "FlattenSubKeys", "DataStats", "IntensityStats", "SimulateDelay",
    "Transpose", "FgBgToIndices", "ClassesToIndices", "SaveImage", "WriteFileMapping", "RangePush", "RangePop", "Mark",
)  # fmt: skip
#: Transforms that keep a part of the image or pad it, so that what follows has other values of its own.
_PARTS = (
    "CropForeground", "SpatialCrop", "CenterSpatialCrop", "CenterScaleCrop", "Crop", "ResizeWithPadOrCrop", "SpatialPad",
    "BorderPad", "DivisiblePad", "Pad", "Zoom", "Rotate", "Affine", "GridPatch", "GridSplit", "SplitDim", "GridDistortion",
)  # fmt: skip
#: Random transforms that may do anything; the others of MONAI augment.
_RANDOM_WRAPPERS = ("RandLambda", "RandTorchVision", "RandTorchIO", "RandCuCIM")
#: Transforms that make items of the sample out of others.
_COPYING = ("CopyItems", "ConcatItems")
_MOST_STEPS = 2000
_LABELS = ("label", "labels", "seg", "mask", "pred", "prediction", "target", "box", "boxes")
_MOST_CHANNELS = 256


@dataclass(frozen=True, slots=True)
class _State:
    """The map so far: ``y = a * clip(p(v)) + b`` with p the normalisation by the sample's own values, or why there is none."""

    a: tuple[float, ...] = (1.0,)
    b: tuple[float, ...] = (0.0,)
    clip: tuple[float, float] | None = None
    each: PerSample | None = None
    reason: str = ""
    names: tuple[str, ...] = field(default=())
    part: str = ""

    def broken(self, reason: str) -> _State:
        """Without a map, for the first reason that there is."""
        return replace(self, reason=self.reason or reason)

    def then(self, a: tuple[float, ...], b: tuple[float, ...]) -> _State:
        """Followed by ``a * y + b``."""
        count = max(len(self.a), len(a), len(b))
        if any(len(part) not in (1, count) for part in (self.a, a, b)):
            return replace(self, reason="transforms for different numbers of channels")
        old_a, old_b, new_a, new_b = (part * count if len(part) == 1 else part for part in (self.a, self.b, a, b))
        scale = tuple(x * y for x, y in zip(old_a, new_a, strict=True))
        return replace(self, a=scale, b=tuple(x * y + z for x, y, z in zip(old_b, new_a, new_b, strict=True)))

    @property
    def begun(self) -> bool:
        return bool(self.names)


def is_monai(document: Mapping[str, Any]) -> bool:
    """Whether a document has transforms of MONAI that scale or normalise, at any depth."""
    waiting: list[tuple[Any, int]] = [(document, 0)]
    seen: set[int] = set()
    while waiting:
        value, depth = waiting.pop()
        if id(value) in seen or depth > 60:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping) and _class(value) in _READ:
            return True
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        waiting.extend((item, depth + 1) for item in items if isinstance(item, Mapping | list))
    return False


def read_monai_document(document: Mapping[str, Any], source: str, choice: str = "") -> InputSpec:
    """Read a bundle's configuration that is already parsed. Raises :class:`SpecError` if its parts contradict one another."""
    values = list(walk(document, source))
    count = _channels(values, document)
    found: list[tuple[Place, InputSpec]] = []
    for place, value in values:
        if found and place[: len(found[-1][0])] == found[-1][0]:
            continue  # a list inside a chain, behind which it is walked, is a part of it
        if isinstance(value, list) and _reads(value, document):
            found.append((place, _spec(_chain(value, document, source), document, f"{source}, {dotted(place)}", count)))
    if not found:
        expected = f"a list of transforms with one of {', '.join(_READ)} in {source}"
        raise SpecError(expected, "none", "name the configuration of a MONAI bundle")
    return one_of_all(found, source, choice)


def _class(step: Mapping[str, Any]) -> str:
    """MONAI's class that ``_target_`` names, without module and the d, D or Dict of dictionary transforms; another in full."""
    target = step.get("_target_")
    module, _, name = target.rpartition(".") if isinstance(target, str) else ("", "", "")
    if module and module.partition(".")[0] != "monai":
        return f"{module}.{name}"
    for end in ("Dict", "d", "D"):
        base = name.removesuffix(end)
        if base != name and (base in (*_READ, *_KEPT, *_PARTS) or base.startswith("Rand")):
            return base
    return name


def _chain(steps: list[Any], document: Mapping[str, Any], source: str) -> list[Any]:
    """The steps in order, references followed, those of a ``Compose`` in its place.

    Raises :class:`SpecError` for more than a few thousand, or for one that holds itself.
    """
    chain: list[Any] = []
    waiting = list(reversed(steps))
    for _ in range(_MOST_STEPS):
        if not waiting:
            return chain
        step = _resolved(waiting.pop(), document)
        is_open = isinstance(step, Mapping) and _class(step) == "Compose" and _is_disabled(step, document) is False
        inner = _resolved(step.get("transforms"), document) if is_open else None
        if isinstance(inner, list):
            waiting.extend(reversed(inner[:_MOST_STEPS]))
        else:
            chain.append(step)
    raise SpecError(f"a list of at most {_MOST_STEPS} steps in {source}", "a longer one", "name a plain configuration file")


def _reads(steps: list[Any], document: Mapping[str, Any]) -> bool:
    """Whether a chain has an intensity transform that is read, be it inside a choice (``OneOf``)."""
    waiting = list(steps)
    seen: set[int] = set()
    while waiting:
        step = _resolved(waiting.pop(), document)
        if not isinstance(step, Mapping) or id(step) in seen:
            continue
        seen.add(id(step))
        if _class(step) in _READ:
            return True
        inner = _resolved(step.get("transforms"), document)
        waiting.extend(inner if isinstance(inner, list) else [])
    return False


def _is_disabled(step: Mapping[str, Any], document: Mapping[str, Any]) -> bool | None:
    """Whether MONAI leaves the step out (``ConfigComponent.is_disabled``); None for an expression."""
    stated = _resolved(step.get("_disabled_", False), document)
    if isinstance(stated, str) and stated.startswith(("$", "@", "%")):
        return None
    return stated.lower().strip() == "true" if isinstance(stated, str) else bool(stated)


def _channels(values: list[tuple[Place, Any]], document: Mapping[str, Any]) -> Field[int]:
    """``in_channels`` of the network, where all networks of the file state the same one."""
    counts = {_resolved(value, document) for place, value in values if place and place[-1] == "in_channels" and _hashable(value)}
    whole = [count for count in counts if isinstance(count, int) and not isinstance(count, bool) and 0 < count <= _MOST_CHANNELS]
    if len(whole) == len(counts) == 1:
        return Known(whole[0], "in_channels")
    return Unknown("one map for every channel; the file does not state how many channels there are")


def _hashable(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) or value is None


def _resolved(value: Any, document: Mapping[str, Any]) -> Any:
    """A reference ``@a::b`` or ``@a#b`` followed to a plain value, at most eight times."""
    for _ in range(8):
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        found: Any = document
        for key in value[1:].replace("#", "::").split("::"):
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and len(key) < 6 and int(key) < len(found):
                found = found[int(key)]
            else:
                return value
        value = found
    return value


def _spec(steps: list[Any], document: Mapping[str, Any], origin: str, count: Field[int]) -> InputSpec:
    state = _State()
    notes: dict[str, Any] = {}
    images: list[str] | None = None
    related = _related(steps, document)
    for step in steps:
        if not isinstance(step, Mapping):
            state = state.broken(f"a step is {short_repr(step)}, which is not run")
            continue
        disabled = _is_disabled(step, document)
        if disabled or _of_others(step, document, related):
            continue
        name = _class(step)
        if disabled is None:
            state = state.broken(f"whether {name[:60]} is left out is an expression, which is not run")
        elif name in _READ:
            keys = [key for key in _keys(step, document) if key not in _LABELS]
            if images is not None and keys != images:
                state = replace(state, reason=f"different transforms for {', '.join(sorted({*images, *keys}))[:200]}")
            images = keys
            state = _after(state, name, _Arguments(step, document, f"{origin}, {name}"))
            if name == "NormalizeIntensity" and step.get("nonzero"):
                notes["nonzero"] = True
        else:
            state = _passed(state, name, step, document)
    if not state.begun:
        raise SpecError(
            f"an intensity transform of an image in {origin}", "only those of labels, or inside a choice", "name another part"
        )
    return _made(state, origin, count, notes)


def _passed(state: _State, name: str, step: Mapping[str, Any], document: Mapping[str, Any]) -> _State:
    """The state after a transform that is none of intensities that are read."""
    if name in _PARTS or (name.startswith("Rand") and ("Crop" in name or "Patch" in name)):
        return replace(state, part=state.part or name)
    if (name.startswith("Rand") and name not in _RANDOM_WRAPPERS) or ("Box" in name and "." not in name):
        return state  # an augmentation, or one of MONAI's transforms of boxes
    if name not in _KEPT:
        return state.broken(f"what {short_repr(name)} does to values is not read")
    whole = next((dtype for dtype in _dtypes(step, document) if not _is_floating(dtype)), None)
    return state if name == "LoadImage" or whole is None else state.broken(f"{name} casts to {short_repr(whole)}")


def _dtypes(step: Mapping[str, Any], document: Mapping[str, Any]) -> list[Any]:
    """The types to which a step casts items that are no labels: one for all keys, or one for each."""
    dtype = _resolved(step.get("dtype"), document)
    keys = _keys(step, document)
    if not isinstance(dtype, list) or len(dtype) != len(keys):
        return [dtype]
    return [_resolved(one, document) for key, one in zip(keys, dtype, strict=True) if key not in _LABELS]


def _is_floating(dtype: Any) -> bool:
    """Whether a cast to ``dtype`` keeps values; without one, MONAI's is float32 or that of the image."""
    return dtype is None or (isinstance(dtype, str) and any(word in dtype for word in ("float", "double", "half")))


def _related(steps: list[Any], document: Mapping[str, Any]) -> set[str]:
    """The keys of the images that are scaled or normalised, and of the items that they are made of or copied to."""
    found = {key for step in steps if isinstance(step, Mapping) and _class(step) in _READ for key in _keys(step, document)}
    found -= set(_LABELS)
    copies = [
        {*_keys(step, document), *_keys(step, document, "name"), *_keys(step, document, "names")}
        for step in steps
        if isinstance(step, Mapping) and _class(step) in _COPYING
    ]
    for _ in copies:
        for keys in copies:
            found |= keys if keys & found else set()
    return found


def _made(state: _State, origin: str, count: Field[int], notes: Mapping[str, Any]) -> InputSpec:
    said = f"{origin}, {' and '.join(state.names)}"
    mean, std = (Unknown(f"{origin}: {state.reason}"), Unknown(f"{origin}: {state.reason}"))
    fields: dict[str, Field[Any]] = {"mean": mean, "std": std}
    if not state.reason:
        pairs = list(zip(state.a, state.b, strict=True))
        if any(a <= 0 for a, _ in pairs):
            raise SpecError(f"a range that rises in {origin}", f"a factor {min(state.a):g}", "correct the file")
        wanted = count.value if isinstance(count, Known) else 1
        pairs = pairs * wanted if len(pairs) == 1 else pairs
        fields["mean"] = Known(tuple(0.0 - b / a for a, b in pairs), said)
        fields["std"] = Known(tuple(1 / a for a, _ in pairs), said)
        fields["clip"] = UNSTATED if state.clip is None else Known((state.clip,), said)
        fields["per_sample"] = UNSTATED if state.each is None else Known(state.each, said)
    else:
        fields["per_sample"] = Unknown(f"{origin}: {state.reason}")
    width = len(state.a) if len(state.a) > 1 else count.value if isinstance(count, Known) else 0
    names = ",".join(f"c{index}" for index in range(width))
    unstated = Unknown(f"{origin}: MONAI casts what LoadImage reads to float32; what is stored is not stated")
    fields |= {
        "channels": Known(names, f"{origin}; {width} channels as {'in_channels' if len(state.a) == 1 else 'the transform'} says")
        if width
        else Unknown(f"{origin}: {count.reason if isinstance(count, Unknown) else ''}"),
        "scale": Known(1.0, f"{origin}: transforms apply to the values as they are loaded"),
        "dtype": Known("float32", "MONAI's intensity transforms make float32 values"),
        "raw_dtype": unstated,
        "units": Unknown(f"{origin} does not state what a raw value counts"),
    }
    return made(fields, origin, notes)


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The arguments of one transform, references followed, as numbers and flags."""

    step: Mapping[str, Any]
    document: Mapping[str, Any]
    origin: str

    def get(self, key: str, default: Any = None) -> Any:
        value = _resolved(self.step.get(key, default), self.document)
        if isinstance(value, str) and value.startswith(("$", "@", "%")):
            raise SpecError(
                f"a plain value of {key!r} in {self.origin}", short_repr(value), "state it as a number; nothing is run"
            )
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = number(self.get(key, default))
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e100:
            raise SpecError(f"a finite number {key!r} in {self.origin}", short_repr(value), "correct the file")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.get(key, False)
        if not isinstance(value, bool):
            raise SpecError(f"true or false as {key!r} in {self.origin}", short_repr(value), "correct the file")
        return value

    def numbers(self, key: str) -> tuple[float, ...] | None:
        value = self.get(key)
        if value is None:
            return None
        items = listed(value)
        if not 1 <= len(items) <= _MOST_CHANNELS or not all(_finite(item) for item in items):
            raise SpecError(f"finite numbers as {key!r} in {self.origin}", short_repr(value), "correct the file")
        return tuple(float(item) for item in items)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e100


def _keys(step: Mapping[str, Any], document: Mapping[str, Any], argument: str = "keys") -> list[str]:
    """The keys of a dictionary transform; none of an array transform."""
    keys = _resolved(step.get(argument), document)
    names = keys if isinstance(keys, list) else [] if keys is None else [keys]
    return [str(_resolved(name, document))[:80] for name in names]


def _of_others(step: Mapping[str, Any], document: Mapping[str, Any], related: set[str]) -> bool:
    """Whether a step is of labels, or of items that the images are not made of."""
    keys = _keys(step, document)
    if not keys or _class(step) in _COPYING or any(key.startswith(("$", "@", "%")) for key in keys):
        return False
    return all(name in _LABELS for name in keys) or bool(related and not related & set(keys))


def _after(state: _State, name: str, given: _Arguments) -> _State:
    """The state after one transform."""
    state = replace(state, names=(*state.names, name))
    reason = state.reason or _why_no_map(state, name, given)
    if reason:
        return state.broken(reason)
    if name == _RANGE:
        return _range(state, given)
    if name == "NormalizeIntensity":
        return _normalised(state, given)
    return _percentiles(state, given) if name == _PERCENTILES else _unit(state, given)


def _why_no_map(state: _State, name: str, given: _Arguments) -> str:
    """Why a transform gives no map of the values of a whole sample here; nothing where it gives one."""
    dtype = _resolved(given.step.get("dtype"), given.document)
    if not _is_floating(dtype):
        return f"{name} casts to {short_repr(dtype)}"
    if name != _PERCENTILES and not _by_sample(name, given):
        return ""
    if len(state.names) > 1:
        return f"{name} normalises each sample by its own values after {state.names[-2]}"
    return f"{name} normalises by the values that {state.part} leaves or pads, not by those of a sample" if state.part else ""


def _by_sample(name: str, given: _Arguments) -> bool:
    if name == "ScaleIntensity":
        return given.get("minv", 0.0) is not None or given.get("maxv", 1.0) is not None
    return name == "NormalizeIntensity" and (given.get("subtrahend") is None or given.get("divisor") is None)


def _ends(given: _Arguments, low: str, high: str) -> tuple[float, float] | None:
    """What the ends become; None where either is null, as MONAI takes it. The range rises."""
    if given.get(low) is None or given.get(high) is None:
        return None
    ends = given.number(low), given.number(high)
    if not ends[0] < ends[1]:
        raise SpecError(f"{low} below {high} in {given.origin}", f"{ends[0]:g} and {ends[1]:g}", "correct the file")
    return ends


def _range(state: _State, given: _Arguments) -> _State:
    source = given.number("a_min"), given.number("a_max")
    if not source[0] < source[1]:
        raise SpecError(f"a_min below a_max in {given.origin}", f"{source[0]:g} and {source[1]:g}", "correct the file")
    ends = _ends(given, "b_min", "b_max")
    low, high = ends or (0.0, 1.0)
    factor = (high - low) / (source[1] - source[0])
    is_clipped = given.flag("clip")
    if is_clipped and ends is None:
        raise SpecError(f"b_min and b_max in {given.origin}, which clips", "null", "correct the file")
    if is_clipped and len(state.names) > 1:
        return replace(state, reason=f"{_RANGE} clips after {state.names[-2]}")
    after = state.then((factor,), (low - source[0] * factor,))
    return replace(after, clip=source) if is_clipped else after


def _normalised(state: _State, given: _Arguments) -> _State:
    over = "channel" if given.flag("channel_wise") else "sample"
    if given.flag("nonzero"):
        return replace(state, reason="NormalizeIntensity leaves zeros as they are, and takes its mean and std from the others")
    first, second = given.numbers("subtrahend"), given.numbers("divisor")
    if first is None and second is None:
        return replace(state, each=PerSample("zscore", over))
    if first is None or second is None:
        stated, own = ("divisor", "mean") if first is None else ("subtrahend", "std")
        return replace(state, reason=f"NormalizeIntensity states {stated}, and takes the {own} from each sample")
    if not all(value > 0 for value in second):
        raise SpecError(f"a positive divisor in {given.origin}", f"{min(second):g}", "correct the file")
    if len(second) != len(first) and 1 not in (len(first), len(second)):
        raise SpecError(f"as many in subtrahend as in divisor of {given.origin}", f"{len(first)} and {len(second)}", "correct it")
    count = max(len(first), len(second))
    first, second = (part * count if len(part) == 1 else part for part in (first, second))
    factors = tuple(1 / value for value in second)
    return state.then(factors, tuple(-x * y for x, y in zip(first, factors, strict=True)))


def _percentiles(state: _State, given: _Arguments) -> _State:
    low, high = given.number("lower"), given.number("upper")
    if not 0 <= low < high <= 100:
        raise SpecError(f"percentiles that rise from 0 to 100 in {given.origin}", f"{low:g} and {high:g}", "correct the file")
    if given.flag("relative"):
        return replace(state, reason=f"{_PERCENTILES} is relative, which is not read")
    ends = _ends(given, "b_min", "b_max")
    first, last = ends or (0.0, 1.0)
    each = PerSample("percentile", "channel" if given.flag("channel_wise") else "sample", 0.0, low, high)
    clip = (0.0, 1.0) if given.flag("clip") else None
    return replace(state.then((last - first,), (first,)), each=each, clip=clip)


def _unit(state: _State, given: _Arguments) -> _State:
    low, high = given.get("minv", 0.0), given.get("maxv", 1.0)
    if low is None and high is None:
        if given.get("factor") is None:
            raise SpecError(f"minv and maxv, or a factor in {given.origin}", "neither", "correct the file")
        return state.then((1 + given.number("factor"),), (0.0,))
    first, last = (0.0, 1.0) if low is None or high is None else (given.number("minv", 0.0), given.number("maxv", 1.0))
    if not first < last:
        raise SpecError(f"minv below maxv in {given.origin}", f"{first:g} and {last:g}", "correct the file")
    each = PerSample("minmax", "channel" if given.flag("channel_wise") else "sample")
    return replace(state.then((last - first,), (first,)), each=each)
