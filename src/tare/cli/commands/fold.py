"""``tare fold`` and ``tare respec``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tare.cli.fields import command
from tare.cli.options import Json, print_json
from tare.networks.stored.inputs import FoldRequest, RespecRequest

if TYPE_CHECKING:
    from tare.networks.stored.folded import FoldedDirectory


@command(FoldRequest, loads="tare.networks.stored.folded")
def fold(request: FoldRequest, as_json: Json = False) -> None:
    """Fold the normalisation into a network's first layer, exactly, borders included.

    The result is verified on random inputs: at most 1e-5 relative difference in float32. Exit code 2 with the reason if
    it cannot be folded exactly.
    """
    from tare.networks.stored.folded import fold_to
    from tare.reporting import console

    with console.working("folding, and comparing with the original"):
        made = fold_to(request)
    _show(made, as_json)


@command(RespecRequest, loads="tare.networks.stored.folded")
def respec(request: RespecRequest, as_json: Json = False) -> None:
    """Rewrite a network's first layer so that it accepts input normalised in another way, exactly.

    A network pretrained with 0.5/0.5 then runs in a pipeline with ImageNet's constants. The result is verified as that of
    `tare fold`.
    """
    from tare.networks.stored.folded import respec_to
    from tare.reporting import console

    with console.working("rewriting, and comparing with the original"):
        made = respec_to(request)
    _show(made, as_json)


def _show(made: FoldedDirectory, as_json: bool) -> None:
    from tare.reporting import console
    from tare.reporting.transfer.report import loading_call

    for said in made.notes:
        console.note(said)
    if as_json:
        print_json(made.to_json())
        return
    checked = made.folded.verification
    console.tell(made.folded.plan.describe())
    sizes = ", ".join("x".join(map(str, shape)) for shape in checked.shapes)
    console.tell(f"verified on random inputs of {sizes}: {checked.layer_error:.1g} after the first layers,")
    console.tell(f"{checked.network_error:.1g} at the end, relative to the largest output (at most {checked.tolerance:g})")
    if checked.own_rounding is not None:
        console.tell(
            f"the network amplifies rounding: normalising in its own precision already moves it by {checked.own_rounding:.1g}"
        )
    console.tell(f"{made.out}: load it with {loading_call(made.out, made.reference, in_timm=made.loads_in_timm)}")
