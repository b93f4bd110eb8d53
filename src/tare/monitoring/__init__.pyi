from .api import drift as drift
from .monitor import Monitor as Monitor
from .reference import Reference as Reference
from .result import Verdict as Verdict
from .seasons import Seasons as Seasons
