from .api import advise as advise
from .result import Advice as Advice
