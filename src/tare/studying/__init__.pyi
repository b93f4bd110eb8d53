from .api import study as study
from .execution.running import StudyRun as StudyRun
