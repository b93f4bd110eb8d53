__version__: str
__all__: list[str]

from .advising.api import advise as advise
from .advising.explaining.api import explain as explain
from .checking.api import check as check
from .checking.api import rule as rule
from .checking.linting.api import check_code as check_code
from .comparing.api import compare as compare
from .errors import TareError as TareError
from .exporting.api import export as export
from .folding.api import fold as fold
from .folding.api import respec as respec
from .identifying.api import identify as identify
from .input_spec.spec import InputSpec as InputSpec
from .measuring.api import measure as measure
from .networks.stored.directory import load_model as load_model
from .parts.normaliser import Normaliser as Normaliser
from .parts.standardiser import Standardiser as Standardiser
from .predicting.api import predict as predict
from .readers.api import spec as spec
from .readers.table import read_spec as read_spec
from .reporting.api import report as report
from .statistics.dataset_stats import DatasetStats as DatasetStats
from .studying.api import study as study
from .transferring.api import transfer as transfer
from .watching.api import watch as watch
