"""Pipelines of any library as steps in common words, and what those steps together do to raw values."""

from __future__ import annotations

from tare.pipelines.spec import spec_of_steps
from tare.pipelines.value_map import affine_of_steps
from tare.pipelines.walk import steps_of

__all__ = ["affine_of_steps", "spec_of_steps", "steps_of"]
