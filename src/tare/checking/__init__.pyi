from .api import CheckReport as CheckReport
from .api import check as check
from .rules.finding import Finding as Finding
