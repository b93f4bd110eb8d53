from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tare.advising.evidence.gathered import CANDIDATES, Subject, choices_of, compared, gather
from tare.advising.recommendation import advise_on
from tare.networks.loading import load_network
from tare.normalisation.names import DECLARED
from tare.normalisation.strategies import Constants
from tests.made_stats import stacked


def rasters(dtype: str, top: int) -> Subject:
    """Two classes of images of a random network, that differ in brightness, as values of a type."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 12)
    values = rng.uniform(0.05, 0.5, (24, 32, 32, 3)) + 0.4 * labels[:, None, None, None]
    stored = (top * values).astype(dtype)
    network = load_network("timm:test_resnet", "none")
    unit = torch.from_numpy(stored.astype(np.float32) / np.iinfo(dtype).max).permute(0, 3, 1, 2)
    share = top / np.iinfo(dtype).max
    constants = Constants((0.5 * share,) * 3, (0.25 * share,) * 3, "stated")
    return Subject(network.module, network.head, constants, None, stacked(stored), unit, labels)


def test_what_suits_the_raw_values_is_measured_beside_the_candidates() -> None:
    deep, photos = choices_of(rasters("uint16", 4000))[0], choices_of(rasters("uint8", 255))[0]
    assert set(deep) - set(photos) == {"percentile", "log1p", "sample-percentile"}
    assert set(photos) <= {*CANDIDATES}
    assert all("raster" in DECLARED[name].kinds for name in set(deep) - {*CANDIDATES})


def test_strategies_that_the_rule_was_not_calibrated_for_have_evidence_and_are_never_advised() -> None:
    subject = rasters("uint16", 4000)
    advice = advise_on(subject, "the network", "the data")
    assert advice.strategy in CANDIDATES
    rows = {figure.name for figure in advice.evidence}
    assert {"accuracy minus source's, percentile", "cross-validated accuracy, log1p"} <= rows
    said = [line for line in advice.because if line.startswith("percentile: ")]
    assert len(said) == 1
    assert "measured, and not among the choices of the rule" in said[0]
    assert "shown" not in said[0]


def test_a_source_of_logarithms_is_held_against_what_it_fed_its_network() -> None:
    """Its own data are near under it, whether dataset0 is known or not; its constants are none of unit values."""
    plain = rasters("uint8", 255)
    means, stds = zip(*(channel.mapped["log1p"] for channel in plain.target.channels), strict=True)
    unknown = replace(plain, constants=Constants(means, stds, "a run", "log1p", None, 1 / 255), own=True)
    for subject in (unknown, replace(unknown, dataset0=plain.target)):
        choices, refused = choices_of(subject)
        assert choices["source"].value_map == "log1p"
        assert "values pass through log1p" in refused["match"]
        assert abs(gather(subject).scores["source"].at_input.estimate) < 1e-6
    assert compared(unknown) == (None, "they are constants of log1p of values")
    assert compared(replace(unknown, dataset0=plain.target))[0] is not None
