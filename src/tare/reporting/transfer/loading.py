"""The line of Python that loads a model directory."""

from __future__ import annotations

from pathlib import Path


def loading_call(folder: Path, reference: str, *, in_timm: bool) -> str:
    """Python that builds the network in ``folder``: timm's own where it can, else ours, with the file that builds it."""
    if in_timm:
        return f"timm.create_model({f'local-dir:{folder}'!r}, pretrained=True)"
    factory = f", {reference!r}" if ".py:" in reference else ""
    return f"tare.load_model({str(folder)!r}{factory}).network.module"
