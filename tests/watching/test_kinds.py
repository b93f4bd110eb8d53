"""Signals, rows, volumes, clips, bands and floats: what is found, what is right, and what is not judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

import tare
from tare.input_spec.spec import InputSpec

GENERATOR = torch.Generator().manual_seed(0)
FEATURES, BANDS = 12, 13


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=GENERATOR)


def smooth(batch: int, channels: int, *size: int) -> Tensor:
    mode = "bilinear" if len(size) == 2 else "trilinear"
    return nn.functional.interpolate(drawn(batch, channels, *(max(2, n // 6) for n in size)), size, mode=mode) * 1.5


class Kind:
    """Data of one kind: their constants, and raw batches, whose axis 1 holds channels until ``arranged``."""

    def __init__(self, mean: Tensor, std: Tensor, raw: Callable[[], Tensor], *, scale: float = 1.0, **stated: Any) -> None:
        self.mean, self.std, self.scale, self.raw = mean, std, scale, raw
        self.arranged: Callable[[Tensor], Tensor] = stated.pop("arranged", lambda x: x)
        names = ",".join(f"c{c}" for c in range(len(mean)))
        self.spec = InputSpec.of(mean.tolist(), std.tolist(), scale=scale, **{"channels": names, **stated})

    def normalised(self, x: Tensor, scale: float | None = None) -> Tensor:
        shape = (-1, *[1] * (x.ndim - 2))
        return (x * (self.scale if scale is None else scale) - self.mean.reshape(shape)) / self.std.reshape(shape)


def own(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return (x - x.mean(axes, keepdim=True)) / x.std(axes, keepdim=True)


ROWS = torch.linspace(-60, 80, FEATURES), torch.linspace(0.5, 20, FEATURES)
REFLECTANCE = torch.linspace(0.05, 0.35, BANDS), torch.linspace(0.03, 0.12, BANDS)
VIDEO = torch.tensor([0.43, 0.39, 0.37]), torch.tensor([0.22, 0.22, 0.21])


def reflectance() -> Tensor:
    values = smooth(12, BANDS, 40, 40) * REFLECTANCE[1][:, None, None] + REFLECTANCE[0][:, None, None]
    return (values * 1e4).clamp(0).round()


def signals() -> Tensor:
    return drawn(16, 2, 400) * SIGNAL[1][:, None] + SIGNAL[0][:, None]


def clips() -> Tensor:
    return (smooth(6, 3, 8, 40, 40) * 50 + 110).clamp(0, 255).round()


FLOATS: Any = {"raw_dtype": "float32"}
SIGNAL = torch.tensor([200.0, -3.0]), torch.tensor([300.0, 2.0])
KINDS = {
    "signals NCT": lambda: Kind(*SIGNAL, signals, layout="NCT", **FLOATS),
    "signals NTC": lambda: Kind(*SIGNAL, signals, layout="NTC", **FLOATS, arranged=lambda x: x.transpose(1, 2)),
    "rows": lambda: Kind(*ROWS, lambda: drawn(40, FEATURES) * ROWS[1] + ROWS[0], layout="NC", **FLOATS),
    "volumes": lambda: Kind(
        torch.tensor([-300.0]), torch.tensor([400.0]), lambda: smooth(8, 1, 16, 24, 24) * 500 - 300, layout="NCDHW", **FLOATS
    ),
    "volumes of an unstated layout": lambda: Kind(
        torch.tensor([-300.0]), torch.tensor([400.0]), lambda: smooth(8, 1, 16, 24, 24) * 500 - 300, **FLOATS
    ),
    "13 bands of DN": lambda: Kind(REFLECTANCE[0] * 1e4, REFLECTANCE[1] * 1e4, reflectance, raw_dtype="uint16"),
    "13 bands of reflectance": lambda: Kind(*REFLECTANCE, reflectance, scale=1e-4, raw_dtype="uint16"),
    "clips NCTHW": lambda: Kind(*VIDEO, clips, scale=1 / 255, raw_dtype="uint8", channels="RGB"),
    "clips NTCHW": lambda: Kind(
        *VIDEO, clips, scale=1 / 255, raw_dtype="uint8", channels="RGB", arranged=lambda x: x.transpose(1, 2)
    ),
}  # fmt: skip


def seen(kind: Kind, make: Callable[[Tensor], Tensor], batches: int = 3) -> Any:
    model = nn.Identity()
    with tare.watch(model, kind.spec, on_finding=lambda _: None) as watch:
        for _ in range(batches):
            model(kind.arranged(make(kind.raw())))
    return watch.report()


@pytest.mark.parametrize("name", KINDS)
def test_what_is_normalised_by_the_constants_is_clean(name: str) -> None:
    report = seen(kind := KINDS[name](), kind.normalised)
    assert (report.findings, report.clean) == ((), True)
    assert str(report).startswith("nothing found\n")
    assert report.stages[0].fits


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _, x: x, "TARE004"),
        (lambda k, x: k.normalised(k.normalised(x), 1.0), "TARE003"),
        (lambda _, x: own(x, tuple(range(1, x.ndim))), "TARE012"),
        (lambda _, x: own(x, (0, *range(2, x.ndim))), "TARE012"),
    ],
    ids=["never normalised", "normalised twice", "each sample by its own", "each batch by its own"],
)
def test_every_mistake_is_found_by_its_code(name: str, make: Callable[[Kind, Tensor], Tensor], code: str) -> None:
    report = seen(kind := KINDS[name](), lambda x: make(kind, x))
    assert [finding.code for finding in report.findings] == [code]
    assert report.clean is False


def test_signals_normalised_each_by_itself_in_each_channel_are_found() -> None:
    report = seen(KINDS["signals NCT"](), lambda x: own(x, (2,)))
    assert [finding.code for finding in report.findings] == ["TARE012"]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda k, x: x * k.scale, "TARE004"),
        (lambda k, x: k.normalised(x, 1.0), "TARE001"),
        (lambda k, x: k.normalised(x, k.scale**2), "TARE002"),
    ],
)
def test_a_scale_that_was_left_out_or_applied_twice_is_named(make: Callable[[Kind, Tensor], Tensor], code: str) -> None:
    report = seen(kind := KINDS["13 bands of reflectance"](), lambda x: make(kind, x))
    assert [(finding.code, finding.severity) for finding in report.findings] == [(code, "warning")]
    assert "judged by mean and std of the values alone" in report.findings[0].message


def test_all_rows_in_one_batch_are_no_batch_normalised_by_itself() -> None:
    rows = own(KINDS["rows"]().raw(), (0,))
    assert seen(KINDS["rows"](), lambda _: rows).clean is True


@pytest.mark.parametrize(("name", "batches", "reason"), [("rows", 0, "no batch"), ("signals NCT", 1, "too few samples: 4, and")])
def test_too_few_samples_judge_nothing(name: str, batches: int, reason: str) -> None:
    report = seen(kind := KINDS[name](), lambda x: kind.normalised(x)[:4], batches)
    assert report.clean is None
    assert reason in report.unjudged[0]
    assert f"not judged: {report.unjudged[0]}" in str(report)
    assert "nothing found" not in str(report)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64])
def test_rows_of_integers_are_not_judged(kind: torch.dtype) -> None:
    report = seen(KINDS["rows"](), lambda x: x.abs().to(kind))
    assert report.clean is not True
    assert report.unjudged


def test_constants_that_change_nothing_judge_nothing() -> None:
    kind = Kind(torch.zeros(3), torch.ones(3), lambda: drawn(16, 3, 8, 8), **FLOATS)
    report = seen(kind, lambda x: x)
    assert report.clean is None
    assert "the constants change values too little" in report.unjudged[0]


@pytest.mark.parametrize(("which", "clean"), [(None, None), (0, True)])
def test_the_second_of_a_pair_of_images_is_not_judged_unless_one_was_chosen(which: int | None, clean: bool | None) -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(BANDS, 2, 3)

        def forward(self, before: Tensor, after: Tensor) -> Tensor:
            difference: Tensor = self.layer(after) - self.layer(before)
            return difference

    kind = KINDS["13 bands of DN"]()
    with tare.watch(model := Pair(), kind.spec, on_finding=lambda _: None, input=which) as watch:
        for _ in range(3):
            model(kind.normalised(kind.raw()), kind.raw())
    report = watch.report()
    assert report.clean is clean
    assert [reason for reason in report.aside if "'1' was not looked at" in reason] == list(report.aside)
    assert len(report.aside) == (clean is None)


def test_volumes_normalised_each_by_itself_are_a_note_where_nobody_states_the_constants() -> None:
    model = nn.Sequential(nn.Conv3d(1, 2, 3))
    with tare.watch(model, on_finding=lambda _: None) as watch:
        for _ in range(3):
            model(own(KINDS["volumes"]().raw(), (1, 2, 3, 4)))
    report = watch.report()
    assert [(finding.code, finding.severity) for finding in report.findings] == [("TARE080", "note"), ("TARE012", "note")]
    assert report.clean is None


WAVES = InputSpec.of(
    (0.0,), (1.0,), scale=1.0, raw_dtype="float32", channels="wave", per_sample={"kind": "zscore", "over": "sample", "eps": 1e-7}
)


@pytest.mark.parametrize(
    ("make", "expected", "clean"),
    [
        (lambda x: own(x, (1,)), [], True),
        (lambda x: x * 0.01, ["TARE004"], False),
        (lambda x: x * 3000, ["TARE004"], False),
        (lambda x: nn.functional.pad(own(x, (1,)), (0, 900)), [], None),
    ],
)
def test_a_network_of_samples_normalised_each_by_itself_gets_just_that(
    make: Callable[[Tensor], Tensor], expected: list[str], clean: bool | None
) -> None:
    model = nn.Identity()
    with tare.watch(model, WAVES, on_finding=lambda _: None) as watch:
        model(make(drawn(16, 4000)))
    report = watch.report()
    assert ([finding.code for finding in report.findings], report.clean) == (expected, clean)


@pytest.mark.parametrize(
    ("make", "expected", "clean"),
    [(lambda x: (x - 2000) / 900, [], True), (lambda x: x, ["TARE004"], False), (lambda x: x / 1e4, [], None)],
)
def test_of_a_network_for_bands_made_of_one_for_colours_raw_values_are_told(
    make: Callable[[Tensor], Tensor], expected: list[str], clean: bool | None
) -> None:
    model = timm.create_model("test_resnet", in_chans=BANDS).eval()
    with tare.watch(model, on_finding=lambda _: None) as watch, torch.no_grad():
        model(make(reflectance()))
    report = watch.report()
    assert [finding.code for finding in report.findings if finding.fails] == expected
    assert report.clean is clean
