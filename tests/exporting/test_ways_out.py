"""What is served is what was trained: every way out of a run gives the answers of `tare predict`, or refuses.

Files are told apart by their names, and answers by the names of classes. Beside pictures there are those that decoders disagree
about: grey ones, alpha, palettes, other colours, EXIF orientation, animations, single pixels and lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn

import tare
from tare.datasets.image_batches import evaluation_transform
from tare.errors import TareError
from tare.exporting.api import export
from tare.exporting.card import card
from tare.input_spec.geometry import Geometry, RowGeometry, SignalGeometry
from tare.networks.stored.directory import load_model, save_model
from tare.networks.stored.folded import fold_to, respec_to
from tare.networks.stored.inputs import FoldRequest, RespecRequest
from tare.networks.stored.trained import TrainedModel, open_trained
from tare.normalisation.applied import EACH, Normalisation
from tare.predicting.pyfunc import Served
from tests.exporting.test_api import answers
from tests.images import random_rgb
from tests.tiny_run import CLASSES, MORE, tiny_number_run, tiny_run

Answers = Mapping[str, Sequence[float]]
NETWORKS = """
from torch import nn


def net(channels=3):
    body = nn.Conv2d(channels, 4, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    return nn.Sequential(*body, nn.Linear(16, 3))


def grey():
    return net(1)
"""
GEOMETRIES = {
    "centre": Geometry((24, 24), "bilinear", 0.9),
    "not square": Geometry((24, 32), "bicubic", 0.875),
    "squash": Geometry((24, 24), "bicubic", 1.0, "squash"),
    "border": Geometry((24, 24), "bilinear", 1.0, "border"),
    "edges": Geometry((24, 24), "bilinear", resize=(51, 47)),
    "rounded down": Geometry((24, 24), "bilinear", 0.9, offset="down"),
}
AFFINE = ("source", "none")


def pictures(folder: Path) -> list[Path]:
    """Images of many kinds, all of 8 bits."""
    folder.mkdir()
    values = random_rgb(3, 41, 53)
    picture = Image.fromarray(values)
    turned = Image.Exif()
    turned[0x0112] = 6
    with_alpha = Image.fromarray(np.dstack([values, values[..., 0]]))
    picture.save(folder / "plain.png")
    picture.save(folder / "plain.jpg", quality=95)
    picture.save(folder / "turned.png", exif=turned)
    with_alpha.save(folder / "alpha.png")
    with_alpha.convert("LA").save(folder / "grey with alpha.png")
    picture.convert("L").save(folder / "grey.png")
    picture.convert("1").save(folder / "bits.png")
    picture.convert("CMYK").save(folder / "four.tif")
    picture.quantize(16).save(folder / "palette.png", transparency=3)
    picture.quantize(16).save(folder / "moving.gif", save_all=True, append_images=[Image.fromarray(255 - values).quantize(16)])
    Image.fromarray(values[:1, :1]).save(folder / "pixel.png")
    Image.fromarray(values[:2, :31]).save(folder / "line.png")
    Image.fromarray(np.full_like(values, 255)).save(folder / "white.png")
    return sorted(folder.iterdir())


@dataclass(frozen=True)
class Way:
    """A run whose network the file ``factory`` builds, and the images that it is asked about."""

    run: Path
    factory: str
    files: Sequence[Path]
    out: Path

    @property
    def trained(self) -> TrainedModel:
        return open_trained(self.run, self.factory)

    @property
    def mode(self) -> str:
        return {"rgb": "RGB", "grey": "L"}[self.trained.colour]

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """What the page on exports tells to feed: pixels that Pillow alone decodes."""
        opened = {path.name: np.asarray(Image.open(path).convert(self.mode)) for path in self.files}
        return {name: values.reshape(*values.shape[:2], -1) for name, values in opened.items()}

    def sized(self) -> dict[str, torch.Tensor]:
        """The same of the network's size."""
        model = self.trained.model
        see = evaluation_transform(model.geometry, model.normalisation.border("uint8"))
        return {path.name: see(Image.open(path).convert(self.mode)) for path in self.files}

    def of_input(self, fed: Mapping[str, torch.Tensor], module: nn.Module | None = None) -> Answers:
        module = (self.trained.model.network.module if module is None else module).eval()
        with torch.no_grad():
            return {name: module(each[None]).softmax(dim=1)[0].tolist() for name, each in fed.items()}


def predicted(run: Path, files: Sequence[Path], factory: str | None, **options: Any) -> Answers:
    found = tare.predict(run, files, factory=factory, top=3, **options)
    assert [each.error for each in found] == [None] * len(files)
    return {Path(each.path).name: [dict(each.ranks)[name] for name in CLASSES] for each in found}


def of_graph(form: Any, options: Mapping[str, Any]) -> Callable[[Way], Answers]:
    def given(way: Way) -> Answers:
        made = export(way.run, form, way.out / f"{form} {len(options)}", factory=way.factory, **options)
        raw = way.arrays() if options.get("with_resize") else {k: v.permute(1, 2, 0).numpy() for k, v in way.sized().items()}
        return {
            name: answers(made.out, form, torch.from_numpy(np.ascontiguousarray(each)[None]))[0][0].tolist()
            for name, each in raw.items()
        }

    return given


def of_timm(way: Way) -> Answers:
    see = timm.data.create_transform(**timm.data.resolve_data_config({}, pretrained_cfg=way.trained.model.spec().to_timm()))
    return way.of_input({path.name: see(Image.open(path).convert(way.mode)) for path in way.files})


def of_transform(way: Way) -> Answers:
    see = tare.read_spec(way.run).transform()
    return way.of_input({path.name: see(Image.open(path)) for path in way.files})


def of_apply(way: Way) -> Answers:
    spec = tare.read_spec(way.run)
    return way.of_input({name: spec.apply(each) for name, each in way.sized().items()})


def of_transformers(way: Way) -> Answers:
    transformers = pytest.importorskip("transformers")
    export(way.run, "hf", way.out / "hf", factory=way.factory)
    processor = transformers.AutoImageProcessor.from_pretrained(way.out / "hf", local_files_only=True)
    opened = {path.name: Image.open(path).convert(way.mode) for path in way.files}
    return way.of_input({name: processor(each, return_tensors="pt")["pixel_values"][0] for name, each in opened.items()})


def of_fold(way: Way) -> Answers:
    fold_to(FoldRequest(str(way.run), way.out / "folded", factory=way.factory, takes="uint8"))
    module = load_model(way.out / "folded", way.factory).network.module
    return way.of_input(way.sized(), module)


def of_respec(way: Way) -> Answers:
    respec_to(RespecRequest(str(way.run), way.out / "other", factory=way.factory, mean=(0.3,), std=(0.2,)))
    module = load_model(way.out / "other", way.factory).network.module
    return way.of_input({name: (each / 255 - 0.3) / 0.2 for name, each in way.sized().items()}, module)


def of_card(way: Way) -> Answers:
    """By the formula and the table of the card alone."""
    text = card(way.trained, [], None)
    formula = re.search(r"reaches the network as (.+)\.\n", text)
    if formula is None:
        raise TareError("a formula", "none", "")
    rows = [line.strip("|").split("|")[1:] for line in text.splitlines() if re.match(r"\| (red|green|blue|grey) \|", line)]
    columns = dict(zip(("mean", "std", "low", "high"), np.array(rows, float).T[..., None, None], strict=False))
    known = {"clip": np.clip, "log1p": np.log1p, "log10": np.log10, **columns}
    fed = {name: eval(formula[1], {}, {**known, "v": each.double().numpy()}) for name, each in way.sized().items()}  # noqa: S307
    return way.of_input({name: torch.from_numpy(each).float() for name, each in fed.items()})


def of_mlflow(way: Way) -> Answers:
    served = Served(way.trained)
    return {name: served.predict(each[None])[0].tolist() for name, each in way.arrays().items()}


QUICK: Mapping[str, Callable[[Way], Answers]] = {
    "one by one": lambda way: predicted(way.run, way.files, way.factory, batch_size=1),
    "by three readers": lambda way: predicted(way.run, way.files[::-1], way.factory, batch_size=5, workers=3),
    "apply": of_apply,
    "transform": of_transform,
    "timm": of_timm,
    "card": of_card,
    "mlflow": of_mlflow,
}
LONG: Mapping[str, Callable[[Way], Answers]] = {
    "torchscript": of_graph("torchscript", {"output": "probabilities"}),
    "fold": of_fold,
    "respec": of_respec,
    "transformers": of_transformers,
    "torchscript with resize": of_graph("torchscript", {"output": "probabilities", "with_resize": True}),
    "onnx": of_graph("onnx", {"output": "probabilities"}),
    "onnx with resize": of_graph("onnx", {"output": "probabilities", "with_resize": True}),
    "pt2": of_graph("pt2", {"output": "probabilities"}),
}
#: The only ways that may refuse what is more than a mean and std, and what each geometry is refused by.
OF_CONSTANTS = {"transform", "timm", "transformers", "fold", "respec"}
REFUSED = {
    "border": {"fold", "respec", "torchscript with resize", "onnx with resize"},
    "edges": {"timm", "transformers"},
    "rounded down": {"timm", "transformers"},
}


def way_of(root: Path, strategy: str, geometry: Geometry, grey: bool = False) -> Way:
    (root / "net.py").write_text(NETWORKS)
    factory = f"{root / 'net.py'}:{'grey' if grey else 'net'}"
    run = (
        tiny_run(root, strategy, reference=factory, geometry=geometry, with_data=False) if not grey else _grey_run(root, factory)
    )
    return Way(run, factory, pictures(root / "files"), root)


def _grey_run(root: Path, factory: str) -> Path:
    from tare.networks.loading import load_network
    from tare.networks.network import with_head
    from tare.networks.stored.directory import TransferredModel

    network = with_head(load_network(factory, "none"), 3, seed=0)
    model = TransferredModel(network, Normalisation("source", (0.4,), (0.2,)), GEOMETRIES["centre"], CLASSES)
    save_model(root / "run" / "model", model, source_spec=network.spec, target_stats=None, evidence={})
    (root / "run" / "run.json").write_text(json.dumps({"schema": "tare.run/1", "settings": {}}))
    return root / "run"


def check(way: Way, ways: Mapping[str, Callable[[Way], Answers]], may_refuse: set[str]) -> None:
    expected = predicted(way.run, way.files, way.factory)
    assert np.ptp(list(expected.values()), axis=0).max() > 1e-3  # the network does tell the images apart
    for name, answered in ways.items():
        try:
            given = answered(way)
        except TareError:
            assert name in may_refuse, name
            continue
        assert set(given) == set(expected)
        for file, values in expected.items():
            assert given[file] == pytest.approx(values, abs=2e-5), (name, file)


@pytest.mark.parametrize("strategy", ["source", "sample", *MORE])
def test_every_way_out_gives_the_answers_of_predict(tmp_path: Path, strategy: str) -> None:
    refused = set() if strategy in AFFINE else OF_CONSTANTS | ({"card"} if "sample" in strategy else set())
    check(way_of(tmp_path, strategy, GEOMETRIES["centre"]), QUICK, refused)


@pytest.mark.parametrize("geometry", [name for name in GEOMETRIES if name != "centre"])
def test_every_way_out_resizes_and_crops_as_predict_does(tmp_path: Path, geometry: str) -> None:
    ways = {name: QUICK[name] for name in ("apply", "transform", "mlflow")}
    check(way_of(tmp_path, "source", GEOMETRIES[geometry]), ways, set())


def test_every_way_out_of_a_grey_network(tmp_path: Path) -> None:
    check(way_of(tmp_path, "source", GEOMETRIES["centre"], grey=True), QUICK, set())


@pytest.mark.long
@pytest.mark.parametrize("case", ["grey", *(f"source, {name}" for name in GEOMETRIES), "sample", *MORE])
def test_graphs_folds_and_processors_give_the_answers_of_predict(tmp_path: Path, case: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    strategy, _, name = case.partition(", ")
    geometry = GEOMETRIES[name or "centre"]
    refused = (set() if strategy in ("source", "grey") else OF_CONSTANTS) | REFUSED.get(name, set())
    check(way_of(tmp_path, "source" if case == "grey" else strategy, geometry, case == "grey"), LONG, refused)


def _number_ways(run: Path, raw: np.ndarray[Any, Any], out: Path, *, onnx: bool) -> dict[str, np.ndarray[Any, Any]]:
    """The probabilities of the classes by every way; NaN for a sample that is refused."""
    np.save(out / "samples.npy", raw)
    found = tare.predict(run, out / "samples.npy", top=2, layout="NTC" if raw.ndim == 3 else None)
    given = {"predict": [[dict(each.ranks).get(name, np.nan) for name in ("high", "low")] for each in found]}
    ones = tare.predict(run, out / "samples.npy", top=2, layout="NTC" if raw.ndim == 3 else None, batch_size=1, workers=2)
    given["one by one"] = [[dict(each.ranks).get(name, np.nan) for name in ("high", "low")] for each in ones]
    served, rows = Served(open_trained(run)), []
    for each in raw:
        try:
            rows.append(served.predict(each[None])[0].tolist())
        except TareError:
            rows.append([np.nan, np.nan])
    given["mlflow"] = rows
    resized = {"with_resize": True} if raw.ndim == 3 else {}
    for form in ("torchscript", "onnx")[: 1 + onnx]:
        export(run, form, out / form, output="probabilities", **resized)  # type: ignore[arg-type]
        given[form] = answers(out / form, form, torch.from_numpy(raw))[0].tolist()
    return {name: np.array(values) for name, values in given.items()}


_ROWS = RowGeometry(("a", "b", "c"))


@pytest.mark.parametrize("strategy", ["target", "bounds", "log1p"])
@pytest.mark.parametrize("onnx", [False, pytest.param(True, marks=pytest.mark.long)])
def test_rows_are_answered_alike_and_those_with_gaps_by_no_way(tmp_path: Path, strategy: str, onnx: bool) -> None:
    if onnx:
        pytest.importorskip("onnxruntime")
    run = tiny_number_run(tmp_path, _ROWS)
    more = {"bounds": {"clip": ((1.9, 2.5),) * 3}, "log1p": {"value_map": "log1p"}}.get(strategy, {})
    _renormalised(run, Normalisation(strategy, (2.0, 2.2, 2.4), (0.2, 0.3, 0.4), **more))  # type: ignore[arg-type]
    raw = np.random.default_rng(0).normal(2.2, 0.5, (7, 3))
    raw[2, 1], raw[5, 0] = np.nan, np.inf
    _check_numbers(_number_ways(run, raw, tmp_path, onnx=onnx), {2, 5})


@pytest.mark.parametrize("strategy", ["target", "sample", "bounds", "sample-percentile"])
@pytest.mark.parametrize(
    ("steps", "onnx"), [(20, False), (51, False), *(pytest.param(n, True, marks=pytest.mark.long) for n in (20, 51))]
)
def test_signals_are_answered_alike_and_those_with_gaps_by_no_way(tmp_path: Path, strategy: str, steps: int, onnx: bool) -> None:
    """Shorter than the network's length, a little longer, and longer."""
    if onnx:
        pytest.importorskip("onnxruntime")
    pad = None if "sample" in strategy else (0.1, 0.2)
    run = tiny_number_run(tmp_path, SignalGeometry(30, pad), "sample" if pad is None else "target")
    own: dict[str, dict[str, Any]] = {
        "sample": {"per_sample": EACH},
        "bounds": {"clip": ((-1.0, 1.0),) * 2},
        "sample-percentile": {"per_sample": MORE["sample-percentile"].per_sample, "clip": ((0.0, 1.0),) * 2},
    }
    more = own.get(strategy, {})
    constants = ((0.0, 0.0), (1.0, 1.0)) if pad is None else ((0.1, 0.2), (0.5, 1.0))
    _renormalised(run, Normalisation(strategy, *constants, **more))  # type: ignore[arg-type]
    raw = np.random.default_rng(1).normal(0.3, 1.0, (6, steps, 2)).astype(np.float32)
    raw[1, 0, 0], raw[3, steps // 2, 1], raw[4] = np.nan, np.inf, 0.25  # at the edge, in the middle, and a constant signal
    _check_numbers(_number_ways(run, raw, tmp_path, onnx=onnx), {1, 3})


def _renormalised(run: Path, chosen: Normalisation) -> None:
    model = replace(open_trained(run).model, normalisation=chosen)
    save_model(run / "model", model, source_spec=model.network.spec, target_stats=None, evidence={})


def _check_numbers(given: Mapping[str, np.ndarray[Any, Any]], refused: set[int]) -> None:
    expected = given["predict"]
    assert set(np.flatnonzero(np.isnan(expected).any(axis=1))) == refused
    for name, values in given.items():
        np.testing.assert_allclose(values, expected, rtol=0, atol=2e-5, err_msg=name)
