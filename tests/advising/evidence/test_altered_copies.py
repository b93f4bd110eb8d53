from __future__ import annotations

import numpy as np
import pytest
import torch

from tare.advising.evidence.altered_copies import COPIES, altered


@pytest.mark.parametrize("shape", [(6, 3, 32, 32), (6, 1, 100), (40, 7)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_copies_have_the_samples_shape_type_and_moments(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    waves = np.sin(np.arange(shape[-1]) / 9) * 60 + 128 + 20 * rng.normal(size=(*shape[:-1], 1))
    samples = torch.from_numpy(np.broadcast_to(waves, shape).copy()).to(dtype)
    copies = altered(samples, 1)
    assert len(copies) == COPIES
    for copy in copies:
        assert copy.shape == samples.shape
        assert copy.dtype == dtype
        assert not torch.equal(copy, samples)
        assert float(copy.double().mean()) == pytest.approx(
            float(samples.double().mean()), abs=0.15 * float(samples.double().std())
        )
        assert float(copy.double().std()) == pytest.approx(float(samples.double().std()), rel=0.1)
    assert not torch.equal(copies[0], copies[1])


def test_the_same_seed_gives_the_same_copies_and_another_gives_others() -> None:
    samples = torch.rand(4, 1, 16, 16)
    first, again, other = (altered(samples, seed) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_noise_is_a_tenth_of_the_values_own_spread_whatever_their_unit() -> None:
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(4000, 3)) * np.array([1.0, 1000.0, 0.01]))
    found = torch.stack([copy - rows for copy in altered(rows, 0)]).std(dim=(0, 1)) / rows.std(dim=0)
    np.testing.assert_allclose(found.numpy(), 0.1, rtol=0.05)
    images = 0.2 * torch.rand(200, 1, 4, 4, dtype=torch.float64)
    images[:, :, 1:] = images[:, :, :1]  # the same rows: moving along them changes nothing inside
    spread = float(images.flatten(2).std(dim=2, correction=0).mean())
    noise = torch.cat([(copy - images)[..., 1:3].flatten() for copy in altered(images, 0)])
    assert 0.1 * spread <= float(noise.std()) < 2 * spread


def test_what_lies_beyond_a_signals_end_stays_missing_and_its_edge_is_repeated() -> None:
    signals = torch.ones(3, 1, 64)
    signals[..., 40:] = torch.nan
    for copy in altered(signals, 2):
        missing = copy.isnan().sum(dim=2)
        assert set(missing.flatten().tolist()) <= {20, 24, 28}  # moved by a sixteenth of 64 positions, or not
        assert torch.equal(copy.nan_to_num(nan=1.0), torch.ones(3, 1, 64))  # without spread there is no noise


def test_values_that_are_never_negative_stay_so_and_others_may_be() -> None:
    generator = torch.Generator().manual_seed(3)
    counts = torch.rand(4, 2, 16, 16, generator=generator).pow(8)
    assert min(float(copy.min()) for copy in altered(counts, 0)) == 0
    centred = counts - counts.mean()
    assert min(float(copy.min()) for copy in altered(centred, 0)) < float(centred.min())
