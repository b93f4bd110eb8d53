"""What could not be told of the files, as notes: silence about it is no judgement."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding
from tare.checking.repository.rules.normalisations import of_step
from tare.code.facts import Facts
from tare.code.libraries.pipelines import step_of
from tare.code.sounds.feeds import heard
from tare.code.sounds.signals import ranges, rates


def unresolved(facts: Facts) -> Iterator[CodeFinding]:
    """A note for each Normalize whose constants, sound whose rate, and pretrained network whose input are not known."""
    yield from _constants(facts)
    yield from _rates(facts)
    for network in facts.networks:
        if network.pretrained is not False and network.expected is None:
            yield finding(
                "TARE080",
                "note",
                network.call.spot,
                f"what {network.name} of {network.library} expects is not known, so no pipeline was compared with it",
                "state it: --model, or network in [tool.tare]",
            )


def _rates(facts: Facts) -> Iterator[CodeFinding]:
    """Sounds that have the rate of their file when a network gets them."""
    for call in facts.calls:
        each = heard(call)
        if each is None or any(one.range is None for one in ranges(each.sound)):
            continue
        if any(one.rate is None for one in rates(each.sound)):
            yield finding(
                "TARE108",
                "note",
                call.spot,
                f"the rate of this sound is that of its file, so it was not compared with the {each.listener.rate} Hz of "
                f"{each.listener.name}",
                f"resample it to {each.listener.rate} Hz from the rate that the loader returns",
            )


def _constants(facts: Facts) -> Iterator[CodeFinding]:
    for call in facts.calls:
        step = step_of(call) if call.last == "Normalize" else None
        if step is None:
            continue
        if step.kind == "opaque" or (step.kind == "normalize" and not list(of_step(step, call.decisions))):
            yield finding(
                "TARE010",
                "note",
                call.spot,
                "the constants of this Normalize cannot be told without running the code, so they were not judged",
                "run it: tare check FILE.py:NAME --model timm:NAME",
            )
