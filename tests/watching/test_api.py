"""What a watch finds in batches, what it says, and when it stays silent."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import tare
from tare.errors import InputError, SpecError, TareWarning
from tare.input_spec.spec import InputSpec, Unknown
from tests.made_stats import stated_stats
from tests.watched import MEAN, SPEC, STD, Net, blurred, codes, normalised, raw_images, right, unit, warned

UNITS = unit(raw_images(24))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))

MISTAKES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "0..255 without normalisation": (lambda u: u * 255, "TARE004"),
    "[0, 1] without normalisation": (lambda u: u, "TARE004"),
    "0..255 normalised": (lambda u: normalised(u * 255), "TARE001"),
    "divided twice": (lambda u: normalised(u / 255), "TARE002"),
    "normalised twice": (lambda u: normalised(normalised(u)), "TARE003"),
    "CLIP's constants": (lambda u: normalised(u, *CLIP), "TARE005"),
    "Inception's constants": (lambda u: normalised(u, (0.5,) * 3, (0.5,) * 3), "TARE005"),
    "mean and std exchanged": (lambda u: normalised(u, STD, MEAN), "TARE006"),
    "mean as std": (lambda u: normalised(u, MEAN, MEAN), "TARE007"),
    "flipped after Normalize": (lambda u: normalised(u).flip(1), "TARE008"),
    "nobody's constants": (lambda u: normalised(u, (0.3, 0.5, 0.2), (0.4, 0.2, 0.3)), "TARE010"),
    "divided by 65535": (lambda u: normalised(u * 255 / 65535), "TARE011"),
    "scaled by each maximum": (lambda u: normalised(u / u.amax((1, 2, 3), keepdim=True)), "TARE012"),
    "z-scored by image": (lambda u: (u - u.mean((1, 2, 3), keepdim=True)) / u.std((1, 2, 3), keepdim=True), "TARE012"),
    "variance for std": (lambda u: normalised(u, MEAN, [s * s for s in STD]), "TARE044"),
    "one channel": (lambda u: normalised(u)[:, :1], "TARE031"),
    "channels last": (lambda u: normalised(u).permute(0, 2, 3, 1), "TARE033"),
    "float64": (lambda u: normalised(u).double(), "TARE034"),
    "NaN": (lambda u: normalised(u).masked_fill(u > 0.99, float("nan")), "TARE035"),
    "Inf": (lambda u: normalised(u).masked_fill(u > 0.99, float("inf")), "TARE035"),
}
GROSS = ["0..255 without normalisation", "[0, 1] without normalisation", "0..255 normalised", "divided twice", "normalised twice"]
FINE = ["CLIP's constants", "Inception's constants", "mean and std exchanged", "flipped after Normalize"]


def dimmed(units: Tensor) -> Tensor:
    """Each image darkened by its own share, in whole 8-bit levels: no image reaches white."""
    shares = torch.linspace(0.55, 0.95, len(units))[:, None, None, None]
    return (units * shares * 255).round() / 255


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_found_by_its_code_and_nothing_else_is(name: str) -> None:
    make, code = MISTAKES[name]
    assert codes(make(dimmed(UNITS) if code == "TARE012" else UNITS)) == [code]


@pytest.mark.parametrize("name", [*GROSS, "CLIP's constants", "divided by 65535", "variance for std"])
def test_a_mistake_in_a_part_of_the_images_is_found_and_counted(name: str) -> None:
    make, code = MISTAKES[name]
    batch = normalised(UNITS)
    batch[::3] = make(UNITS)[::3]
    assert codes(batch) == [code]


@pytest.mark.parametrize("name", GROSS)
def test_gross_mistakes_show_without_a_grid_as_warnings_that_say_what_they_rest_on(name: str) -> None:
    make, code = MISTAKES[name]
    model = nn.Identity()
    watch = tare.watch(model, SPEC, on_finding=lambda _: None)
    model(blurred(make(UNITS)))
    (finding,) = watch.findings
    assert (finding.code, finding.severity) == (code, "warning")
    assert "judged by the range of the values alone" in finding.message


@pytest.mark.parametrize("name", FINE)
def test_what_range_and_moments_cannot_show_is_not_reported(name: str) -> None:
    assert codes(blurred(MISTAKES[name][0](UNITS))) == []


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [1, 3, 24])
@pytest.mark.parametrize("change", [lambda x: x, blurred, Tensor.half, Tensor.bfloat16, lambda x: x.flip(0) * 0.4 + x * 0.6])
def test_right_batches_are_silent(change: Callable[[Tensor], Tensor], size: int, training: bool) -> None:
    assert codes(change(normalised(UNITS)), size=size, training=training) == []


@pytest.mark.parametrize("size", [1, 2, 8])
def test_images_of_which_each_has_a_brightness_of_its_own_are_silent(size: int) -> None:
    factors = torch.rand(24, 1, 1, 1, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.6
    assert codes(normalised((UNITS * factors).clamp(0, 1)), size=size, training=True) == []


@given(st.tuples(*[st.floats(0, 1)] * 3), st.tuples(*[st.floats(0.05, 1)] * 3), st.integers(0, 5))
@settings(max_examples=25)
def test_right_batches_are_silent_for_any_constants(mean: tuple[float, ...], std: tuple[float, ...], seed: int) -> None:
    raw = raw_images(8, seed=seed)
    assert codes(normalised(unit(raw), mean, std), InputSpec.of(mean, std, raw_dtype="uint8")) == []


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(16, 3, 32, 32),
        torch.ones(16, 3, 32, 32),
        UNITS.round(),
        UNITS[:, :1].round().expand(-1, 3, -1, -1),
    ],
)
def test_black_white_and_binary_images_are_silent(images: Tensor) -> None:
    assert codes(normalised(images)) == []


def test_dark_images_are_no_mistake() -> None:
    assert codes(normalised((UNITS * 20).round() / 255)) == []


def test_the_message_has_the_numbers_and_the_place_and_comes_once() -> None:
    model = Net()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tare.watch(model)
        for _ in range(5):
            model(UNITS)
    (text,) = warned(caught)
    assert text.startswith("training batch 1: TARE004 error: values of [0, 1] reach the network without normalisation")
    assert "arrives as 0..1, and the network was trained with -2.1179..2.2489" in text


def test_raise_stops_at_the_first_wrong_batch() -> None:
    model = Net()
    tare.watch(model, on_finding="raise")
    with pytest.raises(InputError, match="expected the input that the network was trained on, found training batch 1: TARE004"):
        model(UNITS)


def test_a_function_gets_each_finding_once_and_may_look_at_the_watch() -> None:
    model, got = Net(), []
    watch = tare.watch(model, on_finding=lambda finding: got.append((finding.code, len(watch.findings))))
    for _ in range(10):
        model(UNITS)
    assert got == [("TARE004", 1)]


def test_what_the_function_raises_reaches_the_loop() -> None:
    def fail(_: object) -> None:
        raise KeyError("mine")

    model = Net()
    tare.watch(model, on_finding=fail)
    with pytest.raises(KeyError, match="mine"):
        model(UNITS)


def test_a_network_that_states_nothing_is_watched_without_constants_which_is_said_once() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    with pytest.warns(TareWarning, match="TARE080 note: mean and std and scale and channels of Sequential are unknown"):
        watch = tare.watch(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(UNITS)
        model(UNITS * 255)
    report = watch.report()
    assert report.clean is None
    assert str(report).splitlines()[1].startswith("not judged: train: the network's mean is unknown: the network states nothing")
    assert json.loads(json.dumps(report.to_json()))["clean"] is None


@pytest.mark.parametrize("name", ["z-scored by image", "scaled by each maximum", "NaN", "float64", "channels last"])
def test_without_constants_nan_form_and_scaling_by_own_values_are_found(name: str) -> None:
    make, code = MISTAKES[name]
    model = nn.Sequential(nn.Conv2d(3, 2, 3))
    watch = tare.watch(model, on_finding=lambda _: None)
    plain = dimmed(UNITS) / dimmed(UNITS).amax((1, 2, 3), keepdim=True)
    with pytest.raises(RuntimeError) if name in ("float64", "channels last") else warnings.catch_warnings():
        model(plain if name == "scaled by each maximum" else make(UNITS))
    assert [finding.code for finding in watch.findings if finding.fails] == [code]


def test_the_spec_is_read_from_whatever_names_it() -> None:
    model = nn.Identity()
    watch = tare.watch(model, {"input_size": (3, 8, 8), "mean": CLIP[0], "std": CLIP[1]}, on_finding=lambda _: None)
    model(normalised(UNITS, *CLIP))
    assert watch.report().stages[0].fits


def test_own_statistics_are_no_mistake_if_they_are_named() -> None:
    stats = stated_stats((0.3, 0.5, 0.2), (0.4, 0.2, 0.3))
    for data, expected in ((None, ["TARE010"]), (stats, [])):
        model = Net()
        with tare.watch(model, data=data, on_finding=lambda _: None) as watch:
            model(normalised(UNITS, (0.3, 0.5, 0.2), (0.4, 0.2, 0.3)))
        assert [finding.code for finding in watch.findings] == expected


def test_constants_rounded_to_three_digits_are_the_same() -> None:
    spec = InputSpec.of(*CLIP, raw_dtype="uint8")
    assert codes(normalised(UNITS, (0.481, 0.458, 0.408), (0.269, 0.261, 0.276)), spec) == []


def test_of_images_without_black_and_white_only_the_std_is_certain() -> None:
    middle = (UNITS * 100 + 80).round() / 255
    model = nn.Identity()
    with tare.watch(model, SPEC, on_finding=lambda _: None) as watch:
        model(normalised(middle, (0.3, 0.5, 0.2), (0.4, 0.2, 0.3)))
    (finding,) = watch.findings
    assert finding.code == "TARE010"
    assert "which amounts to a std of (0.4, 0.2, 0.3), not (0.229, 0.224, 0.225)" in finding.message


@pytest.mark.parametrize("inside", ["sequential", "attribute"])
def test_a_network_that_normalises_inside_expects_unit_values(inside: str) -> None:
    from torchvision.transforms import v2

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.normalise, self.net = v2.Normalize(MEAN, STD), Net()

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.net(self.normalise(x))
            return result

    for values, expected in ((UNITS, []), (normalised(UNITS), ["TARE003"]), (UNITS * 255, ["TARE001"])):
        model = nn.Sequential(v2.Normalize(MEAN, STD), Net()) if inside == "sequential" else Wrapped()
        with tare.watch(model, on_finding=lambda _: None) as watch:
            model(values)
        assert [finding.code for finding in watch.findings] == expected


class Prepares(nn.Module):
    """A network that changes its input before it normalises it."""

    def __init__(self, prepare: Any) -> None:
        super().__init__()
        from torchvision.transforms import v2

        self.prepare, self.normalise, self.net = prepare, v2.Normalize(MEAN, STD), Net()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.net(self.normalise(self.prepare(x)))
        return result


class Compares(nn.Module):
    """A network whose loss normalises, and whose first registered layer is not the first that is applied."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.transforms import v2

        self.norm, self.loss = nn.InstanceNorm2d(8), nn.Sequential(v2.Normalize(MEAN, STD), nn.Conv2d(3, 4, 3))
        self.first = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(self.first(x))
        return result


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda: Prepares(lambda x: x / 255), UNITS * 255),
        (lambda: Prepares(lambda x: (x + 1) / 2), UNITS * 2 - 1),
        (Compares, UNITS * 2 - 1),
        (Compares, normalised(UNITS)),
    ],
)
@pytest.mark.filterwarnings("ignore:TARE080")
def test_right_input_of_a_network_that_does_more_than_normalise_is_no_mistake(
    make: Callable[[], nn.Module], values: Tensor
) -> None:
    model = make()
    with tare.watch(model, on_finding="raise") as watch:
        model(values)
    report = watch.report()
    assert report.clean is None
    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("TARE080", "note")
    assert "take its input as it is" in finding.message


@pytest.mark.parametrize("values", [UNITS, UNITS * 255, normalised(UNITS)])
def test_a_network_that_normalises_each_sample_inside_takes_any_scale(values: Tensor) -> None:
    model = nn.Sequential(nn.InstanceNorm2d(3), Net())
    with tare.watch(model, on_finding=lambda _: None) as watch:
        model(values)
    (finding,) = watch.findings
    assert finding.code == "TARE080"
    assert "it normalises each sample inside" in finding.message


def test_bytes_are_left_to_the_network_that_takes_them() -> None:
    class Bytes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return normalised(x / 255)

    model = Bytes()
    with tare.watch(model, SPEC, on_finding="raise") as watch:
        model(raw_images())
    report = watch.report()
    assert report.clean is None
    assert report.unjudged == ("train: bytes arrive, and what the network makes of them is not seen",)
    assert report.stages[0].dtype == "uint8"
    assert report.notes == ("bytes arrive: the network scales them itself, and only their shape is looked at",)


class TakesNames(nn.Module):
    def forward(self, input_ids: Any = None, pixel_values: Any = None, **others: Any) -> Any:
        return pixel_values if pixel_values is not None else (input_ids or others)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda m, x: m(pixel_values=x), "pixel_values"),
        (lambda m, x: m(torch.ones(2, 5, dtype=torch.long), x), "1"),
        (lambda m, x: m({"labels": torch.ones(3), "pixel_values": x, "mask": torch.ones(2, 2, 2)}), "pixel_values"),
        (lambda m, x: m(list(x)), "0"),
        (lambda m, x: m(other=torch.ones(4), image=x), "image"),
    ],
)
def test_the_input_is_found_among_the_arguments(call: Callable[[nn.Module, Tensor], object], name: str) -> None:
    model = TakesNames()
    with tare.watch(model, SPEC, on_finding=lambda _: None) as watch:
        call(model, UNITS)
    assert watch.report().stages[0].input == name
    assert [finding.code for finding in watch.findings] == ["TARE004"]


@pytest.mark.parametrize("which", [1, "depth"])
def test_the_input_can_be_named(which: int | str) -> None:
    class Two(nn.Module):
        def forward(self, first: Tensor, depth: Tensor) -> Tensor:
            return first + depth

    model = Two()
    with tare.watch(model, SPEC, input=which, on_finding=lambda _: None) as watch:
        model(UNITS, right(24)) if which == 1 else model(first=UNITS, depth=right(24))
    assert watch.findings == ()
    assert watch.report().stages[0].fits


def test_a_call_without_values_is_noted() -> None:
    model = TakesNames()
    with tare.watch(model, SPEC) as watch:
        model(torch.ones(2, 5, dtype=torch.long).tolist())
    assert "no tensor of values among the arguments" in watch.report().notes[0]


@pytest.mark.parametrize("shape", [(4, 3, 5, 32, 32), (4, 5, 3, 32, 32)])
def test_of_videos_the_middle_frames_are_looked_at(shape: tuple[int, ...]) -> None:
    frames = unit(raw_images(20)).reshape(4, 5, 3, 32, 32)
    values = frames if shape[1] == 5 else frames.transpose(1, 2)
    assert codes(values) == ["TARE004"]
    assert codes(normalised(frames) if shape[1] == 5 else normalised(frames).transpose(1, 2)) == []


@pytest.mark.parametrize("shape", [(8, 20), (8, 128, 64)])
def test_rows_and_signals_of_another_channel_count_are_looked_at_for_nan_only(shape: tuple[int, ...]) -> None:
    values = torch.randn(shape) * 100
    assert codes(values) == []
    values.view(-1)[3] = float("nan")
    assert codes(values) == ["TARE035"]


class Grey(nn.Conv2d):
    """A network for one channel that was made from one for three, as timm does with in_chans=1."""

    pretrained_cfg = Net().pretrained_cfg


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda u: u * 255, ["TARE004"]),
        (lambda u: u, ["TARE004"]),
        (lambda u: blurred(u * 255), ["TARE004"]),
        (lambda u: normalised(u * 255, (0.449,), (0.226,)), ["TARE001"]),
        (lambda u: normalised(u, (0.449,), (0.226,)), []),
        (lambda u: normalised(u, (0.5,), (0.5,)), []),
        (lambda u: normalised(u, (0.1307,), (0.3081,)), []),
        (lambda u: blurred(normalised(u, (0.1307,), (0.3081,))), []),
    ],
)
def test_a_grey_network_made_of_one_for_colours_is_watched_for_gross_mistakes(
    make: Callable[[Tensor], Tensor], expected: list[str]
) -> None:
    model = Grey(1, 2, 3)
    with tare.watch(model, on_finding=lambda _: None) as watch:
        model(make(UNITS[:, :1]))
    report = watch.report()
    assert [finding.code for finding in watch.findings] == expected
    assert report.clean is (not expected)
    assert report.notes == ("mean and std are the average of those for colours: only gross mistakes are told",)


def test_a_spec_that_you_state_for_other_channels_judges_nothing() -> None:
    with tare.watch(model := Grey(1, 2, 3), SPEC, on_finding=lambda _: None) as watch:
        model(UNITS[:, :1])
    report = watch.report()
    assert (report.findings, report.clean) == ((), None)
    assert report.unjudged == ("train: the spec states 3 channels, and 1 arrive",)


def test_raw_values_that_are_no_bytes_are_held_against_constants_by_mean_and_std() -> None:
    spec = InputSpec.of((0.5,) * 3, (0.5,) * 3, raw_dtype="uint16")
    model = nn.Identity()
    with tare.watch(model, spec) as watch:
        model(UNITS)
    report = watch.report()
    assert report.notes == ("raw values are not of 8 bits, or of an unknown type: mean and std are compared, not single values",)
    assert report.clean is None


def test_a_watch_that_saw_nothing_is_not_clean() -> None:
    report = tare.watch(Net()).report()
    assert (report.clean, str(report)) == (None, "not judged: no batch was seen")


def test_an_unknown_mean_is_unknown_and_not_imagenets() -> None:
    model = nn.Identity()
    with pytest.warns(TareWarning, match="TARE080 note: mean of .* unknown .nobody knows"):
        tare.watch(model, replace(SPEC, mean=Unknown("nobody knows")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batches": 0}, "expected batches >= 1 and every >= 0, found batches=0"),
        ({"every": -1}, "found batches=8 and every=-1"),
        ({"on_finding": "shout"}, "expected on_finding 'warn', 'raise' or a function, found 'shout'"),
        ({"spec": "nothing:here"}, "nothing:here"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        tare.watch(Net(), **options)


def test_the_report_says_what_was_seen() -> None:
    model = Net().eval()
    with tare.watch(model) as watch:
        model(right())
    report = watch.report()
    (stage,) = report.stages
    assert (stage.stage, stage.batches, stage.images, stage.basis, stage.fits) == ("eval", 1, 16, "grid", True)
    values = right().numpy().astype("f8")
    for c, channel in enumerate(stage.channels):
        assert channel.mean == pytest.approx(values[:, c].mean(), abs=1e-4)
        assert channel.std == pytest.approx(values[:, c].std(), abs=1e-4)
        assert (channel.low, channel.high) == pytest.approx((values[:, c].min(), values[:, c].max()))
        assert channel.step == pytest.approx(1 / 255 / STD[c], rel=1e-4)
    text = str(report)
    assert "nothing found" in text
    assert "judged by the grid of 8-bit values, and it is the network's own" in text
    document = json.loads(json.dumps(report.to_json()))
    assert (document["schema"], document["clean"]) == ("tare.watch/1", True)
