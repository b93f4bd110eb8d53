"""The terminal output and the page of ``tare explain``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tare.advising.explaining.result import ChannelMap, Explanation, percent
from tare.networks.absorption import LayerShare
from tare.reporting import html
from tare.reporting.console import begun, number, out, shown, shown_lines, table
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed
from tare.reporting.page.rows import Mark, Row, drawn, key, scale_of
from tare.reporting.page.steps import with_verb
from tare.system.files import write_text

_MOST_CHANNELS = 12
_OWN = ("channel", "u0", "s0", "a", "b")
_OTHER = ("channel", "u1", "s1", "scale", "offset")
_LAYERS = ("layer", "kind", "distance in", "train mode", "eval mode")


def print_explanation(found: Explanation) -> None:
    """Print the answer, the diagram, the formulas with their numbers, and what each layer leaves of the difference."""
    out.print(f"[bold]{begun(found.model)}[/], constants from {shown(found.constants_origin)}", soft_wrap=True)
    if found.example:
        out.print(f"[yellow]Example[/]: {shown(found.example)}.", soft_wrap=True)
    out.print(f"\n[bold]Does it matter?[/] {shown(found.answer)}", soft_wrap=True)
    out.print(f"\n{shown_lines(found.diagram())}\n", soft_wrap=True)
    out.print("Trained on y = (x - u0)/s0 = a x + b of a unit value x:", soft_wrap=True)
    out.print(table(_OWN, [_own(each) for each in found.channels[:_MOST_CHANNELS]]))
    out.print(
        "With u1, s1 it would receive (x - u1)/s1 = scale y + offset, scale = s0/s1, offset = (u0 - u1)/s1:", soft_wrap=True
    )
    out.print(table(_OTHER, [_other(each) for each in found.channels[:_MOST_CHANNELS]]))
    if len(found.channels) > _MOST_CHANNELS:
        out.print(f"and {len(found.channels) - _MOST_CHANNELS} more channels; --json lists all", soft_wrap=True)
    if found.shares:
        out.print(
            "What each layer leaves of the difference, as a share of the difference at the first layer's input:", soft_wrap=True
        )
        out.print(table(_LAYERS, [_layer(each) for each in found.shares]))
    for sentence in found.sentences:
        out.print(f"- {shown(sentence)}", soft_wrap=True)
    for note in found.notes:
        out.print(f"[dim]{shown(note)}[/]", soft_wrap=True)


def write_explanation(found: Explanation, path: Path, command: str, data: str = "") -> None:
    """Write the explanation's self-contained page; ``data`` is what was measured for it."""
    facts = {"Constants": found.constants_origin, "Input": " x ".join(map(str, found.shape))}
    write_text(
        path,
        framed(
            "explain",
            _first(found, command),
            _folds(found),
            Made(f"{found.model}{f' on {data}' if data else ''}", command, facts),
        ),
    )


def _first(found: Explanation, command: str) -> FirstScreen:
    verdict, _, more = found.answer.partition(". ")
    return FirstScreen(
        verdict=f"{verdict[:1].upper()}{verdict[1:].removesuffix('.')}.",
        lead=more,
        badges=(Badge(f"{found.gap:.2f} input std between the two normalisations"),),
        picture_title="What is left of the difference behind each layer" if found.shares else "",
        picture=_picture(found),
        steps=[Step("Ask which mean and std to use on your data:", with_verb(command, "advise"))],
        warning=f"Example: {found.example}." if found.example else "",
    )


def _picture(found: Explanation) -> list[str]:
    """Two bars a layer: what is left of the difference in training mode and in eval mode."""
    if not found.shares:
        return []
    rows = [
        Row(
            share.name,
            [Mark(100 * share.train, shape="bar"), Mark(100 * share.eval, shape="bar", colour="orange")],
            percent(share.train),
            share.kind,
            f"frozen {percent(share.eval)}",
        )
        for share in found.shares
    ]
    scale = scale_of(rows, "share of the difference at the first layer's input", zero=0.0, percent=True)
    entries = [
        (Mark(0, shape="bar"), "trained or re-estimated"),
        (Mark(0, shape="bar", colour="orange"), "frozen, as in a probe"),
    ]
    return [drawn(rows, scale, "What each layer leaves of the difference", "long"), key(entries)]


def _folds(found: Explanation) -> Iterator[str]:
    yield html.fold("Why", "what each layer does to a change of mean and std", [html.items(found.sentences)])
    yield html.fold("The first layers", f"{len(found.steps)} layers, from the input", [html.code(found.diagram())])
    algebra = [
        html.table("Trained on y = (x - u0)/s0 = a x + b of a unit value x", _OWN, map(_own, found.channels)),
        html.table("With u1, s1: (x - u1)/s1 = scale y + offset", _OTHER, map(_other, found.channels)),
    ]
    yield html.fold("The algebra", "what another mean and std do to each channel", algebra)
    if found.shares:
        yield html.fold("Figures", html.several(len(found.shares), "layer"), [html.table("", _LAYERS, map(_layer, found.shares))])
    yield from html.notes(found.notes, "the network and the data")


def _own(channel: ChannelMap) -> tuple[str, ...]:
    return channel.channel, *map(number, (channel.u0, channel.s0, channel.a, channel.b))


def _other(channel: ChannelMap) -> tuple[str, ...]:
    return channel.channel, *map(number, (channel.u1, channel.s1, channel.scale)), f"{channel.offset:+.4f}"


def _layer(share: LayerShare) -> tuple[str, ...]:
    return share.name, share.kind, f"{share.entering:.3g}", percent(share.train), percent(share.eval)
