"""tare: input normalisation done right in transfer learning.

``tare.measure`` measures a dataset's statistics and ``tare.transfer`` trains with them and ships them inside the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tare._version import __version__ as __version__

if TYPE_CHECKING:
    from tare.advising import advise
    from tare.checking import check
    from tare.comparison import compare
    from tare.dataset_stats import DatasetStats
    from tare.errors import TareError
    from tare.exporting import export
    from tare.folding import fold
    from tare.identifying import identify
    from tare.input_spec import InputSpec
    from tare.measuring import measure
    from tare.model_dir import load_model
    from tare.reading import read_spec
    from tare.studies.studying import study
    from tare.transferring import transfer
    from tare.watching import watch

__all__ = [
    "DatasetStats",
    "InputSpec",
    "TareError",
    "advise",
    "check",
    "compare",
    "export",
    "fold",
    "identify",
    "load_model",
    "measure",
    "read_spec",
    "study",
    "transfer",
    "watch",
]

# The window stays light: what is behind it loads when it is looked at.
_HOMES = {
    "DatasetStats": "tare.dataset_stats",
    "InputSpec": "tare.input_spec",
    "TareError": "tare.errors",
    "advise": "tare.advising",
    "check": "tare.checking",
    "compare": "tare.comparison",
    "export": "tare.exporting",
    "fold": "tare.folding",
    "identify": "tare.identifying",
    "load_model": "tare.model_dir",
    "measure": "tare.measuring",
    "read_spec": "tare.reading",
    "study": "tare.studies.studying",
    "transfer": "tare.transferring",
    "watch": "tare.watching",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tare' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
