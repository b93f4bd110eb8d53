"""``tare.export``: a trained model with its normalisation inside, in the format that a server or another library reads.

Every export is loaded back by the library it is for and compared with PyTorch before it gets its name: what differs by more
than rounding is refused, and nothing is left on disk.
"""

from __future__ import annotations

from tare.exporting.inputs import ExportRequest
from tare.exporting.result import Exported
from tare.exporting.writing import exported
from tare.system.options import verb


@verb(ExportRequest)
def export(request: ExportRequest) -> Exported:
    """Write the model in ``run`` as ``format`` to ``out``.

    ``onnx``, ``torchscript`` and ``pt2`` are one file: raw uint8 images ``(N, H, W, C)`` (or ``layout="NCHW"``), signals
    ``(N, T, C)`` or rows ``(N, C)`` of the type they are stored in go in, probabilities and logits come out, and the
    normalisation is inside; with ``with_resize`` resize and centre crop of images, or cut and padding of signals, are too.
    ``safetensors`` (a folder, or a file if ``out`` ends so), ``timm`` and ``hf`` (for images) hold the weights with what states
    the normalisation. ``images`` (or recordings, arrays, tables) are compared on instead of the run's validation samples.
    ``factory`` builds a network that no library knows. ``push`` uploads the folder to that repository of the Hugging Face hub; a
    new repository is private.

    Raises :class:`ModelError` for an unusable run or a network that the format cannot hold, :class:`ParityError` if the result
    answers otherwise than PyTorch by more than 1e-4 on logits, :class:`OutputError` for ``out``; then nothing is written.
    If only the upload fails, :class:`OutputError` says so, and the folder stays.
    """
    return exported(request)
