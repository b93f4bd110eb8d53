"""The terminal output of ``tare explain``."""

from __future__ import annotations

from tare.advising.explaining.result import Explanation, percent
from tare.reporting.console import number, out, shown, table

_MOST_CHANNELS = 12


def print_explanation(found: Explanation) -> None:
    """Print the answer, the diagram, the formulas with their numbers, and what each layer leaves of the difference."""
    out.print(f"[bold]{shown(found.model)}[/], constants from {shown(found.constants_origin)}", soft_wrap=True)
    if found.example:
        out.print(f"[yellow]Example[/]: {shown(found.example)}.", soft_wrap=True)
    out.print(f"\n[bold]Does it matter?[/] {shown(found.answer)}", soft_wrap=True)
    out.print(f"\n{shown(found.diagram())}\n", soft_wrap=True)
    out.print("Trained on y = (x - u0)/s0 = a x + b of a unit value x:", soft_wrap=True)
    own = [(c.channel, *(number(value) for value in (c.u0, c.s0, c.a, c.b))) for c in found.channels[:_MOST_CHANNELS]]
    out.print(table(("channel", "u0", "s0", "a", "b"), own))
    out.print(
        "With u1, s1 it would receive (x - u1)/s1 = scale y + offset, scale = s0/s1, offset = (u0 - u1)/s1:", soft_wrap=True
    )
    rows = [
        (c.channel, *(number(value) for value in (c.u1, c.s1, c.scale)), f"{c.offset:+.4f}")
        for c in found.channels[:_MOST_CHANNELS]
    ]
    out.print(table(("channel", "u1", "s1", "scale", "offset"), rows))
    if len(found.channels) > _MOST_CHANNELS:
        out.print(f"and {len(found.channels) - _MOST_CHANNELS} more channels; --json lists all", soft_wrap=True)
    if found.shares:
        survives = [(s.name, s.kind, f"{s.entering:.3g}", percent(s.train), percent(s.eval)) for s in found.shares]
        out.print(
            "What each layer leaves of the difference, as a share of the difference at the first layer's input:", soft_wrap=True
        )
        out.print(table(("layer", "kind", "distance in", "train mode", "eval mode"), survives))
    for sentence in found.sentences:
        out.print(f"- {shown(sentence)}", soft_wrap=True)
    for note in found.notes:
        out.print(f"[dim]{shown(note)}[/]", soft_wrap=True)
