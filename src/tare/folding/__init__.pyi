from .api import Folded as Folded
from .api import fold as fold
from .api import respec as respec
