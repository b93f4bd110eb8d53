from .api import compare as compare
from .shift import Comparison as Comparison
