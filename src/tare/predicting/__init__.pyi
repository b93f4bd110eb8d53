from .api import Prediction as Prediction
from .api import predict as predict
