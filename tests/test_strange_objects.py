"""Every public function is handed objects of every kind: it takes them, or says in one line what it wants instead."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import tare


class Broken:
    @property
    def shape(self) -> Any:
        raise RuntimeError("no shape")

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        raise OSError("disk")


class Refusing:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise ValueError("no array")


class Failing(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        raise ValueError("bad")


async def coroutine() -> None:
    """Is never awaited."""


def picture(*, truncated: bool) -> Image.Image:
    """A Pillow image that is closed, or whose file ends early."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    image = Image.open(io.BytesIO(file.getvalue()[:-2000] if truncated else file.getvalue()))
    if not truncated:
        image.close()
    return image


def closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


def in_itself() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


def fake() -> torch.Tensor:
    with FakeTensorMode():
        return torch.rand(4, 3, 8, 8)


def complex_numbers() -> torch.Tensor:
    return torch.rand(8, 2, dtype=torch.complex64)


TENSORS: dict[str, Callable[[], Any]] = {
    "sparse": lambda: torch.eye(3).to_sparse(),
    "csr": lambda: torch.eye(3).to_sparse_csr(),
    "meta": lambda: torch.empty(3, 2, device="meta"),
    "quantised": lambda: torch.quantize_per_tensor(torch.rand(4, 2), 0.1, 0, torch.quint8),
    "complex": complex_numbers,
    "conjugated": lambda: torch.conj(complex_numbers()),
    "negated": lambda: torch.conj(complex_numbers()).imag,
    "nested": lambda: torch.nested.nested_tensor([torch.ones(3), torch.ones(4)]),
    "jagged": lambda: torch.nested.nested_tensor([torch.ones(3), torch.ones(4)], layout=torch.jagged),
    "fake": fake,
    "uninitialised": nn.parameter.UninitializedBuffer,
    "masked": lambda: torch.masked.masked_tensor(torch.ones(4, 3), torch.ones(4, 3).bool()),
    "8-bit floats": lambda: torch.rand(8, 2).to(torch.float8_e4m3fn),
    "bfloat16": lambda: torch.rand(8, 2).bfloat16(),
    "one number": lambda: torch.tensor(1.0),
    "empty": lambda: torch.empty(0, 3),
    "a list of sparse": lambda: [torch.eye(3).to_sparse()],
    "a list of meta": lambda: [torch.empty(3, 8, 8, device="meta")],
}
OBJECTS: dict[str, Callable[[], Any]] = {
    **TENSORS,
    "None": lambda: None,
    "3": lambda: 3,
    "a huge number": lambda: 10**400,
    "NaN": lambda: float("nan"),
    "True": lambda: True,
    "x": lambda: "x",
    "no text": lambda: "",
    "a zero byte": lambda: "a\0b",
    "no character": lambda: "\udcff",
    "a long text": lambda: "x" * 5000,
    "bytes": lambda: b"abc",
    "{}": dict,
    "a dictionary": lambda: {"a": 1},
    "a set": lambda: {1, 2},
    "a generator": lambda: (each for each in (1, 2)),
    "a function": lambda: coroutine,
    "a type": lambda: int,
    "a module": lambda: os,
    "an object": object,
    "a closed file": closed,
    "a closed image": lambda: picture(truncated=False),
    "a truncated image": lambda: picture(truncated=True),
    "a list of a closed image": lambda: [picture(truncated=False)],
    "what raises": Broken,
    "what refuses": Refusing,
    "a dataset that raises": Failing,
    "a loader that raises": lambda: torch.utils.data.DataLoader(Failing()),
    "objects": lambda: np.array([object(), None]),
    "texts": lambda: np.array(["a", "b"]),
    "unequal": lambda: [np.ones(3), np.ones((2, 2))],
    "[None]": lambda: [None],
    "mixed": lambda: [1, "a"],
    "[]": list,
    "()": tuple,
    "void": lambda: np.zeros(3, dtype="V8"),
    "dates": lambda: np.array(["2020-01-01"], dtype="M8[D]"),
    "records": lambda: np.zeros(3, dtype=[("a", int)]),
    "masked values": lambda: np.ma.masked_array(np.ones((8, 2)), mask=True),
    "complex array": lambda: np.ones((8, 2), complex),
    "[huge]": lambda: [10**400],
    "in itself": in_itself,
    "deep": deep,
}


@cache
def parts() -> dict[str, Any]:
    data = np.random.default_rng(0).integers(0, 256, (32, 3, 8, 8), dtype=np.uint8)
    reference = tare.Reference.of(data)
    return {
        "data": data,
        "stats": tare.measure(data),
        "reference": reference,
        "monitor": tare.Monitor(reference),
        "spec": tare.InputSpec.of((0.5,) * 3, (0.2,) * 3, raw_dtype="uint8", layout="NCHW", channels="RGB"),
        "net": nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval(),
        "rows": np.random.default_rng(1).random((20, 3)),
    }


def the(name: str) -> Any:
    return parts()[name]


#: What a study without data is: the digits that scikit-learn brings, and no more of them than a study needs.
SMALL: dict[str, Any] = {"seeds": 2, "sizes": [10], "strategies": ["source", "target"], "shifts": ["content"]}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "measure": tare.measure,
    "compare": lambda thing: tare.compare(thing, the("stats")),
    "compare with": lambda thing: tare.compare(the("stats"), thing),
    "drift": lambda thing: tare.drift(thing, the("data")),
    "drift of": lambda thing: tare.drift(the("reference"), thing),
    "Reference.of": tare.Reference.of,
    "Reference.of options": lambda thing: tare.Reference.of(the("data"), thing),
    "Reference.of nodata": lambda thing: tare.Reference.of(the("data"), nodata=thing),
    "Reference.load": tare.Reference.load,
    "Monitor": tare.Monitor,
    "Monitor.update": lambda thing: the("monitor").update(thing),
    "Normaliser": lambda thing: tare.Normaliser(thing, thing, raw_dtype="uint8"),
    "Normaliser raw_dtype": lambda thing: tare.Normaliser((0.5,), (0.2,), raw_dtype=thing),
    "Normaliser.from_spec layout": lambda thing: tare.Normaliser.from_spec(the("spec"), layout=thing),
    "Normaliser.from_spec": tare.Normaliser.from_spec,
    "Normaliser.from_stats": tare.Normaliser.from_stats,
    "Standardiser source": lambda thing: tare.Standardiser(strategy="source", source=thing).fit(the("rows")),
    "Standardiser.from_stats": tare.Standardiser.from_stats,
    "watch": lambda thing: tare.watch(thing, the("spec")).remove(),
    "watch spec": lambda thing: tare.watch(the("net"), thing).remove(),
    "watch data": lambda thing: tare.watch(the("net"), the("spec"), data=thing).remove(),
    "watch monitor": lambda thing: tare.watch(the("net"), the("spec"), monitor=thing).remove(),
    "watch batches": lambda thing: tare.watch(the("net"), the("spec"), batches=thing).remove(),
    "watch every": lambda thing: tare.watch(the("net"), the("spec"), every=thing).remove(),
    "fold": lambda thing: tare.fold(thing, the("spec")),
    "fold spec": lambda thing: tare.fold(the("net"), thing),
    "fold shape": lambda thing: tare.fold(the("net"), the("spec"), shape=thing),
    "respec": lambda thing: tare.respec(the("net"), the("spec"), thing),
    "identify": lambda thing: tare.identify(checkpoint=thing, data=the("data"), model="timm:test_resnet"),
    "identify data": lambda thing: tare.identify(checkpoint="no.pth", data=thing, model="timm:test_resnet"),
    "identify model": lambda thing: tare.identify(checkpoint="no.pth", data=the("data"), model=thing),
    "read_spec": tare.read_spec,
    "spec": tare.spec,
    "check": lambda thing: tare.check(thing, the("net")),
    "check against": lambda thing: tare.check(the("net"), thing),
    "check_code": tare.check_code,
    "load_model": tare.load_model,
    "predict": lambda thing: tare.predict(thing, "x"),
    "export": lambda thing: tare.export(thing, "onnx", out="no"),
    "report": tare.report,
    "advise": lambda thing: tare.advise(thing, the("net")),
    "advise model": lambda thing: tare.advise(the("data"), thing),
    "explain": tare.explain,
    "transfer": lambda thing: tare.transfer("timm:test_resnet", thing, out="no", weights="none"),
    "transfer model": lambda thing: tare.transfer(thing, "empty", out="no", weights="none"),
    "study": lambda thing: tare.study(thing, out="no", **SMALL),
    "study data": lambda thing: tare.study(data=thing, out="no", **SMALL),
    "DatasetStats.load": tare.DatasetStats.load,
    "DatasetStats.from_json": tare.DatasetStats.from_json,
    "InputSpec.from_json": tare.InputSpec.from_json,
    "InputSpec.load": tare.InputSpec.load,
    "InputSpec.from_hf": tare.InputSpec.from_hf,
    "InputSpec.from_hf fields": lambda thing: tare.InputSpec.from_hf(
        dict.fromkeys(("image_mean", "rescale_factor", "size"), thing)
    ),
    "InputSpec.from_timm": tare.InputSpec.from_timm,
    "InputSpec.from_timm fields": lambda thing: tare.InputSpec.from_timm(dict.fromkeys(("mean", "std", "input_size"), thing)),
    "InputSpec.of": lambda thing: tare.InputSpec.of(thing, thing),
    "InputSpec.apply": lambda thing: the("spec").apply(thing),
}

#: These say what they want of rows as scikit-learn does, by ValueError and TypeError.
OF_SKLEARN: dict[str, Callable[[Any], Any]] = {
    "Standardiser.fit": lambda thing: tare.Standardiser().fit(thing),
    "Standardiser.transform": lambda thing: tare.Standardiser().fit(the("rows")).transform(thing),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and NumPy, about their own objects
        yield


def wrong(function: Callable[[Any], Any], named: str, accepted: tuple[type[Exception], ...]) -> str:
    thing = OBJECTS[named]()
    try:
        function(thing)
    except tare.TareError as error:
        said = str(error)
        return f"{named}: {said!r}" if "\n" in said or len(said) > 2500 or not error.remedy else ""
    except accepted:
        return ""
    except Exception as error:
        return f"{named}: {type(error).__name__}: {error}"
    return ""


#: These take seconds.
SLOW = {"drift of", "transfer"}


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.long] if each in SLOW else []) for each in (*FUNCTIONS, *OF_SKLEARN)]
)
def test_a_function_takes_it_or_says_what_it_wants(name: str) -> None:
    accepted: tuple[type[Exception], ...] = () if name in FUNCTIONS else (ValueError, TypeError)
    function = FUNCTIONS.get(name) or OF_SKLEARN[name]
    assert [found for each in OBJECTS if (found := wrong(function, each, accepted))] == []


@pytest.mark.parametrize(
    "named", [name for name in OBJECTS if name not in ("in itself", "deep")]
)  # which torch itself walks without end
def test_a_normaliser_takes_it_or_says_what_it_wants(named: str) -> None:
    layer = tare.Normaliser((0.5,) * 3, (0.2,) * 3, raw_dtype="uint8")
    assert not wrong(layer, named, ())


@pytest.mark.parametrize("named", ["sparse", "meta", "quantised", "complex", "conjugated", "nested", "jagged", "fake", "masked"])
def test_what_is_no_plain_tensor_is_refused_with_what_makes_it_one(named: str) -> None:
    for read in (tare.measure, tare.Monitor(the("reference")).update):
        with pytest.raises(tare.TareError, match=r"expected a dense tensor of real numbers, found a .*; (pass|make|run) "):
            read(TENSORS[named]())


def test_a_negated_view_has_the_values_that_it_shows() -> None:
    negated = TENSORS["negated"]()
    assert negated.is_neg()
    assert tare.measure(negated).mean == tare.measure(negated.resolve_neg()).mean
