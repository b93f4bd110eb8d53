"""A rewritten network answers as the network did, also where a sample is padded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tare
from tare.datasets.signal_batches import sized
from tare.errors import ModelError, SpecError
from tare.input_spec.geometry import Geometry, RowGeometry, SignalGeometry, SoundGeometry, VolumeGeometry
from tare.networks.stored.directory import load_model
from tare.networks.stored.folded import fold_to, padded_alike, respec_to
from tare.networks.stored.inputs import FoldRequest, RespecRequest
from tare.samples.sound.front_end import FrontEnd
from tests.images import save_png
from tests.tiny_run import MEAN, STD, tiny_number_run, tiny_run

GAIN, OFFSET = (0.5, 2.0), (0.125, -0.25)
BORDER = Geometry((32, 32), "bilinear", 1.0, "border")
LARGER = Geometry((32, 32), "bilinear", resize=(24,))
SPECTRA = FrontEnd.of({"feature_extractor_type": "ASTFeatureExtractor"}, "here")


@pytest.fixture
def bordered(tmp_path: Path) -> Path:
    return tiny_run(tmp_path, geometry=BORDER, with_data=False)


def test_a_border_that_would_have_another_colour_is_refused(bordered: Path, tmp_path: Path) -> None:
    source, out, zero = str(bordered), tmp_path / "out", r"\(0.4, 0.5, 0.6\) in unit values, .* surrounded by"
    for request in (FoldRequest(source, out), FoldRequest(source, out, takes="uint8")):
        with pytest.raises(ModelError, match=zero + r" \(0, 0, 0\); use tare.fold or tare.folding.respec in Python"):
            fold_to(request)
    with pytest.raises(ModelError, match=zero + r" \(0.5, 0.5, 0.5\)"):
        respec_to(RespecRequest(source, out, mean=(0.5,), std=(0.5,)))
    with pytest.raises(ModelError, match=r"\(0.3, 0.35, 0.4\) in unit values, .* surrounded by \(0.4, 0.5, 0.6\)"):
        respec_to(RespecRequest(source, out, gain=(0.5,) * 3, offset=(0.1,) * 3))
    assert not out.exists()


def test_a_border_of_the_same_colour_is_kept(bordered: Path, tmp_path: Path) -> None:
    respec_to(RespecRequest(str(bordered), tmp_path / "out", mean=MEAN, std=tuple(2 * value for value in STD)))
    image = np.random.default_rng(0).integers(0, 256, (20, 44, 3), dtype=np.uint8)
    save_png(tmp_path / "wide.png", image)
    before, after = (tare.predict(folder, tmp_path / "wide.png")[0] for folder in (bordered, tmp_path / "out"))
    assert dict(after.ranks) == pytest.approx(dict(before.ranks), abs=1e-5)
    # The network's own normalisation may have a mean of zero, whose border is black before and after.
    fold_to(FoldRequest(str(bordered), tmp_path / "black", mean=(0.0,), std=(0.5,)))


def test_a_network_of_blue_green_red_that_undoes_a_gain_takes_red_green_blue(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, with_data=False)
    spec = tare.InputSpec.of((103.9, 116.8, 123.7), (1, 2, 4), scale=1.0, channels="BGR", raw_dtype="uint8")
    (tmp_path / "bgr.json").write_text(json.dumps(spec.to_json()))
    gain, offset = (0.5, 0.6, 0.7), (0.1, 0.05, 0.0)
    respec_to(RespecRequest(str(run), tmp_path / "out", from_spec=str(tmp_path / "bgr.json"), gain=gain, offset=offset))
    before, after = load_model(run / "model"), load_model(tmp_path / "out")
    assert after.normalisation.mean == pytest.approx((123.7 / 255, 116.8 / 255, 103.9 / 255))
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    changed = torch.tensor(gain)[:, None, None] * (images / 255) + torch.tensor(offset)[:, None, None]
    with torch.inference_mode():
        expected = before.network.module.eval()(spec.apply(images))
    torch.testing.assert_close(after.logits(changed), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "raw"), [("r,p,q", "float64"), ("p,q,r", "float32")])
def test_a_specification_of_other_places_or_raw_values_than_the_network_is_refused(
    tmp_path: Path, channels: str, raw: str
) -> None:
    run = tiny_number_run(tmp_path, RowGeometry(("p", "q", "r"), "float64"))
    spec = tare.InputSpec.of((1, 2, 3), (1, 2, 4), scale=1.0, channels=channels, raw_dtype=raw, layout="NC")
    (tmp_path / "spec.json").write_text(json.dumps(spec.to_json()))
    stated = str(tmp_path / "spec.json")
    refused = "in one order in both|a specification of float64 values, as the network takes"
    with pytest.raises(SpecError, match=refused):
        fold_to(FoldRequest(str(run), tmp_path / "out", spec=stated))
    for options in ({"mean": (0.5,), "std": (0.5,)}, {"gain": (2.0,) * 3, "offset": (0.0,) * 3}):
        with pytest.raises(SpecError, match=refused):
            respec_to(RespecRequest(str(run), tmp_path / "out", from_spec=stated, **options))
    assert not (tmp_path / "out").exists()


def test_signals_that_arrive_with_another_gain_are_padded_as_they_arrive(tmp_path: Path) -> None:
    run = tiny_number_run(tmp_path, SignalGeometry(64, (0.1, 0.3)))
    respec_to(RespecRequest(str(run), tmp_path / "out", gain=GAIN, offset=OFFSET))
    before, after = load_model(run / "model"), load_model(tmp_path / "out")
    signal = np.random.default_rng(0).normal(0, 1, (40, 2)).astype(np.float32)
    changed = (signal * GAIN + OFFSET).astype(np.float32)
    seen, expected = (m.logits(sized(v, m.takes)[None]) for m, v in ((after, changed), (before, signal)))  # type: ignore[arg-type]
    torch.testing.assert_close(seen, expected, rtol=1e-5, atol=1e-5)


def test_a_volume_is_padded_as_it_arrives_and_other_samples_have_no_padding() -> None:
    volume = padded_alike(VolumeGeometry((4, 4, 4), (0.5, 1.0)), GAIN, OFFSET)
    assert isinstance(volume, VolumeGeometry)
    assert volume.pad == (0.375, 1.75)
    for takes in (SignalGeometry(8, None), RowGeometry(("a", "b")), Geometry((32, 32)), BORDER):
        assert padded_alike(takes, GAIN, OFFSET) is takes


def test_doubles_that_floats_cannot_hold_keep_their_normalisation_in_front(tmp_path: Path) -> None:
    far: dict[str, Any] = {"mean": (1e6,), "std": (1.0,)}
    run, out = tiny_number_run(tmp_path, RowGeometry(("a", "b"))), tmp_path / "out"
    said = "after the first layers.*: float32, which the rewritten network takes, rounds float64 values this far from 0; keep"
    with pytest.raises(ModelError, match=said):
        fold_to(FoldRequest(str(run), out, **far))
    with pytest.raises(ModelError, match=said):
        respec_to(RespecRequest(str(run), out, **far))
    assert not out.exists()
    fold_to(FoldRequest(str(run), out, mean=(120.0, 5.0), std=(4.0, 1.0)))
    # Values that are stored as float32 lose nothing more.
    run = tiny_number_run(tmp_path / "floats", RowGeometry(("a", "b"), "float32"))
    respec_to(RespecRequest(str(run), tmp_path / "narrow", **far))


@pytest.mark.parametrize("takes", [LARGER, Geometry((32, 48), crop_mode="squash", resize=(32, 40)), SoundGeometry(SPECTRA)])
def test_an_offset_is_refused_where_samples_are_padded_with_zeros(takes: Geometry | SoundGeometry) -> None:
    assert padded_alike(takes, GAIN, (0.0, 0.0)) is takes
    with pytest.raises(ModelError, match=r"padded with zeros, which would arrive as \(0.125, -0.25\); .* keep the network"):
        padded_alike(takes, GAIN, OFFSET)


_PLAIN = (
    "from torch import nn\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
)


@pytest.mark.parametrize("new", [{"mean": (0.3,), "std": (0.2,)}, {"gain": (0.9,) * 3, "offset": (0.02,) * 3}])
def test_a_network_that_states_nothing_is_respecced_by_what_the_remedy_names(tmp_path: Path, new: dict[str, Any]) -> None:
    (tmp_path / "net.py").write_text(_PLAIN)
    weights, spec = tmp_path / "w.pt", tmp_path / "now.json"
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    torch.save(module.state_dict(), weights)
    stated: dict[str, Any] = {"source": f"{tmp_path / 'net.py'}:net", "weights": str(weights), **new}
    with pytest.raises(SpecError, match="say how its input is normalised now: --from SPEC") as raised:
        respec_to(RespecRequest(out=tmp_path / "out", **stated))
    assert "--mean" not in raised.value.remedy
    spec.write_text(json.dumps(tare.InputSpec.of(MEAN, STD, raw_dtype="uint8", size=(16, 16)).to_json()))
    respec_to(RespecRequest(out=tmp_path / "out", from_spec=str(spec), **stated))
    assert (tmp_path / "out" / "tare.json").exists()
