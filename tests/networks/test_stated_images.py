"""What a run did to its values is done to those of another scale, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tare.errors import StrategyError
from tare.input_spec.fields import UNSTATED
from tare.input_spec.spec import InputSpec, Known
from tare.networks.inputs import NetworkOptions
from tare.networks.stated_images import scaled, source_constants
from tare.networks.stored.source import source_network
from tare.normalisation.input_layer import InputLayer
from tare.normalisation.strategies import Constants, normalisation
from tare.training.options import Training
from tare.transferring.plan import built_network
from tests.made_stats import stacked
from tests.tiny_run import MORE, tiny_run

RAW = np.arange(0, 256, 5, dtype=np.uint16).repeat(3).reshape(-1, 1, 1, 3)


@pytest.mark.parametrize("strategy", ["percentile", "log1p"])
def test_a_scale_keeps_what_comes_before_the_mean_and_std(tmp_path: Path, strategy: str) -> None:
    """8-bit values in uint16: those of 0..255 as they are, those of 12 bits by another factor."""
    constants, spec = source_constants(source_network(str(tiny_run(tmp_path, strategy)), "pretrained", 0), None, None, "source")
    assert constants is not None
    assert constants.convention().zero == pytest.approx(MORE[strategy].zero)
    raw = torch.from_numpy(RAW.astype(np.float32)).permute(0, 3, 1, 2)
    expected = InputLayer(MORE[strategy])(raw / 255)
    for factor in (1.0, 16.0):
        found, said = scaled(constants, spec, 1 / 255 / factor, "uint16")
        assert found is not None
        fed = InputLayer(found.convention())(raw * factor / 65535)
        torch.testing.assert_close(fed, expected, rtol=1e-4, atol=1e-4)
        assert said.raw_dtype == Known("uint16", "user: --scale")
        if strategy == "percentile" or factor == 1:
            applied = said.input_map().apply(RAW.astype(np.float64) * factor)
            np.testing.assert_allclose(applied, expected.permute(0, 2, 3, 1), rtol=1e-4, atol=1e-4)


def test_a_logarithm_of_other_values_than_the_raw_ones_is_refused_where_it_is_used() -> None:
    constants = Constants((4.0,) * 3, (0.9,) * 3, "a run", "log1p", None, 1 / 255)
    stats = stacked(RAW)
    for factor in (1 / 4095, 1 / 65535):
        found, _ = scaled(constants, InputSpec(), factor, stats.dtype)
        with pytest.raises(
            StrategyError, match=r"the source's log1p is of, found log1p of uint16 values x 0.0.* --strategy target"
        ):
            normalisation("source", 3, source=found, target=stats)
        assert normalisation("target", 3, source=found, target=stats).is_affine
    found, _ = scaled(constants, InputSpec(), 1 / 255, stats.dtype)
    assert normalisation("source", 3, source=found, target=stats).value_map == "log1p"


@pytest.mark.parametrize("strategy", ["percentile", "log1p"])
def test_constants_of_the_users_stand_alone(tmp_path: Path, strategy: str) -> None:
    run = str(tiny_run(tmp_path, strategy))
    stated = InputSpec.of([0.5] * 3, [0.25] * 3, raw_dtype="uint8")
    for spec, mean, std in ((None, [0.5], [0.25]), (stated, None, None)):
        network = built_network(NetworkOptions(run, spec=spec), Training(), None)
        constants, found = source_constants(network, mean, std, "source")
        assert constants is not None
        assert constants.convention().is_affine
        assert (constants.mean, constants.std) == ((0.5,) * 3, (0.25,) * 3)
        assert (found.value_map, found.clip) == (UNSTATED, UNSTATED)
