"""tare: input normalisation done right in transfer learning.

``tare.measure`` measures a dataset's statistics and ``tare.transfer`` trains with them and ships them inside the model.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from tare._version import __version__ as __version__

# What stands in ``__init__.pyi`` loads when it is looked at.
_loaded, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    try:
        return _loaded(name)
    except ModuleNotFoundError as error:
        from tare.system.optional import missing

        told = missing(error)
        if told is None:
            raise
        raise told from None
