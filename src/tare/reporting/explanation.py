"""What ``tare explain`` prints."""

from __future__ import annotations

from tare.advising.explaining.result import Explanation, percent
from tare.reporting.console import number, out, shown, table

#: So many channels are printed at most.
_MOST = 12


def print_explanation(found: Explanation) -> None:
    """Print the answer, the diagram, the algebra with its numbers, what survives layer by layer, and where that comes from."""
    out.print(f"[bold]{shown(found.model)}[/], constants from {shown(found.constants_origin)}", soft_wrap=True)
    if found.example:
        out.print(f"[yellow]Example[/]: {shown(found.example)}.", soft_wrap=True)
    out.print(f"\n[bold]Does it matter?[/] {shown(found.answer)}", soft_wrap=True)
    out.print(f"\n{shown(found.diagram())}\n", soft_wrap=True)
    out.print("Trained on y = (x - u0)/s0 = a x + b of a unit value x:", soft_wrap=True)
    own = [(c.channel, *(number(value) for value in (c.u0, c.s0, c.a, c.b))) for c in found.channels[:_MOST]]
    out.print(table(("channel", "u0", "s0", "a", "b"), own))
    out.print(
        "With u1, s1 it would receive (x - u1)/s1 = scale y + offset, scale = s0/s1, offset = (u0 - u1)/s1:", soft_wrap=True
    )
    rows = [(c.channel, *(number(value) for value in (c.u1, c.s1, c.scale)), f"{c.offset:+.4f}") for c in found.channels[:_MOST]]
    out.print(table(("channel", "u1", "s1", "scale", "offset"), rows))
    if len(found.channels) > _MOST:
        out.print(f"and {len(found.channels) - _MOST} more channels; --json has all", soft_wrap=True)
    if found.shares:
        survives = [(s.name, s.kind, f"{s.entering:.3g}", percent(s.train), percent(s.eval)) for s in found.shares]
        headings = ("channel", "kind", "distance in", "train mode", "eval mode")
        made = table(headings, survives)
        made.columns[0].header = "layer"
        out.print("What survives of the difference, as a share of what reaches the first of these layers:", soft_wrap=True)
        out.print(made)
    for sentence in found.sentences:
        out.print(f"- {shown(sentence)}", soft_wrap=True)
    for note in found.notes:
        out.print(f"[dim]{shown(note)}[/]", soft_wrap=True)
