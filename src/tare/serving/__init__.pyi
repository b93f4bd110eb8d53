from .middleware import MonitorMiddleware as MonitorMiddleware
from .page_server import PageServer as PageServer
from .page_server import show as show
from .prometheus import MonitorCollector as MonitorCollector
from .run_logging import log_mlflow as log_mlflow
from .run_logging import log_wandb as log_wandb
from .telemetry import observe as observe
