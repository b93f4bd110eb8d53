"""What advice starts from: the network, its constants, dataset0's statistics."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from tare.comparing.sides import stats_from
from tare.datasets.options import Augmenting, LabelOptions
from tare.datasets.split import without_labels
from tare.errors import DataError, SpecError
from tare.input_spec.geometry import InputGeometry
from tare.input_spec.spec import InputSpec
from tare.networks.inputs import NetworkOptions
from tare.networks.loading import built_for
from tare.networks.network import Network
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, source_constants
from tare.networks.stated_numbers import channels_in, check_options
from tare.networks.stated_spec import with_spec
from tare.networks.stored.source import channels_of, model_folder, source_network, source_statistics
from tare.normalisation.catalog import pooled_of
from tare.normalisation.strategies import Constants
from tare.samples.modes import ColourMode
from tare.statistics.dataset_stats import DatasetStats


@dataclass(frozen=True, slots=True, eq=False)
class FedNetwork:
    """A network ready to be fed: its constants, the statement they come from, and remarks.

    ``takes`` says what it is given of a sample: None for signals and rows until the data have been seen, since the length of a
    signal may be that of the data (``length`` is the one asked for). ``colour`` is how images are read.
    """

    network: Network
    constants: Constants
    spec: InputSpec
    takes: InputGeometry | None
    colour: ColourMode
    length: int | None
    dataset0: DatasetStats | None
    notes: tuple[str, ...]


def fed_network(asked: NetworkOptions, seed: int, labelled: LabelOptions | None = None, source_stats: Any = None) -> FedNetwork:
    """Build the network and find out how it is fed; ``labelled`` are the data, for networks that are built for their channels.

    Raises :class:`ModelError` if it cannot be built, :class:`SpecError` if nobody states its constants, or for options that do
    not fit what it takes.
    """
    built = source_network(asked.model, asked.weights, seed, _channels(asked, labelled))
    network = with_spec(built, asked.spec, asked.mean, asked.std)
    network.module.eval()
    check_options(network.kind, asked, Augmenting())
    found, spec = source_constants(network, asked.mean, asked.std, "none")
    if found is None:
        reason = next(str(getattr(field, "reason", "")) for field in (spec.mean, spec.std) if hasattr(field, "reason"))
        raise SpecError("the mean and std that the network was trained with", f"nobody stated them ({reason})",
                        "state them with --mean and --std")  # fmt: skip
    dataset0 = dataset0_of(found, source_stats, asked.model, asked.weights)
    if network.kind != "image":
        return FedNetwork(network, found, spec, None, "stored", asked.length, dataset0, network.notes)
    geometry, notes = network_geometry(network, asked.size, asked.interpolation, asked.crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    return FedNetwork(network, found, spec, geometry, colour, None, dataset0, network.notes + notes)


def _channels(asked: NetworkOptions, labelled: LabelOptions | None) -> int | None:
    """The channels for which a network of ``tare:`` is to be built: those of the run that gives its weights, else the data's."""
    kind = built_for(asked.model)
    if kind is None or asked.weights == "pretrained":
        return None
    folder = model_folder(asked.weights)
    if folder is not None:
        return channels_of(folder)
    if labelled is None:
        return None
    return channels_in(without_labels(labelled, kind))


def dataset0_of(
    constants: Constants, stated: str | os.PathLike[str] | DatasetStats | None, model: str, weights: str
) -> DatasetStats | None:
    """Dataset0's statistics: as stated (a file, a catalog name or data), as the run ``model`` measured, as published, or None.

    Raises :class:`DataError` if those stated have another number of channels than the network.
    """
    if stated is not None:
        stats = stats_from(stated)
    else:
        entry = pooled_of(constants)
        found = source_statistics(model, weights) or (entry.stats() if entry is not None else None)
        if found is None:
            return None
        stats = found
    if len(stats.channels) != len(constants.mean):
        wanted = f"statistics of dataset0 with {len(constants.mean)} channels, as the network has"
        raise DataError(wanted, f"{len(stats.channels)} in {stats.source!r}", "name those of the network's own training data")
    return stats
