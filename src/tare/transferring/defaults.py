"""Defaults of a transfer that follow the network: one without weights is trained from scratch on the target's statistics."""

from __future__ import annotations

from dataclasses import replace

from tare.networks.loading import built_for
from tare.transferring.inputs import TransferRequest


def settled(request: TransferRequest) -> tuple[TransferRequest, tuple[str, ...]]:
    """Replace the options that were left to their defaults by those that fit the network; also say what was replaced.

    What is stated stays: ``--strategy source`` for a network without weights is refused later, with the reason.
    """
    if request.forecast is not None and request.strategy is None:
        request = replace(request, strategy="sample")
    weightless = request.weights in ("pretrained", "none") and built_for(request.model) is not None
    stated = request.mean is not None or request.std is not None or request.spec is not None
    if not weightless:
        return (replace(request, strategy="source") if request.strategy is None else request), ()
    chosen = []
    if request.protocol == "finetune":
        request = replace(request, protocol="scratch")
        chosen.append("it is trained from scratch (--protocol scratch)")
    if request.strategy in (None, "auto") and not stated:
        request = replace(request, strategy="target")
        chosen.append("the mean and std are those of your training split (--strategy target)")
    elif request.strategy is None:
        request = replace(request, strategy="source")
    return request, (f"{request.model} has no pretrained weights: {', and '.join(chosen)}",) if chosen else ()
