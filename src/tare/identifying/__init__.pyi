from .api import identify as identify
from .result import Identification as Identification
