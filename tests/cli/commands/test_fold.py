from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from tare.folding.layers import FoldedConv2d, FoldedNetwork
from tare.input_spec.geometry import Geometry
from tare.input_spec.spec import InputSpec
from tare.networks.loading import load_network
from tare.networks.network import with_head
from tare.networks.stored.directory import TransferredModel, load_model, save_model
from tare.normalisation.applied import EACH, Normalisation
from tests.cli.test_main import run

MEAN, STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)

PADDED = """
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, 2), nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.conv(functional.pad(x, (0, 1, 0, 1))).mean((2, 3)))


def net():
    return Net()
"""


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, 32, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def transferred(tmp_path: Path) -> TransferredModel:
    network = with_head(load_network("timm:test_resnet", "none"), 3, 0)
    model = TransferredModel(network, Normalisation("target", MEAN, STD), Geometry((32, 48)), ("a", "b", "c"))
    save_model(tmp_path / "run" / "model", model, source_spec=network.spec, target_stats=None, evidence={})
    return model


def close(ours: torch.Tensor, reference: torch.Tensor) -> bool:
    return bool((ours - reference).abs().max() <= 1e-5 * reference.abs().max())


@pytest.mark.parametrize("takes", ["unit", "uint8"])
def test_a_run_is_folded_with_its_own_statistics_and_loads_again(
    tmp_path: Path, transferred: TransferredModel, images: torch.Tensor, capsys: pytest.CaptureFixture[str], takes: str
) -> None:
    code, out, _ = run(capsys, "fold", str(tmp_path / "run"), "--input", takes, "--out", str(tmp_path / "folded"), "--json")
    document: dict[str, Any] = json.loads(out)
    assert code == 0
    assert document["schema"] == "tare.fold/1"
    assert document["takes"] == takes
    assert document["layers"][0]["method"] == ("border" if takes == "unit" else "pad")
    assert document["layers"][0]["zero"] == pytest.approx([u * (1 if takes == "unit" else 255) for u in MEAN])
    assert document["verification"]["layer_error"] < 1e-5
    assert document["loads_in_timm"] is False
    model = load_model(tmp_path / "folded")
    model.network.module.eval()
    assert any(isinstance(module, FoldedConv2d) for module in model.network.module.modules())
    assert model.classes == transferred.classes
    given = images / 255 if takes == "unit" else images
    with torch.no_grad():
        assert close(model.network.module(given), transferred.logits(images))
    assert close(model.logits(images), transferred.logits(images))
    assert close(model.logits(images / 255), transferred.logits(images))
    assert model.spec().affine_from("uint8").scale == pytest.approx((1 / 255 if takes == "unit" else 1.0,) * 3)


def test_a_patch_embedding_stays_a_network_that_plain_timm_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "folded"
    code, out, _ = run(capsys, "fold", "timm:test_vit", "--weights", "none", "--out", str(folder))
    assert code == 0
    assert f"timm.create_model('local-dir:{folder}', pretrained=True)" in out
    assert "patch_embed.proj (Conv2d): all in weights and bias\n" in out
    loaded = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    assert loaded.pretrained_cfg["mean"] == [0.0, 0.0, 0.0]
    assert loaded.pretrained_cfg["std"] == [1.0, 1.0, 1.0]
    unit = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    original = load_network("timm:test_vit", "none").module.eval()
    with torch.no_grad():
        assert close(loaded(unit), original((unit - 0.5) / 0.5))
        assert torch.equal(loaded(unit), load_model(folder).network.module.eval()(unit))


def test_respec_writes_a_network_for_the_other_normalisation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "rewritten"
    code, out, _ = run(
        capsys, "respec", "timm:test_resnet", "--weights", "none", "--to", "catalog:imagenet", "--out", str(folder), "--json"
    )
    assert code == 0
    assert json.loads(out)["takes"] == "normalised"
    model = load_model(folder)
    assert model.normalisation.mean == pytest.approx((0.485, 0.456, 0.406))
    assert model.normalisation.std == pytest.approx((0.229, 0.224, 0.225))
    unit = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    original = load_network("timm:test_resnet", "none").module.eval()
    with torch.no_grad():
        assert close(model.logits(unit), original((unit - 0.5) / 0.5))


def test_a_folded_network_is_folded_back_by_respec(
    tmp_path: Path, transferred: TransferredModel, images: torch.Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    folded, back, spec = tmp_path / "folded", tmp_path / "back", tmp_path / "spec.json"
    spec.write_text(json.dumps(transferred.spec().to_json()))
    assert run(capsys, "fold", str(tmp_path / "run"), "--out", str(folded))[0] == 0
    assert run(capsys, "respec", str(folded), "--to", str(spec), "--out", str(back))[0] == 0
    model = load_model(back)
    assert not any(isinstance(module, FoldedConv2d) for module in model.network.module.modules())
    assert close(model.logits(images), transferred.logits(images))


def test_a_network_of_a_python_file_that_pads_its_input_itself(
    tmp_path: Path, images: torch.Tensor, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nets.py").write_text(PADDED)
    factory, spec, out = f"{tmp_path / 'nets.py'}:net", tmp_path / "spec.json", tmp_path / "folded"
    spec.write_text(json.dumps(InputSpec.of(MEAN, STD, raw_dtype="uint8").to_json()))
    arguments = ("fold", factory, "--weights", "none", "--spec", str(spec), "--input", "uint8", "--out", str(out))
    assert run(capsys, *arguments)[0] == 0
    model = load_model(out, factory)
    assert isinstance(model.network.module, FoldedNetwork)
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.no_grad():
        reference = load_network(factory, "none").module((images / 255 - mean) / std)
        assert close(model.network.module(images), reference)
    assert run(capsys, *arguments)[0] == 2
    assert run(capsys, *arguments, "--overwrite")[0] == 0
    assert run(capsys, "fold", str(out), "--model", factory, "--out", str(tmp_path / "again"))[0] == 0
    with torch.no_grad():
        assert close(load_model(tmp_path / "again", factory).network.module(images / 255), reference)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fold", "{root}/empty", "--out", "{root}/o"], "a run or model directory with a tare.json, found none in"),
        (["fold", "timm:test_vit", "--weights", "none", "--out", "{root}/empty"], "exists; name another, or use --overwrite"),
        (["fold", "timm:test_vit", "--out", "{root}/full", "--overwrite"], "a model directory to overwrite, found"),
        (["fold", "timm:test_vit", "--out", "{root}/trained/model", "--overwrite"], "an output of its own, found"),
        (["fold", "timm:tst_vit", "--weights", "none", "--out", "{root}/o"], "did you mean timm:test_vit"),
        (["fold", "timm:test_vit", "--weights", "none", "--spec", "{root}/no.json", "--out", "{root}/o"], "does not exist"),
        (["fold", "timm:test_vit", "--weights", "none", "--spec", "{root}/one.json", "--out", "{root}/o"], "channels, found 1"),
        (["fold", "timm:test_vit", "--weights", "none", "--spec", "{root}/zero.json", "--out", "{root}/o"], "std"),
        (["fold", "{root}/nets.py:net", "--weights", "none", "--out", "{root}/o"], "a stated mean of the network's input, found"),
        (["fold", "{root}/run", "--out", "{root}/o", "--spec", "{root}/run"], "one mean and std for all samples"),
        (["respec", "timm:test_vit", "--weights", "none", "--to", "{root}/bgr.json", "--out", "{root}/o"], "blue order"),
        (["respec", "timm:test_vit", "--weights", "none", "--to", "{root}/one.json", "--out", "{root}/o"], "two specs of 3"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    (tmp_path / "trained" / "model").mkdir(parents=True)
    for name in ("run.json", "model/tare.json"):
        (tmp_path / "trained" / name).write_text("{}")
    (tmp_path / "nets.py").write_text(PADDED)
    one = InputSpec.of((0.5,), (0.5,), raw_dtype="uint8").to_json()
    bgr = InputSpec.of((0.5,) * 3, (0.5,) * 3, channels="BGR", raw_dtype="uint8").to_json()
    for name, document in (("one", one), ("zero", {**one, "std": [0.0]}), ("bgr", bgr)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    network = load_network("timm:test_vit", "none")
    sample = TransferredModel(network, Normalisation("sample", (0.0,) * 3, (1.0,) * 3, per_sample=EACH), Geometry((32, 32)), ())
    save_model(tmp_path / "run", sample, source_spec=network.spec, target_stats=None, evidence={})
    code, out, err = run(capsys, *(part.format(root=tmp_path) for part in arguments))
    assert code == 2
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("command", ["fold", "respec"])
def test_the_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0
    assert f"Example: tare {command}" in " ".join(out.split())


def test_a_directory_whose_record_does_not_fit_the_network_is_one_line(
    tmp_path: Path, transferred: TransferredModel, capsys: pytest.CaptureFixture[str]
) -> None:
    del transferred
    folder = tmp_path / "folded"
    assert run(capsys, "fold", str(tmp_path / "run"), "--out", str(folder))[0] == 0
    document = json.loads((folder / "tare.json").read_text())
    for change, message in (
        ({"layers": [{**document["fold"]["layers"][0], "name": "absent"}]}, "the network that was folded"),
        ({"layers": [{}]}, "a complete tare.json"),
        ({"layers": [{**document["fold"]["layers"][0], "at_size": [8, 8]}]}, "weights that fit the network"),
    ):
        (folder / "tare.json").write_text(json.dumps({**document, "fold": {**document["fold"], **change}}))
        code, _, err = run(capsys, "fold", str(folder), "--out", str(tmp_path / "o"))
        assert code == 2
        assert message in err


FIRST_NORM = """
import torch
from torch import nn


def net():
    norm = nn.BatchNorm2d(3)
    norm.running_mean[:], norm.running_var[:] = torch.tensor([0.1, -0.2, 0.3]), torch.tensor([0.5, 1.5, 2.0])
    conv = nn.Conv2d(3, 4, 3, padding=1)
    with torch.no_grad():
        conv.weight[:] = torch.linspace(-1, 1, conv.weight.numel()).reshape(conv.weight.shape)
        conv.bias[:] = 0.0
    return nn.Sequential(norm, conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
"""


@pytest.mark.parametrize("takes", ["unit", "uint8"])
@pytest.mark.parametrize(("mean", "std"), [("0.4,0.5,0.6", "0.2,0.25,0.3"), ("0.5", "0.25")])
def test_constants_are_stated_in_unit_values_and_a_batch_norm_holds_them(
    tmp_path: Path, images: torch.Tensor, capsys: pytest.CaptureFixture[str], takes: str, mean: str, std: str
) -> None:
    (tmp_path / "net.py").write_text(FIRST_NORM)
    reference, folder = f"{tmp_path / 'net.py'}:net", tmp_path / "folded"
    stated = ["--mean", mean, "--std", std, "--weights", "none", "--input", takes, "--out", str(folder)]
    code, out, err = run(capsys, "fold", reference, *stated)
    assert (code, "0 (BatchNorm2d): all in the running mean and variance: exact in eval mode" in out) == (0, True), err
    model = load_model(folder, reference)
    original = load_network(reference, "none").module.eval()
    u, s = (torch.tensor([float(word) for word in text.split(",")]).reshape(1, -1, 1, 1) for text in (mean, std))
    given = images / 255
    with torch.no_grad():
        assert close(model.network.module.eval()(images if takes == "uint8" else given), original((given - u) / s))
        assert close(model.logits(images), original((given - u) / s))


def test_the_raw_type_of_constants_alone_stays_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.py").write_text(FIRST_NORM)
    folder = tmp_path / "folded"
    assert run(capsys, "fold", f"{tmp_path / 'net.py'}:net", "--mean", "0.5", "--std", "0.5", "--weights", "none",
               "--out", str(folder))[0] == 0  # fmt: skip
    document = json.loads((folder / "tare.json").read_text())
    assert document["source_spec"]["raw_dtype"] is None
    assert document["source_spec"]["mean"] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mean", "0.5"], "expected both --mean and --std, or neither, found only one of them; state both"),
        (["--mean", "0.5", "--std", "0.5", "--spec", "catalog:imagenet"], "expected --mean and --std, or --spec, found both"),
        (
            ["--mean", "0.5,0.5", "--std", "0.1,0.2,0.3"],
            "one mean and one std per channel, or one for all, found 2 means and 3 stds; state as many",
        ),
        (["--mean", "0.5,0.5", "--std", "0.1,0.2"], "3 input channels, found 2"),
        (["--mean", "123", "--std", "58"], "in unit values they are --mean 0.4824 --std 0.2275"),
    ],
)
def test_constants_that_do_not_fit_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    code, _, err = run(capsys, "fold", "timm:test_vit", "--weights", "none", *options, "--out", str(tmp_path / "out"))
    assert code == 2
    assert message in " ".join(err.split())
    assert not (tmp_path / "out").exists()


def test_a_clip_is_refused_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.json"
    stated = InputSpec.of((0.5,) * 3, (0.5,) * 3, raw_dtype="uint8", clip=((10.0, 240.0),))
    spec.write_text(json.dumps(stated.to_json()))
    code, _, err = run(capsys, "fold", "timm:test_vit", "--weights", "none", "--spec", str(spec), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "which weights can hold, found values are clipped to [10, 240]; keep the normalisation in front" in " ".join(
        err.split()
    )


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_every_file_has_the_mode_that_the_umask_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str], umask: int) -> None:
    before = os.umask(umask)
    try:
        assert run(capsys, "fold", "timm:test_vit", "--weights", "none", "--out", str(tmp_path / "folded"))[0] == 0
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "folded").iterdir()}
    assert "model.safetensors" in modes
    assert set(modes.values()) == {0o666 & ~umask}


@pytest.mark.parametrize("mean", [("0.2,0.3,0.4",), ("0.2", "0.3", "0.4")])
def test_respec_takes_constants_in_place_of_a_spec(
    tmp_path: Path, transferred: TransferredModel, images: torch.Tensor, capsys: pytest.CaptureFixture[str], mean: tuple[str, ...]
) -> None:
    means = [word for value in mean for word in ("--mean", value)]
    assert run(capsys, "respec", str(tmp_path / "run"), *means, "--std", "0.25", "--out", str(tmp_path / "o"))[0] == 0
    made = load_model(tmp_path / "o")
    assert made.normalisation.mean == pytest.approx((0.2, 0.3, 0.4))
    assert made.normalisation.std == pytest.approx((0.25, 0.25, 0.25))
    normalised = (images / 255 - torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)) / 0.25
    with torch.no_grad():
        assert close(made.network.module.eval()(normalised), transferred.logits(images))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--to, or --mean and --std, found neither"),
        (["--to", "catalog:imagenet", "--mean", "0.5", "--std", "0.5"], "--to, or --mean and --std, found both"),
        (["--mean", "0.5"], "both --mean and --std, or neither"),
        (["--mean", "123.7", "--std", "58.4"], "constants of 0..255 values: mean 123.7, std 58.4"),
    ],
)
def test_respec_is_told_the_new_normalisation_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    code, _, said = run(capsys, "respec", "timm:test_resnet", "--weights", "none", *options, "--out", str(tmp_path / "o"))
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert message in said
