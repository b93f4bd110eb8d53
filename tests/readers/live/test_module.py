"""Live networks and pipelines given as the model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch
import torchvision.transforms as v1
from torch import nn
from torchvision import models
from torchvision.transforms import v2

from tare.errors import SpecError
from tare.input_spec.fields import PerSample
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.input_layer import InputLayer
from tare.readers.table import read_spec

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Wrapped(nn.Module):
    """A network with a layer in front, as people write it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.normalise = layer
        self.body = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(self.normalise(images))  # type: ignore[no-any-return]


def test_a_timm_network_and_an_old_default_cfg() -> None:
    config = {"input_size": (3, 32, 32), "mean": MEAN, "std": STD, "interpolation": "bicubic", "crop_pct": 0.9}
    body = nn.Conv2d(3, 4, 3)
    body.default_cfg = config  # type: ignore[assignment]
    spec = read_spec(body)
    assert isinstance(spec.mean, Known)
    assert spec.mean.value == MEAN
    assert "default_cfg of the Conv2d" in spec.mean.origin


@pytest.mark.parametrize("layer", [v1.Normalize(MEAN, STD), v2.Normalize(MEAN, STD)])
def test_a_normalise_layer_in_front_takes_floats(layer: nn.Module) -> None:
    for network in (nn.Sequential(layer, nn.Conv2d(3, 4, 3)), Wrapped(layer)):
        spec = read_spec(network)
        assert (spec.require("mean"), spec.require("scale"), spec.require("raw_dtype")) == (MEAN, 1.0, "float32")
        images = torch.rand(2, 3, 4, 4)
        assert torch.allclose(spec.apply(images), layer(images), atol=1e-6)


def test_scaling_in_front_takes_bytes() -> None:
    layers = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    spec = read_spec(nn.Sequential(*layers, nn.Conv2d(3, 4, 3)))
    assert (spec.require("scale"), spec.require("raw_dtype")) == (1 / 255, "uint8")
    assert isinstance(spec.mean, Known)
    assert spec.mean.origin == "Sequential, step 2 Normalize"


def test_kornia_normalises_inside() -> None:
    kornia = pytest.importorskip("kornia", reason="reads kornia's own layers")
    spec = read_spec(Wrapped(kornia.enhance.Normalize(torch.tensor(MEAN), torch.tensor(STD))))
    assert spec.require("mean") == MEAN


def test_torchvisions_detection_networks_normalise_inside() -> None:
    network = models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    spec = read_spec(network)
    transform: Any = network.transform
    assert spec.require("mean") == tuple(transform.image_mean)
    assert isinstance(spec.size, Unknown)
    image = torch.rand(3, 8, 8)
    assert torch.allclose(spec.apply(image), transform.normalize(image), atol=1e-6)


def test_tares_own_layer() -> None:
    spec = read_spec(nn.Sequential(InputLayer(Normalisation("source", MEAN, STD)), nn.Conv2d(3, 4, 3)))
    assert spec.require("mean") == pytest.approx(MEAN)
    assert spec.equivalent(InputSpec.of(MEAN, STD, raw_dtype="uint8"), 1e-5)


def test_of_two_normalising_layers_the_one_that_takes_the_input_states_it() -> None:
    network = Wrapped(v1.Normalize(MEAN, STD))
    network.other = v1.Normalize(STD, MEAN)
    assert read_spec(network).mean == Known(MEAN, "layer 'normalise' of the Wrapped Normalize")


class Divides(Wrapped):
    """Takes 0..255."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images.float() / 255)


class FromOnes(Wrapped):
    """Takes -1..1."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(self.normalise((images + 1) / 2))  # type: ignore[no-any-return]


class TakesBGR(Wrapped):
    """Reverses the channels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(self.normalise(images.flip(1)))  # type: ignore[no-any-return]


class InPlace(Wrapped):
    """Changes its own input."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images /= 255
        return super().forward(images)


class BytesOrFloats(Wrapped):
    """Takes bytes, too."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if images.dtype == torch.uint8:
            images = images / 255
        return super().forward(images)


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        (Divides, "images.float() / 255"),
        (FromOnes, "images + 1"),
        (TakesBGR, "images.flip(1)"),
        (InPlace, "images /= 255"),
        (BytesOrFloats, "images / 255"),
    ],
)
@pytest.mark.parametrize(
    "layer", [v1.Normalize(MEAN, STD), v2.Normalize(MEAN, STD), InputLayer(Normalisation("source", MEAN, STD))]
)
def test_a_normalise_layer_behind_arithmetic_does_not_state_the_input(kind: type, done: str, layer: nn.Module) -> None:
    mean = read_spec(kind(layer)).mean
    assert isinstance(mean, Unknown)
    said = f"layer 'normalise' of the {kind.__name__} may not take its input as it is: the input is used in {done}"
    assert mean.reason == said


class WithLoss(nn.Module):
    """A network beside a part of its loss, which normalises what it compares."""

    def __init__(self, behind: nn.Module | None = None) -> None:
        super().__init__()
        self.perceptual = nn.Sequential(v2.Normalize(MEAN, STD), nn.Conv2d(3, 4, 3))
        self.body, self.behind = nn.Conv2d(3, 3, 3), behind

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        made = self.body(images)
        return made if self.behind is None else self.behind(made)  # type: ignore[no-any-return]


def test_normalise_layers_beside_and_behind_a_network_do_not_state_its_input() -> None:
    for network, count in ((WithLoss(), 1), (WithLoss(v2.Normalize(MEAN, STD)), 2)):
        mean = read_spec(network).mean
        assert isinstance(mean, Unknown)
        which = "layer 'perceptual.0'" if count == 1 else "each of the 2 normalising layers"
        assert mean.reason == f"{which} of the WithLoss does not take its input as it is: the input is given to 'body'"
    last = read_spec(nn.Sequential(nn.Conv2d(3, 3, 3), v2.Normalize(MEAN, STD))).mean
    assert isinstance(last, Unknown)


def test_scaling_in_front_of_a_normalise_layer_is_read_with_it() -> None:
    steps = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    images = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    for prepare in (nn.Sequential(*steps), v2.Compose(steps)):
        spec = read_spec(Wrapped(prepare))
        assert (spec.require("scale"), spec.require("raw_dtype"), spec.require("mean")) == (1 / 255, "uint8", MEAN)
        assert torch.allclose(spec.apply(images), prepare(images), atol=1e-6)


def test_scaling_alone_in_front_of_a_network_of_its_own_states_nothing() -> None:
    with pytest.raises(SpecError, match="without configuration or normaliser"):
        read_spec(Wrapped(v2.ToDtype(torch.float32, scale=True)))  # which leaves floats that are normalised


def test_scaling_before_arithmetic_does_not_state_the_input() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.normalise, self.body = v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD), nn.ReLU()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.body(self.normalise(self.scale(images) * 2 - 1))  # type: ignore[no-any-return]

    assert isinstance(read_spec(Halves()).mean, Unknown)


def test_a_transformers_network_names_its_processor() -> None:
    class Vision(nn.Module):
        config = SimpleNamespace(model_type="vit", image_size=224, _name_or_path="google/vit")

    spec = read_spec(Vision())
    assert spec.size == Known((224, 224), "config of the Vision, image_size")
    assert spec.mean == Unknown("config of the Vision does not state it; the model's processor does: name hf:google/vit")


def test_a_network_that_states_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="found a ReLU without configuration or normaliser"):
        read_spec(nn.ReLU())
    with pytest.raises(SpecError, match="found a object"):
        read_spec(object())


def test_a_pipeline_is_read_as_what_its_network_receives() -> None:
    pipeline = v2.Compose([v2.Resize(256), v2.CenterCrop(224), v2.ToTensor(), v2.Normalize(MEAN, STD)])
    for given in (pipeline, [*pipeline.transforms], nn.Sequential(*pipeline.transforms)):
        spec = read_spec(given)
        assert (spec.require("mean"), spec.require("size")) == (MEAN, (224, 224))


@pytest.mark.parametrize(
    ("layer", "over", "shape"),
    [
        (nn.InstanceNorm2d(3), "channel", (2, 3, 16, 16)),
        (nn.InstanceNorm2d(1), "channel", (2, 1, 16, 16)),
        (nn.InstanceNorm3d(2), "channel", (2, 2, 8, 8, 8)),
        (nn.InstanceNorm1d(4), "channel", (2, 4, 64)),
        (nn.GroupNorm(1, 3), "sample", (2, 3, 16, 16)),
        (nn.GroupNorm(3, 3), "channel", (2, 3, 16, 16)),
        (nn.InstanceNorm2d(3, affine=True), "channel", (2, 3, 16, 16)),
    ],
)
def test_a_normalisation_of_each_sample_in_front_is_stated(layer: Any, over: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    if layer.affine:
        nn.init.uniform_(layer.weight, 0.5, 2.0)
        nn.init.uniform_(layer.bias, -1.0, 1.0)
    values = torch.rand(shape) * 50 + 3
    layouts = {3: "NCT", 4: "NCHW", 5: "NCDHW"}
    for network in (nn.Sequential(layer, nn.Flatten()), nn.Sequential(nn.Sequential(layer), nn.ReLU()), Wrapped(layer)):
        spec = read_spec(network)
        assert isinstance(spec.per_sample, Known)
        assert (spec.per_sample.value.kind, spec.per_sample.value.over) == ("zscore", over)
        assert "first layer" in spec.per_sample.origin
        assert torch.allclose(spec.apply(values, layouts[len(shape)]), layer(values), atol=1e-3)
        assert InputSpec.from_json(spec.to_json()).per_sample == spec.per_sample


def test_constants_before_an_instance_norm_are_undone_by_it() -> None:
    spec = read_spec(nn.Sequential(v2.Normalize(MEAN, STD), nn.InstanceNorm2d(3), nn.Conv2d(3, 4, 3)))
    assert isinstance(spec.per_sample, Known)
    constants = read_spec(nn.Sequential(v2.Normalize(MEAN, STD), nn.GroupNorm(1, 3), nn.Conv2d(3, 4, 3)))
    assert constants.require("mean") == MEAN


def test_running_statistics_of_an_instance_norm_are_constants() -> None:
    layer = nn.InstanceNorm2d(3, track_running_stats=True, affine=True)
    layer(torch.rand(8, 3, 8, 8) * 9)
    network = nn.Sequential(layer, nn.Conv2d(3, 4, 3)).eval()
    spec, values = read_spec(network), torch.rand(2, 3, 8, 8)
    assert isinstance(spec.per_sample, Unknown)
    assert torch.allclose(spec.apply(values), layer(values), atol=1e-5)


def test_groups_and_reversing_weights_are_unknown() -> None:
    groups = read_spec(nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 3)))
    assert isinstance(groups.mean, Unknown)
    assert "z-scores each of 2 groups of 4 channels" in groups.mean.reason
    layer = nn.GroupNorm(1, 3)
    nn.init.constant_(layer.weight, -1.0)
    assert "a weight is not positive" in str(read_spec(nn.Sequential(layer, nn.Conv2d(3, 4, 3))).mean)


class Registers(nn.Module):
    """Registers the norm first, and applies it in front, behind, behind arithmetic, or not at all."""

    def __init__(self, norm: nn.Module, applied: str) -> None:
        super().__init__()
        self.norm, self.body, self.applied = norm, nn.Conv2d(3, 3, 3), applied

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.applied == "in front":
            return self.body(self.norm(values))  # type: ignore[no-any-return]
        if self.applied == "behind arithmetic":
            return self.norm(values.log())  # type: ignore[no-any-return]
        made: torch.Tensor = self.body(values)
        return self.norm(made) if self.applied == "behind" else made


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(3), nn.GroupNorm(1, 3)])
def test_a_norm_behind_the_first_layer_states_no_input(norm: nn.Module) -> None:
    for network in (nn.Sequential(nn.Conv2d(3, 3, 3), norm), Registers(norm, "behind"), Registers(norm, "nowhere")):
        with pytest.raises(SpecError, match="without configuration or normaliser"):
            read_spec(network)
    assert isinstance(read_spec(Registers(norm, "in front")).per_sample, Known)
    mean = read_spec(Registers(norm, "behind arithmetic")).mean
    assert isinstance(mean, Unknown)
    assert "layer 'norm' of the Registers may not take its input as it is: the input is used in values.log()" in mean.reason


def test_a_norm_that_is_registered_last_and_applied_first_states_the_input() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.norm = nn.Conv2d(3, 3, 3), nn.InstanceNorm2d(3)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.body(self.norm(values))  # type: ignore[no-any-return]

    assert isinstance(read_spec(Last()).per_sample, Known)


def test_tares_own_layer_of_each_sample() -> None:
    layer = InputLayer(Normalisation("sample", (0.0,) * 3, (1.0,) * 3, per_sample=EACH))
    spec = read_spec(nn.Sequential(layer, nn.Conv2d(3, 4, 3)))
    assert isinstance(spec.per_sample, Known)
    assert spec.per_sample.value == PerSample("zscore", "channel")
    values = torch.rand(2, 3, 16, 16)
    assert torch.allclose(spec.apply(values), layer(values), atol=1e-5)
    assert torch.allclose(spec.apply((values * 255).byte()), layer((values * 255).byte()), atol=1e-4)
    assert spec.require("raw_dtype") == "uint8"


@pytest.mark.parametrize("channels", [4, 12, 13])
def test_the_first_layer_is_believed_over_the_configuration(channels: int) -> None:
    spec = read_spec(timm.create_model("test_resnet", in_chans=channels))
    assert spec.channel_count() == channels
    assert isinstance(spec.mean, Unknown)
    assert "the configuration states it for RGB, and layer 'conv1.0' of the" in spec.mean.reason
    assert f"takes {channels} channels" in spec.mean.reason
    assert spec.extra["stated_for"] == {"channels": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3}
    assert isinstance(spec.raw_dtype, Unknown)
    assert isinstance(spec.size, Known)


def test_a_grey_network_made_of_one_for_colours_has_the_average_of_its_constants() -> None:
    spec = read_spec(timm.create_model("test_resnet", in_chans=1))
    assert (spec.require("channels"), spec.require("mean"), spec.require("raw_dtype")) == ("L", (0.5,), "uint8")
    assert isinstance(spec.mean, Known)
    assert "takes 1 channel: the average of" in spec.mean.origin


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "tresnet_m", "csatv2", "mixer_s16_224"])
def test_a_first_layer_behind_a_rearrangement_contradicts_nothing(name: str) -> None:
    try:
        with torch.device("meta"):
            network = timm.create_model(name)
    except (RuntimeError, NotImplementedError) as error:
        pytest.skip(f"this release of timm cannot build it without memory: {error}")
    assert "stated_for" not in read_spec(network).extra
