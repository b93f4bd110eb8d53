"""Why the choice of normalisation matters, or not, for one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tare.advising.evidence.gathered import COMPARED
from tare.advising.explaining.inputs import ExplainRequest
from tare.advising.explaining.result import ChannelMap, ExecutedLayer, Explanation
from tare.advising.explaining.words import answer_of, sentences_of
from tare.advising.fed_network import FedNetwork, fed_network
from tare.advising.subject import Reading, subject_of
from tare.datasets.options import LabelOptions
from tare.errors import DataError, SpecError
from tare.folding.first_layers import tensors_in
from tare.folding.layers import Conv
from tare.input_spec.geometry import NOUNS
from tare.input_spec.spec import Known
from tare.networks.absorption import absorbed, border_effect, norm_layers
from tare.networks.smooth_noise import smooth_noise
from tare.networks.stated_numbers import chosen_length, example_size
from tare.normalisation.applied import Normalisation
from tare.normalisation.input_layer import padded_input
from tare.normalisation.strategies import Constants
from tare.samples.layout import channel_names
from tare.statistics.dataset_stats import DatasetStats
from tare.system.engines.local import default_workers
from tare.system.options import part, verb

# The example shift of an explanation without data: half the contrast on a lifted ground (images: unit values).
_GAIN, _OFFSET, _OFFSET_IN_STDS = 0.5, 0.1, 0.4
_EXAMPLE_LENGTH = 1024
_STEPS = 9


@verb(ExplainRequest)
def explain(request: ExplainRequest) -> Explanation:
    """Explain what another mean and std would do to ``model``: (u0, s0) its constants, (u1, s1) those of ``data``.

    ``data`` are the images, signals or rows of numbers that the network takes; ``label`` names a column of labels, which is left
    out, and ``label_pattern`` chooses samples by their paths, as in ``tare.advise``. Without ``data`` the explanation uses an
    example, and says so: random samples after x -> 0.5 x + 0.1 (images), or after half the gain and an offset of 0.4 source std.
    Distances are measured on at most 32 samples. Nothing is trained, and the network is not changed.

    Raises :class:`ModelError` if the network cannot be built, :class:`SpecError` if its constants are stated nowhere or more than
    a mean and std is (a clip, a logarithm), and :class:`DataError` if ``data`` cannot be read or have a channel without spread.
    """
    return explained(request)


def explained(request: ExplainRequest) -> Explanation:
    """Answer a request; see :func:`explain`."""
    labelled = None if request.data is None else part(LabelOptions, request)
    fed = fed_network(request, request.seed, labelled)
    convention = fed.constants.convention()
    if not convention.is_affine:
        found = f"{fed.network.reference}: {convention.input_map().why_not_affine()}"
        raise SpecError(
            "a network that takes a shift and a scale of each channel, to explain", found, "use `tare advise` with data"
        )
    if labelled is None:
        samples, other, example = _made(fed, request.seed)
        notes, names = fed.notes, _stated_names(fed)
    else:
        reading = Reading(False, request.max_skipped, request.workers or default_workers(), request.seed, compares=False)
        subject, more = subject_of(fed, labelled, reading, request.reporter)
        fed = replace(fed, constants=subject.constants)
        samples, notes, example = subject.samples[:COMPARED], fed.notes + more[1:], ""
        _check_spread(subject.target)
        other = Constants(subject.target.mean, subject.target.std, subject.target.source)
        names = tuple(channel.name for channel in subject.target.channels)
    return explanation_of(fed, samples, (names, other), example, notes)


def explanation_of(
    fed: FedNetwork,
    samples: torch.Tensor,
    named: tuple[Sequence[str], Constants],
    example: str,
    notes: tuple[str, ...] = (),
) -> Explanation:
    """Explain the difference between ``samples`` normalised by the network's constants and by the other ones ``named``.

    These come with the names of their channels.
    """
    (names, other), module, constants = named, fed.network.module, fed.constants
    first, second = (padded_input(Normalisation("source", one.mean, one.std), samples) for one in (constants, other))
    shares, border = absorbed(module, first, second), border_effect(module, first, second)
    norms = norm_layers(module)
    leading = next((name for name in (item.name for item in shares) if name in norms), "")
    gap = float(((first - second) ** 2).mean().sqrt())
    steps, answers = _steps(module, first[:1])
    return Explanation(
        model=fed.network.reference,
        shape=tuple(samples.shape[1:]),
        constants_origin=constants.origin,
        steps=steps,
        channels=_channels(names, constants, other),
        shares=shares,
        border=border,
        first_norm=type(norms[leading]).__name__ if leading else "",
        gap=gap,
        answer=answer_of(module, shares),
        sentences=sentences_of(module, shares, border, gap),
        example=example,
        notes=(*notes, *_without_answer(answers)),
    )


def _without_answer(answers: Sequence[torch.Tensor]) -> tuple[str, ...]:
    """A note on a network that answers a sample with nothing but NaN and infinity."""
    values = [each for each in answers if each.is_floating_point() and each.numel()]
    if not values or any(bool(each.isfinite().any()) for each in values):
        return ()
    return ("the network's whole answer to a sample is NaN or infinite: repair the network before you rely on its figures",)


def _stated_names(fed: FedNetwork) -> tuple[str, ...]:
    """The names of the channels that the network states, without data: only those of images are colours by themselves."""
    stated, count = fed.network.spec.channels, len(fed.constants.mean)
    if isinstance(stated, Known) and stated.value.count(",") == count - 1 > 0:
        return tuple(stated.value.split(","))
    return channel_names(count) if fed.network.kind == "image" else tuple(f"c{place}" for place in range(count))


def _channels(names: Sequence[str], constants: Constants, other: Constants) -> tuple[ChannelMap, ...]:
    rows = zip(names, constants.mean, constants.std, other.mean, other.std, strict=True)
    return tuple(ChannelMap(n, u0, s0, u1, s1, 1 / s0, -u0 / s0, s0 / s1, (u0 - u1) / s1) for n, u0, s0, u1, s1 in rows)


def _check_spread(stats: DatasetStats) -> None:
    """Raise :class:`DataError` for a channel whose std is zero."""
    constant = next((channel.name for channel in stats.channels if not channel.std > 0), None)
    if constant is not None:
        found = f"the constant channel {constant!r} in {stats.source!r}"
        raise DataError("channels with some spread", found, "leave it out, or explain without data")


def _made(fed: FedNetwork, seed: int) -> tuple[torch.Tensor, Constants, str]:
    """Smooth random samples with the source's moments as another sensor records them, that sensor's constants, and a note."""
    constants, shape = fed.constants, _example_shape(fed)
    smooth = smooth_noise(COMPARED, len(constants.mean), shape, (seed, 13))
    mean, std = (np.asarray(values) for values in (constants.mean, constants.std))
    images = fed.network.kind == "image"
    offset = np.full_like(mean, _OFFSET) if images else _OFFSET_IN_STDS * std
    column = (-1, *(1 for _ in shape))
    unit = mean.reshape(column) + std.reshape(column) * smooth
    shifted = _GAIN * unit + offset.reshape(column)
    other = Constants(tuple((_GAIN * mean + offset).tolist()), tuple((_GAIN * std).tolist()), "the example shift")
    change = f"x -> {_GAIN:g} x + {_OFFSET:g}" if images else f"x -> {_GAIN:g} x + {_OFFSET_IN_STDS:g} source std"
    example = (
        f"no data given: {COMPARED} random {NOUNS[fed.network.kind]} (noise {'of all sizes ' if shape else ''}with the network's "
        f"own mean and std) after the example shift {change}, as another sensor might record them"
    )
    return torch.from_numpy(shifted.astype(np.float32)), other, example


def _example_shape(fed: FedNetwork) -> tuple[int, ...]:
    """The input's shape without channels: the network's own, or the requested length, or 1,024 steps for signals."""
    if fed.takes is not None:
        return fed.takes.shape
    if fed.network.kind == "vector":
        return ()
    if fed.network.kind in ("volume", "clip"):
        return example_size(fed.network, fed.size)
    if (front := fed.network.front) is not None and front.size is not None:
        return front.size
    return (chosen_length(fed.network, fed.length, (_EXAMPLE_LENGTH,))[0],)


@torch.no_grad()
def _steps(module: nn.Module, fed: torch.Tensor) -> tuple[tuple[ExecutedLayer, ...], list[torch.Tensor]]:
    """The first leaf layers and normalisation layers, in the order in which they run, and what the network answers."""
    norms = norm_layers(module)
    steps: list[ExecutedLayer] = []

    def note(name: str, layer: nn.Module) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and len(steps) < _STEPS:
                steps.append(ExecutedLayer(name, type(layer).__name__, _detail(layer), tuple(output.shape[1:]), name in norms))

        return hook

    leaves = [
        (name, layer)
        for name, layer in module.named_modules()
        if name and (name in norms or not any(True for _ in layer.children()))
        if not any(name.startswith(f"{norm}.") for norm in norms)
    ]
    handles = [layer.register_forward_hook(note(name, layer)) for name, layer in leaves]
    try:
        answers = list(tensors_in(module(fed.clone())))  # its forward may change it in place
    finally:
        for handle in handles:
            handle.remove()
    return tuple(steps), answers


def _detail(layer: nn.Module) -> str:
    if isinstance(layer, Conv):
        kernel = "x".join(map(str, layer.kernel_size))
        padding = layer.padding if isinstance(layer.padding, str) else ",".join(map(str, dict.fromkeys(layer.padding)))
        bias = "bias" if layer.bias is not None else "no bias"
        mode = "" if layer.padding_mode == "zeros" else f" ({layer.padding_mode})"
        return f" {kernel}, stride {layer.stride[0]}, padding {padding}{mode}, {bias}"
    if isinstance(layer, nn.Linear):
        return f" {layer.in_features} to {layer.out_features}, {'bias' if layer.bias is not None else 'no bias'}"
    return ""
