"""``tare.identify``: which normalisation a checkpoint was trained with, when nobody wrote it down."""

from __future__ import annotations

from tare.identifying.inputs import IdentifyRequest
from tare.identifying.ranking import identified
from tare.identifying.result import Identification
from tare.system.options import verb


@verb(IdentifyRequest)
def identify(request: IdentifyRequest) -> Identification:
    """Say which normalisation the weights ``checkpoint`` of ``model`` were trained with, from what batch norm remembers.

    ``model`` is ``timm:NAME``, ``torchvision:NAME`` or ``FILE.py:FACTORY``; ``data`` are images of the kind that the network is
    for, at best those it was trained on (say so with ``in_domain``: less is then left open). Candidates are the catalog's
    constants and what people make of them, for every order of colours, together with the augmentation of the training.

    A network without batch norm keeps no trace of its input; then ``labels`` (``"folders"``, or a CSV file of file name and class
    index) rank candidates by the likelihood of the labels.

    Raises :class:`ModelError` for weights that do not fit, are not finite or were never trained, and for a network that keeps no
    trace if there are no labels; :class:`DataError` for images that cannot tell anything.
    """
    return identified(request)
