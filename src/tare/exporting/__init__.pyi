from .api import Exported as Exported
from .api import export as export
