"""Rules on size, crop and interpolation, and on a specification that nobody stated."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import Problem, rule
from tare.input_spec.spec import Known

_ROUNDED = 0.01


@rule(
    "TARE080",
    "unknown-spec",
    "warning",
    wrong="model = Net(); model.load_state_dict(...)",
    right="tare check pipeline.py:transform --mean 0.5 --std 0.5",
)
def unknown_spec(evidence: Evidence) -> Iterator[Problem]:
    """Nobody stated what the network expects.

    A network without a configuration may have been trained with any constants. ImageNet's would be a guess, and tare does not
    guess.
    """
    missing = [name for name in ("mean", "std", "scale", "channels") if not isinstance(getattr(evidence.spec, name), Known)]
    if missing:
        reason = getattr(evidence.spec, missing[0]).reason
        yield Problem(
            f"{' and '.join(missing)} of {evidence.network} are unknown ({reason}): values cannot be checked",
            "state what the network was trained with: --spec FILE, or --mean and --std; ImageNet's constants are only a guess",
        )


@rule(
    "TARE070",
    "size",
    "warning",
    wrong="v2.Resize((128, 128)) for a network tested at 224",
    right="v2.Resize(256), v2.CenterCrop(224)",
)
def other_size(evidence: Evidence) -> Iterator[Problem]:
    """Another input size.

    Most networks accept any size, but classify worse at sizes other than those they were trained or tested at.
    """
    seen, wanted = evidence.seen, evidence.spec.size
    if evidence.stage != "eval" or not isinstance(wanted, Known):
        return
    if seen is not None:
        if seen.size is None:
            return
        found = seen.size
    elif evidence.stated is not None and isinstance(evidence.stated.size, Known):
        found = evidence.stated.size.value
    else:
        return
    if found != wanted.value:
        kept = " (images keep the size they come in)" if seen is not None and found == (256, 320) else ""
        yield Problem(
            f"images reach the network as {found[0]} x {found[1]} px{kept}, and the network was trained or tested at "
            f"{wanted.value[0]} x {wanted.value[1]}",
            "resize and crop to the network's size, or state the size you mean with --size",
            _where(evidence, "crop", "resize"),
        )


@rule("TARE071", "crop", "warning", wrong="v2.Resize(224), v2.CenterCrop(224)", right="v2.Resize(256), v2.CenterCrop(224)")
def other_crop(evidence: Evidence) -> Iterator[Problem]:
    """Another crop.

    The share of the image that the crop keeps decides how large objects appear. Networks differ: for a crop of 224 they resize to
    256, 248, 235 or 224.
    """
    stated, size = evidence.stated, evidence.spec.size
    if evidence.stage != "eval" or stated is None or not isinstance(size, Known):
        return
    own, wanted = stated.crop, evidence.spec.crop
    same_size = isinstance(stated.size, Known) and stated.size.value == size.value
    if not (same_size and isinstance(own, Known) and isinstance(wanted, Known)) or "none" in (own.value.mode, wanted.value.mode):
        return
    mine, theirs = own.value.resized(size.value), wanted.value.resized(size.value)
    modes = (own.value.mode, wanted.value.mode)
    if _as_large(mine, theirs) and (modes[0] == modes[1] or "border" not in modes):
        return
    yield Problem(
        f"{_told(own.value.mode, mine, size.value)}; for the network's tests {_told(wanted.value.mode, theirs, size.value)}: "
        "objects appear at another scale or ratio",
        f"resize to {_edges(theirs)} before the crop",
        _where(evidence, "resize"),
    )


@rule(
    "TARE072",
    "interpolation",
    "warning",
    wrong="v2.Resize(256)   # bilinear",
    right="v2.Resize(256, interpolation=InterpolationMode.BICUBIC)",
)
def other_interpolation(evidence: Evidence) -> Iterator[Problem]:
    """Another interpolation.

    Each interpolation blurs edges and adds ringing in its own way. The network was trained with one of them.
    """
    if evidence.stage != "eval" or evidence.stated is None:
        return
    own, wanted = evidence.stated.interpolation, evidence.spec.interpolation
    if isinstance(own, Known) and isinstance(wanted, Known) and own.value != wanted.value:
        yield Problem(
            f"images are resized with {own.value} interpolation, and the network was tested with {wanted.value}",
            f"resize with interpolation {wanted.value}",
            _where(evidence, "resize"),
        )


@rule(
    "TARE073",
    "antialias",
    "warning",
    wrong="v2.Resize(224, antialias=False) on a tensor",
    right="v2.Resize(224, antialias=True)",
)
def no_antialias(evidence: Evidence) -> Iterator[Problem]:
    """Resized without antialiasing.

    PIL always filters an image before it shrinks it. A tensor is filtered only with antialias=True.
    """
    if evidence.stage != "eval":
        return
    wanted = evidence.spec.antialias
    for index, step in evidence.steps_of("resize"):
        on_tensor = any(before.kind in ("to_tensor", "convert") for before in evidence.steps[:index])
        if on_tensor and step.values.get("antialias") is False and (not isinstance(wanted, Known) or wanted.value):
            yield Problem(
                "tensors are resized without antialiasing: fine texture becomes noise that the network did not see in training",
                "pass antialias=True, or resize the PIL image before it becomes a tensor",
                step.where,
            )


def _as_large(mine: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    """Whether edges agree to one percent; libraries round them differently (299 / 0.875 is 341 or 342)."""
    return len(mine) == len(theirs) and all(abs(a - b) <= _ROUNDED * b for a, b in zip(mine, theirs, strict=True))


def _told(mode: str, resized: tuple[int, ...], size: tuple[int, int]) -> str:
    kept = "" if resized == size else f", and the middle {_edges(size)} is kept"
    lost = " whatever their ratio" if mode == "squash" else ", and padded" if mode == "border" else ""
    return f"images are resized to {_edges(resized)}{lost}{kept}"


def _edges(resized: tuple[int, ...]) -> str:
    return f"a shorter edge of {resized[0]}" if len(resized) == 1 else f"{resized[0]} x {resized[1]}"


def _where(evidence: Evidence, *kinds: str) -> str:
    return next((step.where for _, step in evidence.steps_of(*kinds)), "")
