"""Whether a file is DICOM, by its content: such files often have names without an ending."""

from __future__ import annotations

from tare.sources.places import is_url
from tare.system.local.opened import opened


def is_dicom(place: str) -> bool:
    """Whether a local file announces itself as DICOM (part 10 of the standard: 128 bytes, then DICM)."""
    if is_url(place):
        return False
    try:
        with opened(place, 0) as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, ValueError):
        return False
