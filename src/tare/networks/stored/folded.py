"""Fold or respec a network given by name, and write a directory that :func:`tare.load_model` loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tare.datasets.signal_batches import is_wide
from tare.errors import ModelError, SpecError
from tare.folding.api import Folded, affine_of, respecced, rewritten
from tare.folding.first_layers import KEEP_IN_FRONT
from tare.folding.verification import verified
from tare.input_spec.affine import Affine
from tare.input_spec.consistency import check_one_order
from tare.input_spec.geometry import NOUNS, Geometry, InputGeometry, RowGeometry, SignalGeometry, SoundGeometry, VolumeGeometry
from tare.input_spec.model_file import model_file
from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.networks.building.hugging_face import named_classes
from tare.networks.building.sound import whole
from tare.networks.loading import load_network
from tare.networks.network import Network
from tare.networks.stated_images import network_geometry
from tare.networks.stored.directory import TransferredModel, load_model, save_model
from tare.networks.stored.inputs import FoldRequest, RespecRequest, Rewriting
from tare.networks.stored.output import check_free
from tare.networks.stored.references import arriving_as, fed_with, reference_json
from tare.normalisation.applied import Normalisation
from tare.readers.table import read_spec
from tare.samples.constants import as_code_values
from tare.samples.layout import clipped, unit_scale
from tare.samples.sound.front_end import FrontEnd
from tare.system.shown import numbers
from tare.tasks.task import Task

SCHEMA = "tare.fold/1"


@dataclass(frozen=True, slots=True)
class FoldedDirectory:
    """A folded network and its directory; ``loads_in_timm`` says whether timm's ``local-dir:`` loads it."""

    out: Path
    reference: str
    folded: Folded
    loads_in_timm: bool
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON object that ``tare fold --json`` prints."""
        return {"schema": SCHEMA, "out": str(self.out), "network": self.reference, **_record(self.folded, self.loads_in_timm)}


def fold_to(request: FoldRequest) -> FoldedDirectory:
    """Fold the normalisation of ``source`` into it and write the directory ``out``.

    ``source`` is a run or model directory, or ``timm:NAME``, ``hf:DIR_OR_ID`` or ``FILE.py:FACTORY`` with ``weights``. ``spec``
    is anything that :func:`tare.read_spec` reads, and by default the network's own specification; ``mean`` and ``std`` (unit
    values, one or one per channel) replace its constants. Raises :class:`TareError` if the network cannot be read, folded
    exactly, or written.
    """
    out, takes = Path(request.out), request.takes
    check_free(out, overwrite=request.overwrite)
    model = opened(request)
    _check_bytes(model.takes, takes)
    stated, affine = _convention(model, request)
    channels = len(affine.order)
    known = (channels, *stated.size.value) if isinstance(stated.size, Known) else None
    made = rewritten(model.network.module, affine, takes, model.shape or known)
    step = 1.0 if takes == "unit" else 1 / 255  # raw bytes are unit values divided by 1/255
    return _written(out, model, made, stated, Normalisation("none", (0.0,) * channels, (step,) * channels))


def respec_to(request: RespecRequest) -> FoldedDirectory:
    """Rewrite ``source`` for input normalised under ``to_spec`` and write the directory ``out``; see :func:`fold_to`."""
    out = Path(request.out)
    check_free(out, overwrite=request.overwrite)
    model = opened(request)
    if request.gain is not None and request.offset is not None:
        return _undone(out, model, request, tuple(request.gain), tuple(request.offset))
    before = _stated_now(model, request)
    after, unit = _wanted(model, before, request)
    if unit.order != tuple(range(len(unit.order))):
        raise SpecError(
            "a target spec in red, green, blue order",
            "BGR",
            "use tare.folding.respec, or state the same constants in RGB order",
        )
    made = respecced(model.network.module, before, after, shape=model.shape)
    mean, std = _constants(unit)
    return _written(out, model, made, before, Normalisation("source", mean, std))


def _undone(
    out: Path, model: Opened, request: RespecRequest, gain: tuple[float, ...], offset: tuple[float, ...]
) -> FoldedDirectory:
    """Rewrite the network for values ``gain * x + offset`` that are normalised as before, so that it sees those of x."""
    before = _stated_now(model, request)
    unit = affine_of(before, "unit")
    if len(gain) != len(unit.order):
        raise SpecError(f"a gain and an offset for each of {len(unit.order)} channels", f"{len(gain)}", "state as many")
    takes = padded_alike(model.takes, gain, offset)
    own = tuple(range(len(gain)))
    whole = unit.inverse()
    plain = Affine(own, whole.scale, whole.shift)  # the rewritten network takes the channels in the order of the values
    made = rewritten(model.network.module, plain.then(Affine(own, gain, offset).inverse()).then(unit), "normalised", model.shape)
    kept = None if model.reference is None else arriving_as(model.reference, gain, offset)
    model = replace(model, takes=takes, reference=kept)
    return _written(out, model, made, before, Normalisation("source", whole.shift, whole.scale))


def _stated_now(model: Opened, request: RespecRequest) -> InputSpec:
    """How the network's input is normalised now.

    Raises :class:`SpecError` for what is unknown of it: the options for constants are those of the new input.
    """
    before, remedy = _stated(model, request.from_spec), "say how its input is normalised now: --from SPEC, such as timm:NAME"
    if request.from_spec is not None:
        remedy = f"state it in {request.from_spec}, which --from names, or name another"
    for name in ("scale", "mean", "std", "channels"):
        before.require(name, remedy)
    return before


def padded_alike(takes: InputGeometry, gain: Sequence[float], offset: Sequence[float]) -> InputGeometry:
    """How samples that arrive as ``gain * x + offset`` are padded, so that the network sees the padding of x.

    Raises :class:`ModelError` for an offset where samples are padded with zeros, whatever arrives.
    """
    if isinstance(takes, SignalGeometry | VolumeGeometry) and takes.pad is not None:
        return replace(takes, pad=tuple(g * value + o for g, o, value in zip(gain, offset, takes.pad, strict=True)))
    if any(offset) and _pads_with_zeros(takes):
        found = f"{NOUNS[takes.kind]} that are padded with zeros, which would arrive as {numbers(offset)}"
        remedy = f"undo the change in the {NOUNS[takes.kind]}, and keep the network"
        raise ModelError("padding that can change with the values that arrive", found, remedy)
    return takes


def _pads_with_zeros(takes: InputGeometry) -> bool:
    """Whether short samples get raw zeros: a spectrogram's missing frames, and what a crop lacks of a smaller image."""
    if isinstance(takes, Geometry) and takes.crop_mode != "border":
        edges = takes.crop.resized(takes.size)
        return any(edge < room for edge, room in zip((*edges, *edges)[:2], takes.size, strict=True))
    return isinstance(takes, SoundGeometry)


def _check_border(takes: InputGeometry, zero: Sequence[float], chosen: Normalisation) -> None:
    """Raise :class:`ModelError` where the border of images, which has the colour that ``chosen`` maps to 0, is another now.

    ``zero`` are the unit values that the network has as 0.
    """
    if not isinstance(takes, Geometry) or takes.crop_mode != "border":
        return
    before, after = clipped(zero, takes.raw_dtype), chosen.border(takes.raw_dtype) or ()
    if not np.allclose(before, after, rtol=1e-6, atol=1e-6):
        found = f"{numbers(before)} in unit values, and images that would be surrounded by {numbers(after)}"
        remedy = "use tare.fold or tare.folding.respec in Python, and pad images with that colour"
        raise ModelError("a border of the same colour for the rewritten network", found, remedy)


def _checked_floats(model: Opened, made: Folded) -> Folded:
    """The rewritten network of doubles, verified near their mean: its input is float32, and in front of it they are doubles.

    Raises :class:`ModelError` where float32 cannot tell them apart.
    """
    if not isinstance(model.takes, SignalGeometry | RowGeometry) or not is_wide(model.takes.raw_dtype):
        return made
    try:
        return replace(made, verification=verified(model.network.module, made.network, made.plan, normal=True))
    except ModelError as error:
        found = (
            f"{error.found}: float32, which the rewritten network takes, rounds {model.takes.raw_dtype} values this far from 0"
        )
        raise ModelError(error.expected, found, KEEP_IN_FRONT) from None


def _wanted(model: Opened, before: InputSpec, request: RespecRequest) -> tuple[InputSpec, Affine]:
    """The specification that the rewritten network takes, and its map from unit values."""
    if request.mean is None or request.std is None:
        after = read_spec(request.to_spec)
        return after, affine_of(after, "unit")
    after = _with_constants(model, before, request.mean, request.std)
    stored = before.raw_dtype
    scale = unit_scale(stored.value) if isinstance(stored, Known) else before.require("scale")
    after = replace(after, scale=Known(float(scale), "--mean and --std are unit values"))
    return after, affine_of(after, "unit")


@dataclass(frozen=True, slots=True)
class Opened:
    """A network to fold, its input specification and geometry, its input shape if known, and its reference if it has one."""

    network: Network
    expects: InputSpec
    takes: InputGeometry
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    shape: tuple[int, ...] | None
    reference: dict[str, Any] | None = None
    task: Task | None = None
    share: float = 1.0


def opened(request: Rewriting) -> Opened:
    """Load a run directory, a model directory, or a network by name.

    A network that takes a share of its normalised input is opened without it, and its specification divides by as much more.
    """
    found = _opened(request)
    module, share = whole(found.network.module)
    std = found.expects.std
    if share == 1.0 or not isinstance(std, Known):
        return found
    expects = replace(found.expects, std=Known(tuple(value / share for value in std.value), std.origin))
    return replace(found, network=replace(found.network, module=module), expects=expects, share=share)


def _opened(request: Rewriting) -> Opened:
    source = request.source
    stored = model_file(Path(source))
    if stored is None and Path(source).is_dir():
        raise ModelError("a run or model directory with a tare.json", f"none in {source!r}", "name RUN or RUN/model")
    if stored is None:
        network = load_network(source, request.weights, trusted=request.trust_remote_code)
        if network.front is not None:
            return _of_sound(network, network.front, source)
        geometry, notes = network_geometry(network, None, None, None)
        known = isinstance(network.spec.size, Known) and isinstance(network.spec.mean, Known)
        shape = (len(network.spec.require("mean")), *geometry.size) if known else None
        return Opened(network, network.spec, geometry, _classes(network), (*network.notes, *(() if known else notes)), shape)
    model = load_model(stored.parent, request.factory, trust_remote_code=request.trust_remote_code)
    if not model.normalisation.is_affine:
        found, remedy = model.normalisation.why_not_affine(), "transfer with another strategy to fold the network"
        raise ModelError("one mean and std for all samples and values", found, remedy)
    whole: tuple[int, ...] = (len(model.normalisation.mean), *model.takes.shape)
    reference = reference_json(stored.parent)
    return Opened(model.network, model.spec(), model.takes, model.classes, (), whole, reference, model.task)


def _of_sound(network: Network, front: FrontEnd, source: str) -> Opened:
    """A network for sound by its name; that of a waveform has a length only once it has been trained."""
    if front.size is None:
        remedy = "transfer it first, and name the run"
        raise ModelError("a network whose input has a stated size", f"{source}, which takes waveforms of any length", remedy)
    return Opened(network, network.spec, SoundGeometry(front), _classes(network), network.notes, (1, *front.size))


def _classes(network: Network) -> tuple[str, ...]:
    return named_classes(network.module) if network.head_trained else ()


def _stated(model: Opened, spec: Any) -> InputSpec:
    """The specification that the user names, else the network's own.

    Raises :class:`SpecError` for one that names the channels of the network in other places, or of other raw values.
    """
    stated = model.expects if spec is None else read_spec(spec)
    check_one_order(model.expects.channels, stated.channels)
    kinds = [each.raw_dtype.value for each in (model.expects, stated) if isinstance(each.raw_dtype, Known)]
    if len(set(kinds)) > 1:
        raise SpecError(f"a specification of {kinds[0]} values, as the network takes", f"one of {kinds[1]}", "correct the spec")
    return stated


def _convention(model: Opened, request: FoldRequest) -> tuple[InputSpec, Affine]:
    """The specification that is folded, and its map from what the folded network takes."""
    if request.mean is None or request.std is None:
        stated = _stated(model, request.spec)
        return stated, affine_of(stated, request.takes)
    stated = _with_constants(model, model.expects, request.mean, request.std)
    if isinstance(stated.raw_dtype, Unknown) and request.takes == "uint8":
        stated = replace(stated, raw_dtype=Known("uint8", "--input uint8"))
    if isinstance(stated.raw_dtype, Known):
        scale = Known(float(unit_scale(stated.raw_dtype.value)), "--mean and --std are unit values")
        stated = replace(stated, scale=scale)
        return stated, affine_of(stated, request.takes)
    # The constants and the input are unit values, whatever type the raw values have.
    as_floats = replace(stated, raw_dtype=Known("float32", "--input unit"), scale=Known(1.0, "--input unit"))
    return replace(stated, scale=Unknown("the type of raw values is unknown")), affine_of(as_floats, "unit")


def _with_constants(model: Opened, spec: InputSpec, mean: Sequence[float], std: Sequence[float]) -> InputSpec:
    """The specification with other constants, one for all channels or one for each.

    Raises :class:`SpecError` for constants of images that cannot be unit values, or are for another number of channels.
    """
    error = as_code_values(mean, std, takes_scale=False) if isinstance(model.takes, Geometry) else None
    if error is not None:
        raise error
    channels = model.network.channels
    counts = {len(mean), len(std)}
    count = max(counts) if max(counts) > 1 else channels
    if not counts <= {1, count}:
        raise SpecError("one --mean and one --std, or one of each per channel", f"{len(mean)} and {len(std)}", "state as many")
    std = [value / model.share for value in std]
    u, s = (tuple(map(float, values)) * (count if len(values) == 1 else 1) for values in (mean, std))
    stated = InputSpec.of(u, s, origin="--mean and --std")
    names = spec.channels if isinstance(spec.mean, Known) and len(spec.mean.value) == count else stated.channels
    return replace(spec, mean=stated.mean, std=stated.std, channels=stated.channels if isinstance(names, Unknown) else names)


def _check_bytes(given: InputGeometry, takes: str) -> None:
    """Raise :class:`SpecError` for ``takes="uint8"`` with data of another dtype."""
    if takes == "uint8" and not isinstance(given, Geometry) and given.raw_dtype != "uint8":
        raise SpecError("uint8 data for --input uint8", f"{given.raw_dtype} data", "use --input unit")


def _written(out: Path, model: Opened, made: Folded, source_spec: InputSpec, normalisation: Normalisation) -> FoldedDirectory:
    made = _checked_floats(model, made)
    network = replace(model.network, module=made.network)
    takes = model.takes
    _check_border(takes, normalisation.affine().then(made.plan.affine).inverse().shift, normalisation)
    if len(made.plan.shape) == 3 and isinstance(takes, Geometry):
        takes = replace(takes, size=(made.plan.shape[1], made.plan.shape[2]))
    loads = model.network.is_timm and made.plan.keeps_architecture and made.plan.takes != "uint8"
    save_model(
        out,
        TransferredModel(network, normalisation, takes, model.classes, model.task),
        source_spec=source_spec,
        target_stats=None,
        evidence={"fold": asdict(made.verification)},
        fold=_record(made, loads),
        reference=None if model.reference is None else fed_with(model.reference, normalisation.mean, normalisation.std),
    )
    return FoldedDirectory(out, model.network.reference, made, loads, model.notes)


def _record(made: Folded, loads_in_timm: bool) -> dict[str, Any]:
    plan = made.plan
    return {
        "takes": plan.takes,
        "affine": {"order": list(plan.affine.order), "a": list(plan.affine.scale), "b": list(plan.affine.shift)},
        "shape": list(plan.shape),
        "layers": [
            {"name": layer.name, "kind": layer.kind, **asdict(layer.form), "zero": layer.zero.tolist()} for layer in plan.layers
        ],
        "front": plan.front,
        "verification": asdict(made.verification),
        "loads_in_timm": loads_in_timm,
    }


def _constants(unit: Affine) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and std that correspond to a map from unit values."""
    std = tuple(1.0 / a for a in unit.scale)
    return tuple(-b * s for b, s in zip(unit.shift, std, strict=True)), std
