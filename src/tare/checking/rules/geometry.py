"""Rules on size, crop and interpolation, and on a specification that nobody stated."""

from __future__ import annotations

from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.rule import Said
from tare.input_spec.spec import Known

_ROUNDED = 0.01


def unknown_spec(evidence: Evidence) -> Iterator[Said]:
    """A network whose constants nobody stated."""
    missing = [name for name in ("mean", "std", "scale", "channels") if not isinstance(getattr(evidence.spec, name), Known)]
    if missing:
        reason = getattr(evidence.spec, missing[0]).reason
        yield Said(
            f"{' and '.join(missing)} of {evidence.network} are unknown ({reason}): values cannot be checked",
            "state what it was trained with: --spec FILE, or --mean and --std; ImageNet's constants are only a guess",
        )


def size(evidence: Evidence) -> Iterator[Said]:
    """Images of another size than the network's own."""
    seen, wanted = evidence.seen, evidence.spec.size
    if evidence.stage != "eval" or not isinstance(wanted, Known):
        return
    if seen is not None:
        found = tuple(seen.shape[1:] if seen.layout == "CHW" else seen.shape[:2])
    elif evidence.stated is not None and isinstance(evidence.stated.size, Known):
        found = evidence.stated.size.value
    else:
        return
    if found != wanted.value:
        kept = " (images keep the size they come in)" if seen is not None and found == (256, 320) else ""
        yield Said(
            f"images reach the network as {found[0]} x {found[1]} px{kept}, and it was trained or tested at "
            f"{wanted.value[0]} x {wanted.value[1]}",
            "resize and crop to the network's size, or state the size you mean with --size",
            _where(evidence, "crop", "resize"),
        )


def crop(evidence: Evidence) -> Iterator[Said]:
    """Another crop than the network was tested with."""
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
    yield Said(
        f"{_told(own.value.mode, mine, size.value)}; for the network's tests {_told(wanted.value.mode, theirs, size.value)}: "
        "objects appear at another scale or ratio",
        f"resize to {_edges(theirs)} before the crop",
        _where(evidence, "resize"),
    )


def interpolation(evidence: Evidence) -> Iterator[Said]:
    """Another interpolation than the network was tested with."""
    if evidence.stage != "eval" or evidence.stated is None:
        return
    own, wanted = evidence.stated.interpolation, evidence.spec.interpolation
    if isinstance(own, Known) and isinstance(wanted, Known) and own.value != wanted.value:
        yield Said(
            f"images are resized with {own.value} interpolation, and the network was tested with {wanted.value}",
            f"resize with interpolation {wanted.value}",
            _where(evidence, "resize"),
        )


def antialias(evidence: Evidence) -> Iterator[Said]:
    """Tensors resized without antialiasing."""
    if evidence.stage != "eval":
        return
    wanted = evidence.spec.antialias
    for index, step in evidence.steps_of("resize"):
        on_tensor = any(before.kind in ("to_tensor", "convert") for before in evidence.steps[:index])
        if on_tensor and step.values.get("antialias") is False and (not isinstance(wanted, Known) or wanted.value):
            yield Said(
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
