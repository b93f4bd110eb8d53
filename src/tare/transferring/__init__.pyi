from .api import transfer as transfer
from .result import TransferRun as TransferRun
