"""What is known of a waveform: the sample rate it was loaded or resampled at, and the range of its values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from tare.code.interpreter.values import Call, Choice, Items, Library, Value
from tare.code.interpreter.values import Literal as Constant
from tare.code.libraries.flows import before as unchanged
from tare.code.libraries.step import flag, number, text
from tare.code.sounds.listeners import sample_rate

#: "unit": -1..1; "integers": those of 16 bits; "stored": those of the file, unless it holds floats; "tiny": divided twice.
Range = Literal["unit", "integers", "stored", "tiny"]

_DEEPEST = 40
_MOST = 12
#: What librosa resamples to unless told otherwise.
LIBROSA = 22_050
_LIBROSA = ("librosa.load", "librosa.core.load")
#: Functions that resample: the position and the names of the rate before and of the one after.
_RESAMPLERS: dict[str, tuple[tuple[int, str], tuple[int, str]]] = {
    "librosa.resample": ((1, "orig_sr"), (2, "target_sr")),
    "librosa.core.resample": ((1, "orig_sr"), (2, "target_sr")),
    "torchaudio.functional.resample": ((1, "orig_freq"), (2, "new_freq")),
    "torchaudio.transforms.Resample": ((0, "orig_freq"), (1, "new_freq")),
    "resampy.resample": ((1, "sr_orig"), (2, "sr_new")),
}
#: Further calls that leave the rate and the range as they are; the sound is their receiver or their first argument.
_KEEPING = frozenset(
    [
        "mean",
        "tensor",
        "FloatTensor",
        "as_tensor",
        "to_mono",
        "clone",
        "contiguous",
        "flatten",
        "ravel",
        "view",
        "half",
        "double",
        "float64",
        "tolist",
        "clip",
        "clamp",
        "trim",
        "fix_length",
        "pad_center",
        "stack",
        "concatenate",
        "@T",
    ]
)
_ARITHMETIC = ("operator./", "operator.*", "operator.-", "operator.+")
#: The largest of 16 and of 32 bits, with and without the one more that is below zero.
_FULL_SCALES = (32768.0, 32767.0, 2.0**31, 2.0**31 - 1)


class Rate(NamedTuple):
    """One possibility for the sample rate of a sound in Hz (None: not known), and the call that settles it."""

    rate: int | None
    call: Call | None = None


class Scale(NamedTuple):
    """One possibility for the range of a sound's values (None: not known), and the call that settles it."""

    range: Range | None
    call: Call | None = None


class Resampling(NamedTuple):
    """A call that resamples: the sound, the rate that it is said to have (None: not known), and the one it gets."""

    call: Call
    sound: Value
    stated: int | None
    rate: int | None


def rates(value: Value, depth: int = 0) -> list[Rate]:
    """The sample rates that a sound may have, one a branch."""
    if isinstance(value, Choice | Items) and depth < _DEEPEST:
        several = [each for _, each in value.options] if isinstance(value, Choice) else list(value.items)
        return [found for each in several for found in rates(each, depth + 1)][:_MOST] or [Rate(None)]
    if not isinstance(value, Call) or depth >= _DEEPEST:
        return [Rate(None)]
    loaded, resampled = _loaded(value), resampling(value)
    if loaded is not None:
        return [Rate(_rate_of(loaded), loaded)]
    if resampled is not None:
        return [Rate(resampled.rate, value)]
    inner = _before(value, _ARITHMETIC)
    return [Rate(None)] if inner is None or _skips(value) else rates(inner, depth + 1)


def rate_of_number(value: Value | None) -> int | None:
    """The sample rate that a number is: a constant, or the one that a loader returns beside the sound."""
    loaded = _part(value, 1) if isinstance(value, Call) else None
    return _rate_of(loaded) if loaded is not None and loaded.function in _LIBROSA else sample_rate(value)


def ranges(value: Value, depth: int = 0) -> list[Scale]:
    """The ranges that the values of a sound may have, one a branch."""
    if isinstance(value, Choice | Items) and depth < _DEEPEST:
        several = [each for _, each in value.options] if isinstance(value, Choice) else list(value.items)
        return [found for each in several for found in ranges(each, depth + 1)][:_MOST] or [Scale(None)]
    if not isinstance(value, Call) or depth >= _DEEPEST:
        return [Scale(None)]
    loaded = _read(value)
    if loaded is not None:
        return [loaded]
    factor = scaling(value)
    if factor is not None:
        return [_scaled(each, value, factor[1]) for each in ranges(factor[0], depth + 1)]
    resampled = resampling(value)
    inner = resampled.sound if resampled is not None else _before(value, ())
    return [Scale(None)] if inner is None else ranges(inner, depth + 1)


def resampling(call: Call) -> Resampling | None:
    """The resampling that a call carries out; None for any other call."""
    made = call
    if call.function == "()" and isinstance(call.receiver, Call) and call.receiver.function == "torchaudio.transforms.Resample":
        made = call.receiver
    elif call.function not in _RESAMPLERS or call.function.endswith(".Resample"):
        return None
    sound = call.argument(0, "y", "x", "waveform")
    if sound is None or made.spread:
        return None
    old, new = _RESAMPLERS[made.function]
    stated = rate_of_number(made.argument(old[0], old[1]))
    return Resampling(call, sound, stated, sample_rate(made.argument(new[0], new[1])))


def scaling(call: Call) -> tuple[Value, float] | None:
    """The sound that a call multiplies by a power of two that belongs to a bit depth, and the factor; None for any other call."""
    if call.function not in ("operator./", "operator.*"):
        return None
    sound, factor = call.args[0], number(call.args[1])
    if factor is None and call.function == "operator.*":
        sound, factor = call.args[1], number(call.args[0])
    if factor is None or factor == 0:
        return None
    factor = 1 / factor if call.function == "operator./" else factor
    known = any(abs(each * scale - 1) < 1e-3 for scale in _FULL_SCALES for each in (factor, 1 / factor))
    return (sound, factor) if known else None


def _scaled(before: Scale, call: Call, factor: float) -> Scale:
    if before.range in ("integers", "stored"):
        return Scale("unit" if factor < 1 else None, call)
    if before.range == "unit":
        return Scale("tiny" if factor < 1 else "integers", call)
    return Scale(None)


def _loaded(call: Call) -> Call | None:
    """The call that loads the sound that a value is the first part of: ``y, sr = librosa.load(path)``."""
    made = _part(call, 0)
    return made if made is not None and made.function in _LIBROSA else None


def _part(call: Call, position: int) -> Call | None:
    if call.function not in ("operator.part", "operator.item") or len(call.args) < 2:
        return None
    made, index = call.args[:2]
    is_it = isinstance(index, Constant) and index.value == position
    return made if is_it and isinstance(made, Call) else None


def _rate_of(loaded: Call) -> int | None:
    """The rate that librosa gives; None where it is the file's own, or cannot be told."""
    stated = loaded.argument(1, "sr")
    if loaded.spread:
        return None
    return LIBROSA if stated is None else sample_rate(stated)


def _read(call: Call) -> Scale | None:
    """What is known of the values that a call loads; None for a call that loads no sound."""
    if call.function in ("numpy.frombuffer", "numpy.fromstring"):
        return Scale("integers" if _type(call.argument(1, "dtype")) in ("int16", "<i2", "<h") else None, call)
    if call.last == "get_array_of_samples":
        return Scale("integers", call)
    first, second = _part(call, 0), _part(call, 1)
    if second is not None and second.function == "scipy.io.wavfile.read":
        return Scale("stored", second)
    read = _LOADERS.get(first.function) if first is not None else None
    return None if first is None or read is None else Scale(None if first.spread else read(first), first)


def _of_torchaudio(call: Call) -> Range | None:
    normalises = flag(call.argument(3, "normalize") or Constant(True))
    return None if normalises is None else "unit" if normalises else "stored"


def _of_soundfile(call: Call) -> Range | None:
    kind = _type(call.argument(4, "dtype") or Constant("float64"))
    return "unit" if kind.startswith("float") else "integers" if kind == "int16" else "stored" if kind == "int32" else None


_LOADERS: dict[str, Callable[[Call], Range | None]] = {
    **dict.fromkeys(_LIBROSA, lambda _: "unit"),
    "torchaudio.load": _of_torchaudio,
    "soundfile.read": _of_soundfile,
}


def _type(value: Value | None) -> str:
    return value.name.rpartition(".")[2] if isinstance(value, Library) else text(value)


def _before(call: Call, arithmetic: tuple[str, ...]) -> Value | None:
    """The sound that a call leaves as it is, but for its length, its channels and, if told, its values."""
    if call.function in arithmetic:
        return next((each for each in call.args if isinstance(each, Call | Choice)), None)
    if call.function.startswith(("set.", "new.", "user.")):
        return None
    if call.last in _KEEPING:
        return call.receiver if call.function.startswith((".", "@")) else call.argument(0, "y", "data")
    return unchanged(call)


def _skips(call: Call) -> bool:
    """Whether a slice leaves values out, as ``y[::2]`` does."""
    return call.function == "operator.slice" and re.search(r":[^,]*:", text(call.args[1])) is not None
