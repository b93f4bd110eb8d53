"""tare: input normalisation done right in transfer learning.

``tare.measure`` measures a dataset's statistics and ``tare.transfer`` trains with them and ships them inside the model.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

# ``python -m tare`` looks for modules in the working directory first. Data lie there: a file ``numpy.py`` is not to be run.
if sys.argv[:1] == ["-m"] and "tare" in sys.orig_argv and not sys.flags.safe_path:
    with suppress(OSError):  # the working directory is gone
        _here, _own = (os.path.realpath(place) for place in (os.curdir, os.path.join(__path__[0], os.pardir)))
        if os.path.realpath(sys.path[0]) == _here != _own:
            del sys.path[0]

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
