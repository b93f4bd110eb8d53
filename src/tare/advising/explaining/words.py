"""What an explanation says in plain words: whether the choice matters to this network, and where that comes from."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tare.advising.explaining.result import percent
from tare.networks.absorption import BorderEffect, LayerShare, norm_layers

# Below this share of a difference nobody would look for what is left of it.
_LITTLE = 0.1


def answer_of(module: nn.Module, shares: tuple[LayerShare, ...]) -> str:
    """Whether the choice matters to this network, in one or two sentences."""
    if not shares:
        return "No layer with weights was met: nothing can be said about what the network absorbs."
    norms, last = norm_layers(module), shares[-1]
    if not norms:
        return "It matters, in training as in use: no layer of the network could take a change of mean or std away."
    if not isinstance(norms[shares[0].name], _BatchNorm):
        return (
            "It is the same in training and in use, since the first normalisation layers work within each sample: behind "
            f"{last.name} {percent(last.eval)} of the difference is left."
        )
    trained = "hardly matters" if last.train < _LITTLE else "is felt in part" if last.train < last.eval else "is felt"
    frozen = "it is felt" if last.eval >= _LITTLE else "it hardly matters either"
    return (
        f"Where its batch norms are trained or re-estimated on your data, the choice {trained}: behind {last.name} "
        f"{percent(last.train)} of the difference is left. Where they are frozen, as in a probe, {frozen}: {percent(last.eval)} "
        "is left."
    )


def sentences_of(module: nn.Module, shares: tuple[LayerShare, ...], border: BorderEffect | None, gap: float) -> tuple[str, ...]:
    """Where that comes from."""
    if not shares:
        return ()
    said = [f"The two normalisations differ by {gap:.2f} input std (root mean square) at the network's input."]
    norms, first, last = norm_layers(module), shares[0], shares[-1]
    if not norms:
        said.append(
            f"Behind {last.name} {percent(last.eval)} of the difference that {first.name} gives out is left, only because "
            "activations and weights bend it."
        )
    elif isinstance(norms[first.name], _BatchNorm):
        said += _of_batch_norm(first, border)
    else:
        said.append(
            f"The first normalisation layer, {first.name} ({first.kind}), leaves {percent(first.eval)} of the difference that "
            "reaches it. There is no batch norm there, so freezing one changes nothing about this."
        )
    return tuple(said)


def _of_batch_norm(first: LayerShare, border: BorderEffect | None) -> list[str]:
    padded = ", from padded borders" if border else ""
    said = [
        "Another mean adds a constant to each output channel of the first layer, another std scales what each input channel "
        "gives.",
        f"In training mode the batch norm {first.name} subtracts each channel's own mean and divides by its own std, which "
        f"undoes a constant and a scale common to all input channels: {percent(first.train)} survives. What survives comes from "
        f"scales that differ between channels{padded}, and from the small number that the layer adds to every variance.",
        f"In eval mode, or frozen, it keeps the moments of its training and undoes nothing: {percent(first.eval)} survives.",
    ]
    if border is not None:
        said.append(
            f"At the border, where its convolution pads with zeros ({percent(border.positions)} of the positions), "
            f"{percent(border.border)} survives in training mode, elsewhere {percent(border.interior)}: a padded zero stands for "
            "the mean, and that is another raw value under other constants."
        )
    return said
