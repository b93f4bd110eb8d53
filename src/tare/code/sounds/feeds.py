"""Which sounds a program gives to which network or feature extractor."""

from __future__ import annotations

from typing import NamedTuple

from tare.code.interpreter.values import Call, Value
from tare.code.sounds.listeners import Listener, listener_of

#: Methods of networks that take a sound first.
_TAKING = frozenset(
    (".forward", ".transcribe", ".inference", ".encode_batch", ".classify_batch", ".extract_features", ".generate")
)


class Heard(NamedTuple):
    """A call that gives a sound to a listener; ``stated`` is the sample rate that it says the sound has, None if it says none."""

    call: Call
    listener: Listener
    sound: Value
    stated: Value | None


def heard(call: Call) -> Heard | None:
    """The sound that a call gives to a network or feature extractor; None for any other call."""
    if call.function != "()" and call.function not in _TAKING:
        return None
    listener = listener_of(call.receiver)
    if listener is None:
        return None
    sound = call.argument(0, "audio", "raw_speech", "audios", "input_values", "waveforms")
    return None if sound is None else Heard(call, listener, sound, call.argument(-1, "sampling_rate"))
