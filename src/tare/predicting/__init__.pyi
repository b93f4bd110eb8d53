from .api import predict as predict
from .result import Prediction as Prediction
