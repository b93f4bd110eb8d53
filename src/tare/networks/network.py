"""A network: its module, the input specification that it states, and its classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from tare.errors import ModelError
from tare.input_spec.geometry import SampleKind
from tare.input_spec.spec import InputSpec, Unknown
from tare.samples.clip_frames import ClipFrames
from tare.samples.sound.front_end import FrontEnd

#: The frames of a clip where nothing states them, as most networks of video take.
_FRAMES = 16


@dataclass(frozen=True, slots=True)
class Network:
    """A network, the input specification that it states, and the name of its classifier.

    ``head`` is the dotted name of the linear classifier; ``head_trained`` says whether the weights included it. ``is_timm`` says
    whether timm can rebuild ``module`` from a config.
    """

    module: nn.Module
    reference: str
    weights: str
    spec: InputSpec
    head: str
    is_timm: bool
    notes: tuple[str, ...] = field(default=())
    head_trained: bool = True

    @property
    def last_layer(self) -> nn.Module:
        """The part named ``head``."""
        return self.module.get_submodule(self.head)

    @property
    def dense(self) -> bool:
        """Whether the last part is convolutional: an output for each pixel."""
        return not isinstance(self.last_layer, nn.Linear)

    @property
    def classifier(self) -> nn.Linear:
        """The linear layer named ``head``."""
        layer = self.module.get_submodule(self.head)
        if not isinstance(layer, nn.Linear):
            raise ModelError(f"a linear classifier at {self.head!r}", type(layer).__name__, "name another network")
        return layer

    @property
    def channels(self) -> int:
        """Number of input channels of the first convolution, or of the first linear layer if there is no convolution."""
        if (first := next(self._convolutions(), None)) is not None:
            return first.in_channels
        linear = next((layer for layer in self.module.modules() if isinstance(layer, nn.Linear)), None)
        if linear is not None:
            return linear.in_features
        expected = "a network with a convolution or a linear layer at its input"
        raise ModelError(expected, f"none in {self.reference!r}", "name another network")

    @property
    def front(self) -> FrontEnd | None:
        """The front end of a network for sound: its values are the network's samples; None for any other network."""
        found = (getattr(part, "front", None) for part in self.module.modules())
        return next((each for each in found if isinstance(each, FrontEnd)), None)

    @property
    def kind(self) -> SampleKind:
        """The kind of samples by the first convolution: signals if it is 1-D, else images; rows if there is no convolution.

        If it is 3-D, they are clips of videos for three channels, else volumes.

        A front end for sound decides: spectrograms are samples of their own kind, waveforms are signals. So does a network that
        says that it takes clips.
        """
        if (front := self.front) is not None:
            return "signal" if front.size is None else "sound"
        if any(getattr(part, "takes_clips", False) for part in self.module.modules()):
            return "clip"
        first = next(self._convolutions(), None)
        if isinstance(first, nn.Conv3d):
            return "clip" if self.channels == 3 else "volume"
        return "vector" if first is None else "signal" if isinstance(first, nn.Conv1d) else "image"

    @property
    def clip(self) -> ClipFrames | None:
        """The frames that it takes of a video; None for a network of other samples."""
        if self.kind != "clip":
            return None
        frames, stride = (self.spec.extra.get(name) for name in ("frames", "stride"))
        return ClipFrames(
            frames if isinstance(frames, int) and frames > 0 else _FRAMES,
            stride if isinstance(stride, int) and stride > 0 else None,
        )

    @property
    def taken(self) -> FrontEnd | ClipFrames | None:
        """What it takes of a file: the values of a front end, some frames of a video, or None for all that is stored."""
        return self.front or self.clip

    def _convolutions(self) -> Iterator[nn.Conv1d | nn.Conv2d | nn.Conv3d]:
        return (layer for layer in self.module.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d))


def nothing_stated(reason: str) -> InputSpec:
    """Return the specification of a network that states nothing about its input, for ``reason``."""
    names = ("channels", "scale", "mean", "std", "size", "interpolation", "crop")
    return InputSpec(**dict.fromkeys(names, Unknown(reason)))  # type: ignore[arg-type]


def with_head(network: Network, classes: int, seed: int) -> Network:
    """Return the network with a new linear classifier of ``classes`` outputs, drawn from ``seed``; the body is shared."""
    if network.dense:
        return with_dense_head(network, classes, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if network.is_timm:
            network.module.reset_classifier(classes)  # type: ignore[operator]
        else:
            old = network.classifier
            new = nn.Linear(old.in_features, classes)
            parent, _, leaf = network.head.rpartition(".")
            setattr(network.module.get_submodule(parent), leaf, new)
    return replace(network, head=head_name(network.module, network.reference), head_trained=False)


def as_dense(network: Network) -> Network:
    """The network with its last convolution as the head, for a class for each pixel.

    Raises :class:`ModelError` for a network that ends in another layer.
    """
    if network.dense:
        return network
    other = getattr(network.module, "segmenter", None)  # of transformers: the body of a classifier under another head
    if callable(other) and (module := other()) is not None:
        return replace(network, module=module, head=module.head, head_trained=False)
    name = "" if network.is_timm else dense_head_name(network.module)
    if not name:
        found = f"{network.reference}, which ends in {network.head!r}"
        remedy = "name one of torchvision's, such as torchvision:lraspp_mobilenet_v3_large, or FILE.py:FACTORY"
        raise ModelError("a network for --task segmentation, which ends in a convolution", found, remedy)
    return replace(network, head=name)


def dense_head_name(module: nn.Module) -> str:
    """The dotted name of the last layer with weights if it is a convolution, else an empty text."""
    leaves = [(name, layer) for name, layer in module.named_modules() if list(layer.parameters(recurse=False))]
    return str(leaves[-1][0]) if leaves and isinstance(leaves[-1][1], nn.Conv2d) else ""


def with_dense_head(network: Network, classes: int, seed: int) -> Network:
    """The network with its head's convolutions to the old number of classes drawn anew from ``seed``, for ``classes`` outputs."""
    parts = {name: layer for name, layer in network.last_layer.named_modules() if isinstance(layer, nn.Conv2d)}
    old = list(parts.values())[-1].out_channels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, layer in parts.items():
            if layer.out_channels == old:
                whole = ".".join(part for part in (network.head, name) if part)
                new = nn.Conv2d(layer.in_channels, classes, layer.kernel_size, layer.stride, layer.padding)  # type: ignore[arg-type]
                parent, _, leaf = whole.rpartition(".")
                setattr(network.module.get_submodule(parent), leaf, new)
    return replace(network, head_trained=False)


def head_name(module: nn.Module, reference: str, *, may_be_dense: bool = False) -> str:
    """Return the dotted name of the classifier: the one that timm states, else the last linear layer.

    A network without one that ``may_be_dense`` has its last convolution as the head.
    """
    config = getattr(module, "pretrained_cfg", None)
    stated = config.get("classifier") if isinstance(config, Mapping) else None
    linear = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    if isinstance(stated, str) and stated in linear:
        return stated
    if not linear and may_be_dense and (dense := dense_head_name(module)):
        return dense
    if not linear:
        raise ModelError("a network that ends in a linear classifier", f"no nn.Linear in {reference}", "name another network")
    return str(linear[-1])
