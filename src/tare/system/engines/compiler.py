"""Numba, which reads no settings from the working directory: a file there could name a folder of pickled code as its cache."""

from __future__ import annotations

from typing import Any

import numba

_settings: Any = numba.core.config
_settings._config_fname = ""  # else ``.numba_config.yaml``, whichever folder the data lie in, before each compilation
numba.core.config.reload_config()

__all__ = ["numba"]
