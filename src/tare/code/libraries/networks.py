"""Networks that calls make, whether their weights are pretrained, and what they expect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tare.code.interpreter.conditions import Decisions, agree
from tare.code.interpreter.values import Call, Library, Literal, Table, Value, alternatives
from tare.code.libraries.expected import Scaling, scaling_of
from tare.code.libraries.step import flag, number, numbers, text
from tare.code.networks.expected import HALVES, Constants, Expected
from tare.code.networks.table import expected as expected_of


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network: its library, its name as written, ``pretrained`` (None if that cannot be told), and what it expects."""

    library: str
    name: str
    pretrained: bool | None
    expected: Expected | None
    call: Call
    decisions: Decisions

    @property
    def scaling(self) -> Scaling | None:
        """How images are to be scaled for it; None where that is not known, or where none would do."""
        known = self.expected is not None and self.expected.constants is not None
        return scaling_of(self.expected) if known and self.expected is not None else None

    def alone(self) -> Network:
        """The network without the tree of the file that makes it."""
        return replace(self, call=self.call.alone())


@dataclass(frozen=True, slots=True, eq=False)
class Processor:
    """A processor of transformers by its identifier, and the images that it makes; None where that is not known."""

    name: str
    expected: Expected | None
    call: Call
    decisions: Decisions

    def fits(self, network: Network) -> bool:
        """Whether the images that it makes are those that a network expects; not where either is unknown."""
        own, wanted = self.expected, network.expected
        if own is None or own.constants is None or wanted is None:
            return False
        return wanted.accepts(*own.constants) and wanted.order == own.order


_PROCESSORS = ("ImageProcessor", "ImageProcessorFast", "FeatureExtractor", "Processor")
#: Options with which a processor does something else than its file says.
_CHANGING = frozenset(("do_normalize", "do_rescale", "image_mean", "image_std", "rescale_factor"))


def processors_of(call: Call) -> Iterable[Processor]:
    """The processors that a call loads, one for each identifier that it may have."""
    if not call.function.startswith("transformers.") or call.last != "from_pretrained" or call.spread:
        return
    if not call.function.rsplit(".", 2)[-2].endswith(_PROCESSORS):
        return
    given = call.argument(0, "pretrained_model_name_or_path")
    for decisions, value in alternatives(given) if given is not None else ():
        name = text(value)
        known = expected_of("transformers", name) if name and not _CHANGING & set(call.keywords) else None
        yield Processor(name, known, call, call.decisions | decisions)


def networks_of(call: Call) -> Iterable[Network]:
    """The networks that a call makes, one for each name that it may have."""
    for matches, read in _READERS:
        if matches(call.function):
            for network in read(call):
                if agree(network.decisions, call.decisions):
                    # What a network expects of which the first part was replaced nobody says.
                    yield replace(network, expected=None) if call.changed else _of_channels(network)
            return


def _of_channels(network: Network) -> Network:
    """The network as its call asks for channels: timm sums the first layer's weights for one, which makes constants one average.

    For other numbers than one and three no library says which constants are right.
    """
    count = number(network.call.argument(-1, "in_chans", "in_channels"))
    expected = network.expected
    if count in (None, 3) or expected is None or expected.constants is None:
        return network
    if count != 1 or network.library == "efficientnet_pytorch":  # which makes a new first layer
        return replace(network, expected=None)
    averages = Constants(*((sum(each) / len(each),) for each in expected.constants))
    return replace(network, expected=replace(expected, constants=averages, also=(), order="L"))


def _timm(call: Call) -> Iterable[Network]:
    given = call.argument(0, "model_name")
    pretrained = _truth(call.argument(1, "pretrained"), default=False)
    for decisions, value in alternatives(given) if given is not None else ():
        name = text(value)
        if name:
            expected = _as_configured(call, expected_of("timm", name))
            yield Network("timm", name, pretrained, expected, call, call.decisions | decisions)


def _as_configured(call: Call, expected: Expected | None) -> Expected | None:
    """What a network of timm expects that loads a file of one's own, or to which the call gives constants."""
    if not all(_is_nothing(call.argument(-1, each)) for each in ("checkpoint_path", "pretrained_cfg")):
        return None
    overlay = call.argument(-1, "pretrained_cfg_overlay")
    if _is_nothing(overlay) or expected is None or expected.constants is None:
        return expected
    if not isinstance(overlay, Table) or overlay.spread:
        return None
    stated = [overlay.entries.get(each) for each in ("mean", "std")]
    if stated == [None, None]:
        return expected
    mean, std = (numbers(value) or before for value, before in zip(stated, expected.constants, strict=True))
    if any(value is not None and numbers(value) is None for value in stated):
        return None
    return replace(expected, constants=Constants(mean, std), also=(), origin="pretrained_cfg_overlay")


def _is_nothing(value: Value | None) -> bool:
    return value is None or (isinstance(value, Literal) and not value.value)


def _truth(value: Value | None, *, default: bool) -> bool | None:
    return default if value is None else flag(value)


_TORCHVISION_OTHER = frozenset(
    ["get_model_weights", "list_models", "get_weight", "resnet", "ResNet", "VGG", "models", "detection", "segmentation"]
)


def _torchvision(call: Call) -> Iterable[Network]:
    name = call.last
    if name in ("get_model",):
        name = text(call.argument(0, "name"))
    if not name or name in _TORCHVISION_OTHER or (name[0].isupper()):
        return
    stated = call.argument(0 if call.last != "get_model" else 1, "weights", "pretrained")
    for decisions, value in alternatives(stated) if stated is not None else [(frozenset(), Literal(False))]:
        pretrained, weights = _weights(value)
        known = _of_torchvision(name, weights)
        option = call.keywords.get("transform_input")
        if option is not None and name in _TRANSFORMING:
            known = _untransformed(known, option)
        yield Network("torchvision", name, pretrained, known, call, call.decisions | decisions)


#: Networks of torchvision that turn ImageNet's constants into mean and std of 0.5 themselves, unless they are told not to.
_TRANSFORMING = frozenset(("inception_v3", "googlenet"))


def _untransformed(known: Expected | None, option: Value) -> Expected | None:
    """What such a network expects with an option ``transform_input``; None where that is not known."""
    told = flag(option)
    if told is not False or known is None:
        return known if told else None
    return replace(known, constants=HALVES, origin=f"{known.origin}, with transform_input=False", notes=())


def as_set(networks: Iterable[Network], log: Sequence[Call]) -> Iterable[Network]:
    """The networks after ``net.transform_input = False`` and the like, in whichever branch."""
    given = [(_beneath(each.receiver), each.args[0]) for each in log if each.function == "set.transform_input" and each.args]
    for network in networks:
        options = [option for made, option in given if made is network.call] if network.name in _TRANSFORMING else []
        told = {flag(each) for each in options}
        if options:
            one = replace(network, expected=_untransformed(network.expected, options[0]) if len(told) == 1 else None)
        yield one if options else network


def _beneath(value: Value) -> Value:
    """What ``.eval()``, ``.to(device)`` and the like were called on."""
    while isinstance(value, Call) and value.function.startswith("."):
        value = value.receiver
    return value


#: Parts of the names of networks that normalise inside, or take pairs of images.
DETECTORS = ("rcnn", "retinanet", "ssd", "fcos", "raft")


def _of_torchvision(name: str, weights: str) -> Expected | None:
    """What the weights state; None for detectors, which normalise inside, and for weights without classes."""
    if any(each in name.lower() for each in DETECTORS) or "FEATURES" in weights:
        return None
    return expected_of("torchvision", name, weights=weights or None)


def _weights(value: Value) -> tuple[bool | None, str]:
    if isinstance(value, Library):
        return True, value.name
    if isinstance(value, Literal):
        if isinstance(value.value, str):
            return True, value.value
        return bool(value.value), "IMAGENET1K_V1" if value.value is True else ""
    return None, ""


def _keras(call: Call) -> Iterable[Network]:
    name = call.last
    if not name[:1].isupper():
        return
    inside = flag(call.argument(-1, "include_preprocessing"))
    expected = expected_of("keras", name)
    if inside is False and expected is not None and scaling_of(expected) == "inside":
        expected = None
    stated = call.argument(1, "weights") or Literal("imagenet")
    for decisions, weights in alternatives(stated) if expected is not None else ():
        pretrained = weights.value == "imagenet" if isinstance(weights, Literal) else None
        yield Network("keras", name, pretrained, expected, call, call.decisions | decisions)


def _hugging_face(call: Call) -> Iterable[Network]:
    class_name = call.function.rsplit(".", 2)[-2]
    if not class_name.endswith(("Model", "ForImageClassification", "VisionModel", "Backbone", "WithProjection")):
        return
    given = call.argument(0, "pretrained_model_name_or_path")
    for decisions, value in alternatives(given) if given is not None else ():
        name = text(value)
        if name:
            yield Network("transformers", name, True, expected_of("transformers", name), call, call.decisions | decisions)


def _hub(call: Call) -> Iterable[Network]:
    repository, name = text(call.argument(0, "repo_or_dir")), text(call.argument(1, "model"))
    if not name:
        return
    stated = call.argument(-1, "pretrained", "weights")
    if repository.startswith("pytorch/vision"):
        pretrained = False if stated is None else _weights(stated)[0]
        yield Network("torchvision", name, pretrained, _of_torchvision(name, ""), call, call.decisions)
    elif repository.startswith(("rwightman/pytorch-image-models", "huggingface/pytorch-image-models")):
        yield Network("timm", name, _truth(stated, default=False), expected_of("timm", name), call, call.decisions)
    elif repository.startswith("facebookresearch/"):
        # deit has random weights unless asked; the others come with theirs, and some have no such option.
        pretrained = (not repository.startswith("facebookresearch/deit")) if stated is None else _weights(stated)[0]
        yield Network("hub", name, pretrained, expected_of("torch.hub", f"{repository}:{name}"), call, call.decisions)


def _efficientnet(call: Call) -> Iterable[Network]:
    name = text(call.argument(0, "model_name"))
    weights = "advprop" if flag(call.argument(-1, "advprop")) else None
    expected = expected_of("efficientnet_pytorch", name, weights=weights) if call.argument(-1, "weights_path") is None else None
    yield Network("efficientnet_pytorch", name, True, expected, call, call.decisions)


#: The architectures of segmentation_models_pytorch.
_SEGMENTERS = ("Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet")


def _segmentation(call: Call) -> Iterable[Network]:
    if call.last not in _SEGMENTERS or call.spread:
        return
    given = call.argument(0, "encoder_name") or Literal("resnet34")
    weights = call.argument(2, "encoder_weights") or Literal("imagenet")
    for decisions, value in alternatives(given):
        name, stated = text(value), text(weights)
        known = expected_of("segmentation_models_pytorch", name, weights=stated) if name and stated else None
        pretrained = bool(weights.value) if isinstance(weights, Literal) else None
        if name:
            yield Network("segmentation_models_pytorch", name, pretrained, known, call, call.decisions | decisions)


def _faces(call: Call) -> Iterable[Network]:
    if call.last == "InceptionResnetV1":
        pretrained = bool(text(call.argument(0, "pretrained")))
        known = expected_of("facenet_pytorch", call.last)
        yield Network("facenet_pytorch", call.last, pretrained, known, call, call.decisions)


def _clip(call: Call) -> Iterable[Network]:
    library = call.function.partition(".")[0]
    name, tag = text(call.argument(0, "name", "model_name")), text(call.argument(1, "pretrained"))
    if name and library == "clip":
        yield Network(library, name, True, expected_of(library, name), call, call.decisions)
    elif name:
        yield Network(library, name, bool(tag), expected_of(library, name, tag=tag or None), call, call.decisions)


def _cadene(call: Call) -> Iterable[Network]:
    stated = call.argument(-1, "pretrained")
    known = expected_of("pretrainedmodels", call.last) if stated is None or text(stated) == "imagenet" else None
    yield Network("pretrainedmodels", call.last, True if known else None, known, call, call.decisions)


_READERS: tuple[tuple[Callable[[str], bool], Callable[[Call], Iterable[Network]]], ...] = (
    (lambda name: name in ("timm.create_model", "timm.models.create_model"), _timm),
    (lambda name: name.startswith("torchvision.models."), _torchvision),
    (lambda name: name.startswith(("tensorflow.keras.applications.", "keras.applications.", "tf.keras.applications.")), _keras),
    (lambda name: name.startswith("tensorflow.python.keras.applications."), _keras),
    (lambda name: name.startswith("transformers.") and name.endswith(".from_pretrained"), _hugging_face),
    (lambda name: name == "torch.hub.load", _hub),
    (lambda name: name.startswith("segmentation_models_pytorch."), _segmentation),
    (lambda name: name.startswith("facenet_pytorch."), _faces),
    (lambda name: name in ("clip.load", "open_clip.create_model_and_transforms", "open_clip.create_model"), _clip),
    (lambda name: name.startswith("pretrainedmodels.") and name.count(".") == 1, _cadene),
    (lambda name: name.endswith("EfficientNet.from_pretrained") and name.startswith("efficientnet_pytorch"), _efficientnet),
)
