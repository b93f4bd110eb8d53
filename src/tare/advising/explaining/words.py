"""The sentences of an explanation: whether the choice matters to this network, and why."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tare.advising.explaining.result import percent
from tare.networks.absorption import BorderEffect, LayerShare, norm_layers

# A surviving share below this one is negligible.
_LITTLE = 0.1


def answer_of(module: nn.Module, shares: tuple[LayerShare, ...]) -> str:
    """Whether the choice matters to this network, in one or two sentences."""
    if not shares:
        return "The network ran no layer with weights: what it absorbs cannot be said."
    norms, last = norm_layers(module), shares[-1]
    if not norms:
        return "It matters, in training and in use: the network has no layer that could remove a change of mean or std."
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
    """Why the choice matters, or does not."""
    if not shares:
        return ()
    sentences = [f"The two normalisations differ by {gap:.2f} input std (root mean square) at the network's input."]
    norms, first, last = norm_layers(module), shares[0], shares[-1]
    if not norms:
        sentences.append(
            f"Behind {last.name} {percent(last.eval)} of the difference behind {first.name} is left; only activations and "
            "weights change it."
        )
    elif isinstance(norms[first.name], _BatchNorm):
        sentences += _of_batch_norm(first, border)
    else:
        sentences.append(
            f"The first normalisation layer, {first.name} ({first.kind}), leaves {percent(first.eval)} of the difference that "
            "reaches it. There is no batch norm there, so freezing one changes nothing about this."
        )
    return tuple(sentences)


def _of_batch_norm(first: LayerShare, border: BorderEffect | None) -> list[str]:
    padded = ", from padded borders" if border else ""
    sentences = [
        "Another mean adds a constant to each output channel of the first layer; another std scales the contribution of each "
        "input channel.",
        f"In training mode the batch norm {first.name} subtracts each channel's own mean and divides by its own std, which "
        f"undoes a constant and a scale common to all input channels: {percent(first.train)} survives. This rest comes from "
        f"scales that differ between channels{padded}, and from the small number that the layer adds to every variance.",
        f"In eval mode, or frozen, it keeps the moments of its training and undoes nothing: {percent(first.eval)} survives.",
    ]
    if border is not None:
        sentences.append(
            f"At the border, where its convolution pads with zeros ({percent(border.positions)} of the positions), "
            f"{percent(border.border)} survives in training mode, elsewhere {percent(border.interior)}: a padded zero stands for "
            "the mean, and that is another raw value under other constants."
        )
    return sentences
