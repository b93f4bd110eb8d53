"""``tare.identify``: find out which normalisation a checkpoint was trained with."""

from __future__ import annotations

from tare.identifying.inputs import IdentifyRequest
from tare.identifying.ranking import identified
from tare.identifying.result import Identification
from tare.system.options import verb


@verb(IdentifyRequest)
def identify(request: IdentifyRequest) -> Identification:
    """Find the normalisation that the weights ``checkpoint`` of ``model`` were trained with, from the moments in batch norm.

    ``model`` is ``timm:NAME``, ``torchvision:NAME``, ``hf:DIR_OR_ID`` or ``FILE.py:FACTORY``; without it the architectures of
    timm and torchvision are searched for the one whose tensors fit. ``data`` are images of the kind that the network
    takes, at best images of its training data; state that with ``in_domain``, and fewer candidates remain. Candidates are the
    catalog's constants and their common variants, in both orders of colours, each under every known training augmentation.

    A network without batch norm stores no moments of its input. Then ``labels`` (``"folders"``, or a CSV file of file name and
    class index) rank the candidates by the likelihood of the labels.

    Raises :class:`ModelError` for weights that do not fit, are not finite or were never trained, and for a network without batch
    norm if there are no ``labels``; :class:`DataError` for too few, constant or repeated images.
    """
    return identified(request)
