"""``tare.predict``: what a trained model says about samples, from nothing but its own directory."""

from __future__ import annotations

from tare.errors import ModelError
from tare.networks.stored.trained import open_trained
from tare.predicting.answers import predictions
from tare.predicting.inputs import PredictRequest
from tare.predicting.result import Prediction
from tare.predicting.samples import inputs_of
from tare.system.handed.arguments import place_of
from tare.system.options import verb


@verb(PredictRequest)
def predict(request: PredictRequest) -> list[Prediction]:
    """Classify ``images`` (files, folders, patterns; see :func:`tare.sources.named_files.image_paths`) with the model in ``run``.

    Signals are recordings or arrays; rows are those of tables or arrays (:mod:`tare.predicting.number_inputs`). Samples are read,
    sized and normalised as in validation, and answered in the order given. A sample that cannot be read gets a prediction with
    ``error``. Batch size and workers change the probabilities by rounding only, about 1e-6.

    Raises :class:`ModelError` if ``run`` holds no usable model, :class:`DataError` if there is no image at all.
    """
    trained = open_trained(place_of(request.run, "a run", ModelError), request.factory, trusted=request.trust_remote_code)
    result = []
    for answer in predictions(trained, inputs_of(trained, request.images, request.allow, request.layout), request):
        result.append(answer)
        if request.progress is not None:
            request.progress(1)
    return result
