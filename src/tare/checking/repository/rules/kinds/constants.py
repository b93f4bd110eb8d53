"""Constants that are wrong whatever the network is: a typo, exchanged, repeated."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from tare.checking.repository.edits import exchanged, of_list, of_part
from tare.checking.repository.result import CodeFinding, Edit, Step
from tare.checking.repository.rules.found import finding, origin, origins, step
from tare.checking.repository.rules.linking import Program, programs
from tare.checking.repository.rules.normalisations import Normalisation, all_of, is_undoing, of_arithmetic, of_pipeline, of_step
from tare.checking.repository.rules.published import (
    Published,
    Slip,
    is_published,
    label,
    near,
    one_digit,
    published,
    published_grey,
    slips,
    squared_set,
)
from tare.checking.repository.touched import list_may_change
from tare.code.facts import Facts
from tare.code.interpreter.source import Source, Spot
from tare.code.interpreter.values import Call, Items, Literal, Value
from tare.code.libraries.flows import root
from tare.code.libraries.pipelines import step_of
from tare.code.libraries.step import numbers
from tare.code.networks.expected import listed

_NAMES = {"operator./": "(x - mean) / std", "operator.+": "x * std + mean"}


def constants(facts: Facts) -> Iterator[CodeFinding]:
    """Typos, exchanged and repeated constants, where they are written."""
    for each in all_of(facts):
        yield from _of_pair(each, facts.sources)
    for program in programs(facts):
        yield from _undone(program)
    for call in facts.calls:
        if call.last in ("Normalize", "normalize"):
            yield from _variance(call)
        if call.function == "set.constants":
            yield from _typo(call.args[0], "std" if "std" in call.names[0].lower() else "mean", ())


def _of_pair(each: Normalisation, sources: Sequence[Source]) -> Iterator[CodeFinding]:
    if len(each.mean) == len(each.std) == 1:
        yield from _grey(each)
    yield from _squares(each, sources)
    if is_undoing(each.mean, each.std) or len(each.mean) < 3:
        return
    link = (step(_NAMES.get(each.call.function, each.call.last), each.call.spot),)
    yield from _typo(each.means, "mean", link, each.call)
    yield from _typo(each.stds, "std", link, each.call)
    known = next((one for one in published() if near(one.mean, each.std) and near(one.std, each.mean)), None)
    if known is not None and len(set(each.mean)) > 1:
        yield _exchanged(each, known, sources)
    elif each.mean == each.std and len(each.mean) == 3 and len(set(each.mean)) > 1:
        yield from _repeated(each, sources)
    else:
        yield from _mixed(each)


def _grey(each: Normalisation) -> Iterator[CodeFinding]:
    """A published mean of grey images whose std differs from its own in one digit, or the reverse."""
    if any(near(one.mean, each.mean) and near(one.std, each.std) for one in published_grey()):
        return
    for one in published_grey():
        for right, wrong, which in (("mean", "std", each.stds), ("std", "mean", each.means)):
            (seen,), (wanted,) = getattr(each, wrong), getattr(one, wrong)
            if near(getattr(one, right), getattr(each, right)) and one_digit(seen, wanted):
                written = which.items[0] if isinstance(which, Items) else which
                spot = written.spot if isinstance(written, Literal) and written.spot is not None else each.call.spot
                because = f"the {right} {getattr(one, right)[0]:g} is that of {label(one.name)}"
                slip = Slip(0, wanted, one.name, 0)
                around = (each.call.spot, which.spot if isinstance(which, Items) else None)
                edits = _edits(written, slip, (seen,), around)
                yield _slipped(spot, f"the {wrong} {seen:g}", slip, because, (), edits)
                return


def _mixed(each: Normalisation) -> Iterator[CodeFinding]:
    """A published mean with the published std of something else."""
    owner, other = ([one for one in published() if near(getattr(one, which), getattr(each, which))] for which in ("mean", "std"))
    families = [{one.name.partition("-")[0] for one in found} for found in (owner, other)]
    if not owner or not other or families[0] & families[1] or all(len(set(one)) == 1 for one in (each.mean, each.std)):
        return
    yield finding(
        "TARE107",
        "warning",
        each.call.spot,
        f"the mean {listed(each.mean)} is that of {label(owner[0].name)}, and the std {listed(each.std)} is that of "
        f"{label(other[0].name)}",
        f"take both from one set: std {listed(owner[0].std)} goes with this mean, mean {listed(other[0].mean)} with this std",
        evidence=origins(each.call.spot, each.means, each.stds),
    )


def _squares(each: Normalisation, sources: Sequence[Source]) -> Iterator[CodeFinding]:
    """A published mean beside the squares of its std."""
    known = squared_set(each.mean, each.std)
    if known is not None:
        wanted = ", ".join(f"{one:.9g}" for one in known.std)
        yield finding(
            "TARE044",
            "warning" if each.call.function == "operator.+" else "error",  # a picture for people is no input
            each.call.spot,
            f"the std {listed(each.std)} has the squares of {listed(known.std)}, the std of {label(known.name)}, and stands "
            "beside its mean: these are variances",
            f"use std {listed(known.std)}",
            evidence=origins(each.call.spot, each.means, each.stds),
            edits=of_list(each.stds, "std", wanted, each.call, sources),
        )


def _variance(call: Call) -> Iterator[CodeFinding]:
    """A Normalize that gets what ``.var()`` returned."""
    step_made = step_of(call)
    std = step_made.values.get("std") if step_made is not None else call.argument(2, "std")
    made = root(std) if std is not None else None
    if isinstance(made, Call) and made.last == "var":
        yield finding(
            "TARE044",
            "error",
            call.spot,
            "the std of this Normalize is what var() returned: the variance",
            "take its square root, or call std()",
            evidence=(step("var()", made.spot),),
        )


def _undone(program: Program) -> Iterator[CodeFinding]:
    """``x * std + mean`` with published constants, where every pipeline of the program normalises with others."""
    done = [each for pipeline in program.pipelines for _, _, each in of_pipeline(pipeline) if not is_undoing(each.mean, each.std)]
    if not done or any(not _alike(each, done[0]) for each in done):
        return
    for call in program.calls:
        yield from _half_undone(call, done[0])
    for call in () if _others(program, done) else program.calls:
        for each in of_arithmetic(call) if call.function == "operator.+" else ():
            if not _alike(each, done[0]) and any(near(one.mean, each.mean) and near(one.std, each.std) for one in published()):
                yield _other_picture(each, done[0])


def _half_undone(call: Call, done: Normalisation) -> Iterator[CodeFinding]:
    """``Normalize(-mean, 1 / std)``, which undoes nothing: the mean of the inverse is ``-mean / std``."""
    made = step_of(call) if call.last == "Normalize" else None
    for each in of_step(made, call.decisions) if made is not None and made.kind == "normalize" else ():
        mean, std = _full(done.mean), _full(done.std)
        inverse = 0.0 not in std and len(each.std) == len(std) and near(each.std, tuple(1 / one for one in std), 0.05)
        if inverse and near(each.mean, tuple(-one for one in mean), 2e-3) and not all(one == 1 for one in std):
            yield finding(
                "TARE106",
                "warning",
                call.spot,
                f"this Normalize is to undo mean {listed(done.mean)} and std {listed(done.std)}, and does not: its mean must be "
                "-mean / std",
                f"use mean {listed(tuple(-a / b for a, b in zip(mean, std, strict=True)))}",
                evidence=(step("Normalize", done.call.spot),),
            )


def _other_picture(each: Normalisation, done: Normalisation) -> CodeFinding:
    return finding(
        "TARE106",
        "warning",
        each.call.spot,
        f"the picture is made with mean {listed(each.mean)} and std {listed(each.std)}, and the images were normalised with mean "
        f"{listed(done.mean)} and std {listed(done.std)}: its colours are not those of the image",
        "undo the normalisation with the constants of the pipeline",
        evidence=(*origin(each.means, "mean"), step("Normalize", done.call.spot)),
    )


def _alike(one: Normalisation, other: Normalisation) -> bool:
    return near(_full(one.mean), _full(other.mean), 0.02) and near(_full(one.std), _full(other.std), 0.02)


def _full(values: tuple[float, ...]) -> tuple[float, ...]:
    return values * 3 if len(values) == 1 else values


def _others(program: Program, done: Sequence[Normalisation]) -> bool:
    """Whether the program has a Normalize that no pipeline has, or whose constants are not known."""
    known = {id(each.call) for each in done}
    return any(call.last in ("Normalize", "normalize") and id(call) not in known for call in program.calls)


def _typo(value: Value | None, which: str, link: tuple[Step, ...], call: Call | None = None) -> Iterator[CodeFinding]:
    values = numbers(value)
    if values is None or not isinstance(value, Items):
        return
    if is_published(values, which):
        return
    found = next(slips(values, which), None)
    if found is None:
        return
    written = value.items[found.position]
    spot = written.spot if isinstance(written, Literal) and written.spot is not None else value.spot
    if spot is None:
        return
    what = f"{values[found.position]:g} in the {which} {listed(values)}"
    edits = _edits(written, found, values, (value.spot, None if call is None else call.spot))
    others = () if call is None else (call.spot.source,)
    if edits and value.spot is not None and list_may_change(value.spot, *others):
        edits = ()
    yield _slipped(spot, what, found, found.because, (*origin(value, which), *link), edits)


def _slipped(
    spot: Spot, what: str, found: Slip, because: str, evidence: tuple[Step, ...], edits: tuple[Edit, ...]
) -> CodeFinding:
    return finding(
        "TARE100",
        "error",
        spot,
        f"{what} is a slip for {found.wanted:.9g}: {because}",
        f"write {found.wanted:.9g}",
        evidence=evidence,
        edits=edits,
    )


def _edits(written: Value | None, found: Slip, values: tuple[float, ...], around: Iterable[Spot | None]) -> tuple[Edit, ...]:
    """The number as it should be, if it is written as a number and not as a part of a formula."""
    spot = written.spot if isinstance(written, Literal) else None
    if spot is not None and isinstance(spot.node, ast.Constant) and spot.node.value == values[found.position]:
        return of_part(spot, f"{found.wanted:.9g}", around)
    return ()


def _exchanged(each: Normalisation, known: Published, sources: Sequence[Source]) -> CodeFinding:
    return finding(
        "TARE006",
        "warning" if each.call.function == "operator.+" else "error",  # a picture for people is no input
        each.call.spot,
        f"mean {listed(each.mean)} and std {listed(each.std)} are those of {known.name} with mean and std exchanged",
        f"use mean {listed(known.mean)} and std {listed(known.std)}",
        evidence=origins(each.call.spot, each.means, each.stds),
        edits=exchanged(each.call, each.means, each.stds, sources),
    )


def _is_one_list(means: Value | None, stds: Value | None) -> bool:
    """Whether mean and std are one list under two names, which holds one of both."""
    spots = [each.spot for each in (means, stds) if isinstance(each, Items) and each.spot is not None]
    return means is stds or (len(spots) == 2 and spots[0].node is spots[1].node)


def _repeated(each: Normalisation, sources: Sequence[Source]) -> Iterator[CodeFinding]:
    known = next((one for one in published() if near(one.mean, each.mean)), None)
    other = next((one for one in published() if near(one.std, each.std)), None)
    if known is None and other is None:
        return
    source = known or other
    assert source is not None  # noqa: S101 (one of the two is there)
    wrong, which = (each.stds, "std") if known is not None else (each.means, "mean")
    wanted = ", ".join(f"{each:.9g}" for each in (source.std if known is not None else source.mean))
    edits = () if _is_one_list(each.means, each.stds) else of_list(wrong, which, wanted, each.call, sources)
    yield finding(
        "TARE007",
        "error",
        each.call.spot,
        f"mean and std are the same numbers {listed(each.mean)}, the {'mean' if known is not None else 'std'} of {source.name}",
        f"use mean {listed(source.mean)} and std {listed(source.std)}",
        evidence=origins(each.call.spot, each.means, each.stds),
        edits=edits,
    )
