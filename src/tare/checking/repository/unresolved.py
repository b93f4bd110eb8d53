"""What could not be told of the files, as notes: silence about it is no judgement."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.feeds import CALLING, given_image, network_call
from tare.checking.repository.rules.found import finding
from tare.checking.repository.rules.linking import program_of, programs
from tare.checking.repository.rules.normalisations import all_of, of_step
from tare.checking.repository.rules.reached import reached
from tare.checking.repository.rules.scalings import scalings
from tare.code.facts import Facts
from tare.code.interpreter.values import Call, Library, Literal
from tare.code.libraries.keras import flow
from tare.code.libraries.networks import Network, networks_of
from tare.code.libraries.pipelines import step_of
from tare.code.sounds.feeds import heard
from tare.code.sounds.signals import ranges, rates


def unresolved(facts: Facts) -> Iterator[CodeFinding]:
    """A note for each Normalize whose constants, sound whose rate, and pretrained network whose input are not known."""
    yield from _constants(facts)
    yield from _rates(facts)
    yield from _unseen(facts)
    yield from _unnamed(facts)
    for network in facts.networks:
        if network.pretrained is not False and network.expected is None:
            yield finding(
                "TARE080",
                "note",
                network.call.spot,
                f"what {network.name} of {network.library} expects is not known, so no pipeline was compared with it",
                "state it: --model, or network in [tool.tare]",
            )


def _unseen(facts: Facts) -> Iterator[CodeFinding]:
    """Pretrained networks in programs without anything that was compared with them."""
    pipelines = {id(each.call): each for each in facts.pipelines}
    applied = {id(step.call) for each in facts.pipelines for variant in each.variants for step in variant.steps}
    applied |= {id(call.receiver) for call in facts.calls if call.function == "()"}
    found = (each.call for each in all_of(facts))
    normalising = {program_of(each) for each in found if each.last != "Normalize" or id(each) in applied}
    fed = ((call, given_image(call)) for call in facts.calls if call.function in CALLING)
    seen = {id(network_call(call.receiver)) for call, image in fed if image is not None and reached(image, pipelines) is not None}
    for program in programs(facts):
        known = any(variant.whole for each in program.pipelines for variant in each.variants)
        compared = known or program.path in normalising or scalings(program) or any(map(flow, program.calls))
        for network in () if compared else program.networks:
            is_known = network.pretrained and network.scaling is not None
            if is_known and id(network.call) not in seen and not program.is_open(network.decisions):
                yield _not_seen(network)


#: Functions that make the network of a name.
_BY_NAME = frozenset(("timm.create_model", "timm.models.create_model", "torchvision.models.get_model"))


def _unnamed(facts: Facts) -> Iterator[CodeFinding]:
    """Pretrained networks whose name only running the code tells."""
    for call in facts.calls:
        if (call.function in _BY_NAME or _is_looked_up(call)) and _is_pretrained(call) and not any(networks_of(call)):
            yield finding(
                "TARE080",
                "note",
                call.spot,
                "which network this is cannot be told without running the code, so no pipeline was compared with it",
                "state it: --model, or network in [tool.tare]",
            )


def _is_looked_up(call: Call) -> bool:
    """Whether a call is one of ``getattr(models, name)`` or ``models.__dict__[name]``."""
    made = call.receiver
    given = made.args[0] if isinstance(made, Call) and made.args else None
    is_lookup = isinstance(made, Call) and made.function in ("builtins.getattr", "operator.item") and call.function == "()"
    return is_lookup and isinstance(given, Library) and given.name.startswith("torchvision.models")


def _is_pretrained(call: Call) -> bool:
    """Whether a call asks for weights, or may do so."""
    given = [call.keywords[each] for each in ("weights", "pretrained") if each in call.keywords]
    return any(not isinstance(each, Literal) or bool(each.value) for each in given)


def _not_seen(network: Network) -> CodeFinding:
    wanted = network.expected.wanted if network.expected is not None else ""
    return finding(
        "TARE081",
        "note",
        network.call.spot,
        f"what {network.name} gets in this program could not be followed, so it was not compared with what it was trained with: "
        f"{wanted}",
        "look at what arrives while the program runs: tare.watch",
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
