"""Sounds that reach a network at another sample rate, or in another range, than it was trained with."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding, Step
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.code.facts import Facts
from tare.code.interpreter.values import Call
from tare.code.libraries.flows import is_guarded
from tare.code.libraries.step import flag
from tare.code.sounds.feeds import Heard, heard
from tare.code.sounds.listeners import Listener, listener_of
from tare.code.sounds.signals import LIBROSA, Rate, Scale, ranges, rate_of_number, rates, resampling, scaling


def sounds(facts: Facts) -> Iterator[CodeFinding]:
    """Sounds of another rate than they are said to have or than the network wants, and of another range."""
    for call in facts.calls:
        each = heard(call)
        if each is not None:
            yield from _of_rate(each)
            yield from _of_range(each)
            yield from _as_loaded(each)
        yield from _resampled(call)
        if scaling(call) is not None and not is_guarded(call):
            yield from _divided(call)
    for program in programs(facts, every=True):
        yield from _switched_off(program)


def _of_rate(each: Heard) -> Iterator[CodeFinding]:
    found, stated = rates(each.sound), rate_of_number(each.stated)
    if each.stated is not None and stated is None:
        return
    if all(one.rate is not None and one.rate != each.listener.rate for one in found):
        yield _at_another_rate(each.call, found[0], each.listener, stated)


def _at_another_rate(call: Call, sound: Rate, listener: Listener, stated: int | None) -> CodeFinding:
    assert sound.rate is not None  # noqa: S101 (the caller looked)
    return finding(
        "TARE108",
        "error",
        call.spot,
        _message(sound.rate, listener, stated),
        _remedy(sound, listener.rate),
        evidence=(*_settled(sound), step(f"{listener.name}, {listener.rate} Hz", listener.call.spot)),
    )


def _message(rate: int, listener: Listener, stated: int | None) -> str:
    if stated == rate:
        return f"this sound has {rate} Hz, and {listener.name} wants {listener.rate} Hz and refuses any other"
    said = "" if stated is None else f" and is said to have {stated}"
    return f"this sound has {rate} Hz{said}, and {listener.name} wants {listener.rate} Hz: {_heard_as(rate, listener.rate)}"


def _heard_as(rate: int, wanted: int) -> str:
    factor, word = (rate / wanted, "slower and lower") if rate > wanted else (wanted / rate, "faster and higher")
    return f"it hears everything {factor:.3g} times {word}"


def _settled(sound: Rate) -> tuple[Step, ...]:
    if sound.call is None:
        return ()
    default = sound.rate == LIBROSA and sound.call.last == "load" and sound.call.argument(1, "sr") is None
    return (step(f"{_name(sound.call)}, {sound.rate} Hz{' by default' if default else ''}", sound.call.spot),)


def _name(call: Call) -> str:
    return call.receiver.last if call.function == "()" and isinstance(call.receiver, Call) else call.last


def _remedy(sound: Rate, wanted: int) -> str:
    if sound.call is not None and sound.call.last == "load":
        return f"load it with librosa.load(path, sr={wanted})"
    return f"resample it to {wanted} Hz"


def _resampled(call: Call) -> Iterator[CodeFinding]:
    """A resampling from another rate than the sound has."""
    each = resampling(call)
    if each is None or each.stated is None:
        return
    found = rates(each.sound)
    if all(one.rate is not None and one.rate != each.stated for one in found):
        yield finding(
            "TARE108",
            "error",
            call.spot,
            f"this resamples from {each.stated} Hz a sound of {found[0].rate} Hz: what comes out is at another rate than it says",
            "give the rate that the sound has, such as the one that the loader returns",
            evidence=_settled(found[0]),
        )


def _of_range(each: Heard) -> Iterator[CodeFinding]:
    found = ranges(each.sound)
    if not each.listener.absolute or not all(one.range in ("integers", "stored") for one in found):
        return
    sure = all(one.range == "integers" for one in found)
    yield finding(
        "TARE109",
        "error" if sure else "warning",
        each.call.spot,
        f"{each.listener.name} was trained with waveforms of -1..1, and this sound has {_words(found[0])}",
        "divide it by 32768" if sure else "load it as floats of -1..1, or divide it by the largest value of its integers",
        evidence=(*_origin(found[0]), step(each.listener.name, each.listener.call.spot)),
    )


def _as_loaded(each: Heard) -> Iterator[CodeFinding]:
    """A sound as it was loaded, for a network that was trained with recordings of a mean of 0 and a std of 1."""
    found = ranges(each.sound)
    if each.listener.wants_standardised and all(one.range is not None for one in found):
        yield finding(
            "TARE004",
            "warning",
            each.call.spot,
            f"{each.listener.name} was trained with each recording less its mean and over its std, and gets this one as loaded",
            f'use its feature extractor: Wav2Vec2FeatureExtractor.from_pretrained("{each.listener.name}")',
            evidence=(*_origin(found[0]), step(each.listener.name, each.listener.call.spot)),
        )


def _switched_off(program: Program) -> Iterator[CodeFinding]:
    """A feature extractor that is told not to normalise, where every network of the program wants it to."""
    networks = [each for call in program.calls if (each := listener_of(call)) is not None and not each.is_extractor]
    if not networks or not all(each.wants_standardised for each in networks):
        return
    for call in program.calls:
        made = listener_of(call)
        if made is not None and made.is_extractor and made.call is call and flag(call.keywords.get("do_normalize")) is False:
            yield finding(
                "TARE004",
                "warning",
                call.spot,
                f"do_normalize=False leaves recordings as they are, and {networks[0].name} was trained with each less its mean "
                "and over its std",
                "write do_normalize=True",
                evidence=(step(networks[0].name, networks[0].call.spot),),
            )


def _words(scale: Scale) -> str:
    if scale.range == "integers":
        return "the integers of 16 bits, up to 32767"
    return "the integers of its file, up to 32767 for 16 bits"


def _origin(scale: Scale) -> tuple[Step, ...]:
    return () if scale.call is None else (step(_name(scale.call), scale.call.spot),)


def _divided(call: Call) -> Iterator[CodeFinding]:
    """A division by the full scale of integers, of a sound that is within -1..1 already."""
    found = ranges(call)
    if all(one.range == "tiny" for one in found):
        part = scaling(call)
        loaded = ranges(part[0]) if part is not None else []
        yield finding(
            "TARE109",
            "error",
            call.spot,
            "the sound was loaded as floats of -1..1, and is divided by the full scale of integers again: silence, to a network",
            "leave the division out",
            evidence=_origin(loaded[0]) if loaded else (),
        )
