from .api import study as study
from .result import StudyRun as StudyRun
