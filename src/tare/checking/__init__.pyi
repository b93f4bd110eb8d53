from .api import check as check
from .result import CheckReport as CheckReport
from .rules.finding import Finding as Finding
