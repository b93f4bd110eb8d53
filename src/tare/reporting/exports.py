"""The terminal output of ``tare export``."""

from __future__ import annotations

from tare.exporting.result import Exported, Parity
from tare.reporting.console import begun, out, shown


def print_export(made: Exported) -> None:
    """Print the file, its inputs and outputs, and how far its answers are from those of PyTorch."""
    out.print(f"[bold]{begun(str(made.out))}[/]: {made.format}, {made.bytes:,} bytes", soft_wrap=True)
    if made.layout is not None:
        out.print(f"takes  {made.takes}, raw {made.dtype} {made.layout}, {_sized(made)}, any N", soft_wrap=True)
        noun = made.noun if len(made.labels) != 1 else "target"
        out.print(f"gives  {', '.join(made.outputs)} of {len(made.labels)} {noun}", soft_wrap=True)
    if made.made_by is not None and "opset" in made.made_by:
        out.print(f"opset  {made.made_by['opset']}, recorded by {made.made_by['exporter']}")
    if made.parity is not None:
        _print_parity(made.parity)
    if made.pushed is not None:
        out.print(f"pushed {shown(made.pushed)}", soft_wrap=True)


def _sized(made: Exported) -> str:
    if made.takes == "images":
        return "any height and width" if made.size is None else f"{made.size[0]} x {made.size[1]} pixels"
    *steps, channels = made.shape[1:] if made.shape else ()
    if made.takes == "rows":
        return f"{channels} columns"
    if made.takes in ("volumes", "clips"):
        return f"{' x '.join(map(str, steps))} in {channels} channel{'' if channels == 1 else 's'}"
    if made.takes == "recordings":
        return f"{steps[0]} frames of {channels} mel bins"
    length = "any number of steps" if steps[0] == "T" else f"{steps[0]} steps"
    return f"{length} in {channels} channel{'' if channels == 1 else 's'}"


def _print_parity(parity: Parity) -> None:
    compared = [
        f"{what} within {value:.2g}"
        for what, value in (
            ("logits", parity.logits),
            ("probabilities", parity.probabilities),
            ("values in target stds", parity.values),
        )
        if value is not None
    ]
    where = f"{parity.compared} answers in batches of {', '.join(map(str, parity.batches))}"
    out.print(f"parity {' and '.join(compared)} of PyTorch in {shown(parity.runtime)}: {where}", soft_wrap=True)
    out.print(f"       from {shown(parity.images)}", soft_wrap=True)
    if parity.resize_levels is not None and parity.resize_share is not None:
        same = "the same bytes as" if parity.resize_levels == 0 else f"{parity.resize_share:.2%} of bytes differ from"
        out.print(f"resize {same} Pillow's; logits within {parity.resize_logits:.2g}", soft_wrap=True)
