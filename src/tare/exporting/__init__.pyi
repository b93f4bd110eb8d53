from .api import export as export
from .result import Exported as Exported
