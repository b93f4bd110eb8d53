from .api import explain as explain
from .result import Explanation as Explanation
