"""Hugging Face: a folder for the automatic classes of ``transformers``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from tare.errors import ModelError
from tare.exporting.card import with_tare, write_card
from tare.exporting.formats.format import Contents, WeightsFormat
from tare.exporting.formats.hf_sound import check_sound, fill_sound
from tare.exporting.formats.hf_video import check_video, fill_video, takes_videos
from tare.exporting.formats.safetensors import copy, write_weights
from tare.exporting.probe_images import ProbeImages, as_pillow
from tare.exporting.reloaded import check_fixed, check_pixels, compared, one_line
from tare.exporting.result import Parity
from tare.input_spec.geometry import front_of
from tare.networks.building.hub.modules import Backbone
from tare.networks.building.hugging_face import PROCESSOR, automatic_class
from tare.networks.stored.trained import TrainedModel
from tare.system.local.opened import text_of
from tare.system.optional import require
from tare.system.quiet import quietly

# Differences in pixels below this are those of sums in another order, input std.
_ROUNDING = 1e-5
_NOT_BUILT = "not-a-network-of-timm"


def fill(folder: Path, contents: Contents) -> tuple[Parity, tuple[str, ...]]:
    """Write the processor and a network that timm knows; load both with transformers, and compare."""
    trained = contents.trained
    if front_of(trained.model.takes) is not None:
        return fill_sound(folder, contents)
    if takes_videos(trained):
        return fill_video(folder, contents)
    write_weights(folder, contents)
    if _is_librarys(trained):
        copy(trained, folder, "config.json")
        if not (trained.folder / PROCESSOR).is_file():
            found = "an input that it cannot: a crop, a layout or values of its own"
            raise ModelError("an input that a processor of transformers can state", found, "use --format onnx or pt2")
        copy(trained, folder, PROCESSOR)
        write_card(folder, trained, _loading(trained), contents.validated)
        return _check(folder, trained, contents.images)
    config = _timm_config(trained) if trained.model.network.is_timm else _plain_config(trained)
    # The wrapper's processor runs timm's own transform, as validation does. Other processors of transformers round a crop down,
    # torchvision rounds to even: a pixel for one photograph in five. The wrapper reads config.json, other readers this file.
    stated_in_full = {"image_processor_type": "TimmWrapperImageProcessor", "pretrained_cfg": config["pretrained_cfg"]}
    processor = {**stated_in_full, "architecture": config["architecture"]}
    for name, document in (("config.json", config), ("preprocessor_config.json", processor)):
        (folder / name).write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    write_card(folder, trained, _loading(trained), contents.validated)
    return _check(folder, trained, contents.images)


def _is_librarys(trained: TrainedModel) -> bool:
    """Whether the run's model is a directory of transformers already."""
    return bool(trained.document["network"].get("hf", False))


def _builds(trained: TrainedModel) -> bool:
    """Whether transformers builds the network from the folder: its own, or one of timm's in its wrapper."""
    return trained.model.network.is_timm or _is_librarys(trained)


def _timm_config(trained: TrainedModel) -> dict[str, Any]:
    """Adapt the configuration that timm wrote to transformers' wrapper of timm."""
    config: dict[str, Any] = json.loads(text_of(trained.folder / "config.json"))
    arguments = dict(config.get("model_args") or {})
    arguments.pop("num_classes", None)  # the wrapper passes it, too
    return {
        **config,
        "model_args": arguments,
        "model_type": "timm_wrapper",
        **_problem(trained),
        "architectures": ["TimmWrapperForImageClassification"],
    }


def _problem(trained: TrainedModel) -> dict[str, str]:
    """The loss by which transformers would train further, for tasks other than one class a sample."""
    kinds = {"regression": "regression", "multi-label": "multi_label_classification"}
    name = trained.model.task.name
    return {"problem_type": kinds[name]} if name in kinds else {}


def _plain_config(trained: TrainedModel) -> dict[str, Any]:
    """Describe labels and input of a network that no library can build, under a name that no library knows."""
    names = list(trained.model.classes)
    stated = {"architecture": _NOT_BUILT, "num_classes": len(names), "label_names": names}
    return {**stated, "pretrained_cfg": trained.model.spec().to_timm()}


def _check(folder: Path, trained: TrainedModel, probes: ProbeImages) -> tuple[Parity, tuple[str, ...]]:
    """Load the folder with transformers, and compare pixels, and logits if it can build the network; also return notes.

    Raises :class:`ParityError` if they differ.
    """
    transformers = require("transformers", extra="hf", purpose="--format hf")
    name = f"transformers {transformers.__version__}"
    own = _is_librarys(trained)
    pillow: dict[str, Any] = {} if not own else {"backend": "pil"} if _backends(transformers) else {"use_fast": False}
    auto = transformers.AutoImageProcessor
    with quietly(), one_line(name):
        fed = _processed(auto.from_pretrained(folder, local_files_only=True, **pillow), probes)
        usual = _processed(auto.from_pretrained(folder, local_files_only=True), probes) if own else fed
    check_pixels(fed, trained, probes, name)
    if not _builds(trained):
        with torch.inference_mode():
            logits = trained.model.network.module(fed.clone())  # its forward may change it in place
        note = f"{name} loads the processor but not the network: load it with tare.load_model(DIR)"
        return compared(logits, trained, probes, f"{name}, its pixels"), (note,)
    with quietly(), one_line(name), torch.inference_mode():
        auto = automatic_class(folder) if own else "AutoModelForImageClassification"
        module = getattr(transformers, auto).from_pretrained(folder, local_files_only=True).eval()
        logits = module(pixel_values=fed.clone()).logits
    if trained.model.task.dense:  # transformers gives them coarser, and leaves it to its caller to enlarge them
        logits = functional.interpolate(logits, fed.shape[-2:], mode="bilinear", align_corners=False)
    return compared(logits, trained, probes, name), _of_backends(fed, usual, next(iter(pillow.items()), None))


def _backends(transformers: Any) -> bool:
    """Whether processors are chosen by the name of a backend, since release 5."""
    return int(transformers.__version__.partition(".")[0]) >= 5


def _of_backends(fed: torch.Tensor, usual: torch.Tensor, option: tuple[str, Any] | None) -> tuple[str, ...]:
    """A note if the processor that transformers chooses by itself resizes otherwise than Pillow, as in training."""
    worst = float((fed - usual).abs().max())
    if option is None or worst <= _ROUNDING:
        return ()
    chosen = f"AutoImageProcessor.from_pretrained(DIR, {option[0]}={option[1]!r})"
    return (f"{chosen} gives the pixels of training; without this option they differ by up to {worst:.3g} input std",)


def _processed(processor: Any, probes: ProbeImages) -> torch.Tensor:
    # One at a time, because images of different sizes cannot form a batch before they are resized.
    parts: Iterable[torch.Tensor] = (processor(as_pillow(image), return_tensors="pt")["pixel_values"] for image in probes.images)
    return torch.cat(list(parts))


def _loading(trained: TrainedModel) -> list[str]:
    builds = _builds(trained)
    auto = automatic_class(trained.folder) if _is_librarys(trained) else "AutoModelForImageClassification"
    names = f"AutoImageProcessor, {auto}" if builds else "AutoImageProcessor"
    lines = [f"from transformers import {names}", "", 'processor = AutoImageProcessor.from_pretrained("DIR")']
    if builds:
        return [*lines, f'model = {auto}.from_pretrained("DIR").eval()']
    return [*lines, "", "import tare  # transformers has no such network", "", with_tare(trained)]


def _checked(trained: TrainedModel) -> None:
    """Raise :class:`ModelError` for a model that a directory of transformers cannot hold."""
    if front_of(trained.model.takes) is not None:
        check_sound(trained)
        return
    if takes_videos(trained):
        check_video(trained)
        return
    if isinstance(trained.model.network.module, Backbone):
        found = f"{trained.reference}, for which it has none: a backbone with a linear head"
        raise ModelError("a network that a class of transformers holds whole", found, "use --format onnx, pt2 or safetensors")
    check_fixed(trained, "hf", dense=_is_librarys(trained))


FORMAT = WeightsFormat(fill, _checked)
