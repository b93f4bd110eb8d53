"""The network that advice is about, with its constants and the statistics of its pretraining data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tare.checking.gate import passed
from tare.checking.rules.feed import Feed, leaves_far
from tare.comparing.sides import stats_from
from tare.datasets.options import Augmenting, LabelOptions
from tare.datasets.split import without_labels
from tare.errors import DataError, SpecError
from tare.input_spec.geometry import InputGeometry
from tare.input_spec.spec import InputSpec
from tare.networks.inputs import NetworkOptions
from tare.networks.loading import built_for
from tare.networks.network import Network
from tare.networks.stated_images import check_accepts, colour_of, network_geometry, scaled, source_constants
from tare.networks.stated_numbers import channels_in, check_options
from tare.networks.stated_spec import with_frames, with_spec
from tare.networks.stored.source import channels_of, model_folder, source_bands, source_network, source_statistics
from tare.normalisation.catalog import pooled_of
from tare.normalisation.strategies import Constants
from tare.samples.modes import ColourMode
from tare.statistics.dataset_stats import DatasetStats


@dataclass(frozen=True, slots=True, eq=False)
class FedNetwork:
    """A network ready to be fed: its constants, the specification that states them, and remarks.

    ``takes`` is the shape of the network's input. For signals and rows it is None until the data have been read, since the length
    of a signal may be that of the data; ``length`` is the length that the user asked for. ``colour`` is how images are read.
    ``scale`` is the stated factor from raw values to those that the constants are of, ``allow`` findings that refuse no input.
    ``own`` says that the network, or its specification, states the constants itself, and that they may leave inputs far from 0.
    ``bands`` are those of the rasters that it was trained on, None without names.
    """

    network: Network
    constants: Constants
    spec: InputSpec
    takes: InputGeometry | None
    colour: ColourMode
    length: int | None
    dataset0: DatasetStats | None
    notes: tuple[str, ...]
    scale: float | None = None
    allow: Sequence[str] = ()
    own: bool = False
    size: int | None = None
    bands: tuple[str, ...] | None = None

    def of_data(self, stats: DatasetStats, *, compares: bool) -> tuple[FedNetwork, tuple[str, ...]]:
        """The network with its constants in unit values of the data's type, and what was found about the input.

        Unless strategies are compared, raises :class:`InputError` for data that cannot be fed under the network's own constants.
        """
        constants, spec = scaled(self.constants, self.spec, self.scale, stats.dtype)
        assert constants is not None  # noqa: S101 - there were constants before
        found = passed(
            Feed(stats, constants.convention(), own=self.own), spec, self.network.reference, self.allow, compares=compares
        )
        return replace(self, constants=constants, spec=spec), found.lines


def fed_network(options: NetworkOptions, seed: int, labelled: LabelOptions | None = None, source_stats: Any = None) -> FedNetwork:
    """Build the network and find out how it is fed; a network of ``tare:`` gets the channels of the data ``labelled``.

    Raises :class:`ModelError` if the network cannot be built, and :class:`SpecError` if its constants are stated nowhere or an
    option does not fit its kind of input.
    """
    channels = options.in_channels or _channels(options, labelled)
    built = source_network(options.model, options.weights, seed, channels, trusted=options.trust_remote_code)
    network = with_frames(with_spec(built, options.spec, options.mean, options.std), options.frames, options.stride)
    network.module.eval()
    check_options(network.kind, options, Augmenting())
    found, spec = source_constants(network, options.mean, options.std, "none")
    if found is None:
        reason = next(str(getattr(field, "reason", "")) for field in (spec.mean, spec.std) if hasattr(field, "reason"))
        raise SpecError("the mean and std that the network was trained with", f"nobody stated them ({reason})",
                        "state them with --mean and --std")  # fmt: skip
    dataset0 = dataset0_of(found, source_stats, options.model, options.weights)
    own = options.mean is None and leaves_far(found.convention(), source_statistics(options.model, options.weights))
    feeding = (options.scale, options.allow, own)
    if network.kind != "image":
        return FedNetwork(network, found, spec, None, "stored", options.length, dataset0, network.notes, *feeding, options.size)
    geometry, notes = network_geometry(network, options.size, options.interpolation, options.crop)
    colour = colour_of(network)
    check_accepts(network, geometry)
    bands = source_bands(options.model, options.weights)
    return FedNetwork(network, found, spec, geometry, colour, None, dataset0, network.notes + notes, *feeding, bands=bands)


def _channels(options: NetworkOptions, labelled: LabelOptions | None) -> int | None:
    """The number of channels to build a network of ``tare:`` for: that of the run that gives its weights, else the data's."""
    kind = built_for(options.model)
    if kind is None or options.weights == "pretrained":
        return None
    folder = model_folder(options.weights)
    if folder is not None:
        return channels_of(folder)
    if labelled is None:
        return None
    return channels_in(without_labels(labelled, kind))


def dataset0_of(
    constants: Constants, stated: str | os.PathLike[str] | DatasetStats | None, model: str, weights: str
) -> DatasetStats | None:
    """Statistics of the pretraining data: the stated ones (a file, a catalog name or data), else the run's, else the catalog's.

    None if there are no such statistics. Raises :class:`DataError` if they have another number of channels than the network.
    """
    entry = pooled_of(constants)
    published = entry.stats() if entry is not None else None
    stats = stats_from(stated) if stated is not None else source_statistics(model, weights) or published
    if stats is not None and len(stats.channels) != len(constants.mean):
        wanted = f"statistics of dataset0 with {len(constants.mean)} channels, as the network has"
        found = f"{len(stats.channels)} channels in {stats.source!r}"
        raise DataError(wanted, found, "name the statistics of the network's own training data")
    return stats
