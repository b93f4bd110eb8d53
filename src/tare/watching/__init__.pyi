from .api import watch as watch
from .handle import Watch as Watch
from .result import WatchReport as WatchReport
