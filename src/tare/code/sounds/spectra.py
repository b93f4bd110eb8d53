"""Spectrograms in code: what they measure, and the constants that they are normalised with."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tare.code.interpreter.values import Call, Choice, Value
from tare.code.libraries.flows import before
from tare.code.libraries.step import number
from tare.code.sounds.listeners import listener_of

#: The natural logarithm of the power, ten times the decimal one, the decimal one, no logarithm, and what an extractor returns.
Measure = Literal["ln", "db", "log10", "power", "features"]

#: Mean and std of AudioSet's log-mel filter banks (natural logarithm), as AST and AudioMAE publish them.
AUDIOSET = (-4.2677393, 4.5689974)
_DEEPEST = 40
_CLOSE = 2e-3
_BY_FUNCTION: dict[str, Measure] = {
    "torchaudio.compliance.kaldi.fbank": "ln",
    "torchaudio.transforms.AmplitudeToDB": "db",
    "torchaudio.functional.amplitude_to_DB": "db",
    "librosa.power_to_db": "db",
    "librosa.core.power_to_db": "db",
    "librosa.amplitude_to_db": "db",
    "torchaudio.transforms.MelSpectrogram": "power",
    "librosa.feature.melspectrogram": "power",
    "torch.log": "ln",
    "numpy.log": "ln",
    "torch.log10": "log10",
    "numpy.log10": "log10",
}
_METHODS: dict[str, Measure] = {".log": "ln", ".log10": "log10"}


class Standardised(NamedTuple):
    """``(x - mean) / std`` with one number each: the call, x, and the numbers."""

    call: Call
    spectrogram: Value
    mean: float
    std: float

    @property
    def is_audioset(self) -> bool:
        """Whether the constants are AudioSet's; ``std`` may be the published one or twice that, as the networks want it."""
        return abs(self.mean - AUDIOSET[0]) < _CLOSE and (self.is_single or abs(self.std - 2 * AUDIOSET[1]) < 2 * _CLOSE)

    @property
    def is_single(self) -> bool:
        """Whether the std is the published one, and not twice that."""
        return abs(self.std - AUDIOSET[1]) < _CLOSE


def standardised(call: Call) -> Standardised | None:
    """The standardisation that a call carries out; None for any other call."""
    if call.function != "operator./" or not isinstance(call.args[0], Call):
        return None
    inner, std = call.args[0], number(call.args[1])
    sign = {"operator.-": 1, "operator.+": -1}.get(inner.function)
    mean = number(inner.args[1]) if sign else None
    return None if sign is None or mean is None or std is None else Standardised(call, inner.args[0], sign * mean, std)


def measure_of(value: Value) -> Measure | None:
    """What a spectrogram measures, if all its branches agree; None where that cannot be told."""
    found = {_measure(each, 0) for each in ([one for _, one in value.options] if isinstance(value, Choice) else [value])}
    return found.pop() if len(found) == 1 else None


def _measure(value: Value, depth: int) -> Measure | None:
    if not isinstance(value, Call) or depth > _DEEPEST:
        return None
    if value.function == "()" and isinstance(value.receiver, Call):
        made = listener_of(value.receiver)
        return "features" if made is not None and made.is_extractor else _BY_FUNCTION.get(value.receiver.function)
    known = _BY_FUNCTION.get(value.function) or _METHODS.get(value.function)
    if known is not None:
        return known
    inner = value.receiver if value.function in ("@input_values", "@input_features", "@T") else before(value)
    return None if inner is None else _measure(inner, depth + 1)
