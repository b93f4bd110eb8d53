"""tare: input normalisation done right in transfer learning.

``tare.measure`` measures a dataset's statistics and ``tare.transfer`` trains with them and ships them inside the model.
"""

from __future__ import annotations

import lazy_loader

from tare._version import __version__ as __version__

# What stands in ``__init__.pyi`` loads when it is looked at.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
