from .api import Watch as Watch
from .api import watch as watch
from .result import WatchReport as WatchReport
