"""``tare.transfer``: train a network on your data under a normalisation strategy."""

from __future__ import annotations

from tare.system.options import verb
from tare.transferring.inputs import TransferRequest
from tare.transferring.protocols import transferred
from tare.transferring.result import TransferRun


@verb(TransferRequest)
def transfer(request: TransferRequest) -> TransferRun:
    """Transfer ``model`` to the labelled samples ``data`` and write a run directory ``out``.

    The network determines the kind of samples: images, or signals (``tare:cnn1d``) or rows of numbers (``tare:mlp``). ``data``
    is a folder with one folder per class (within ``train/`` and ``val/`` if present), a manifest, tar shards, Parquet, ``.npz``,
    a table, or a torch or Hugging Face dataset. :class:`tare.datasets.options.LabelOptions` describes how labels are named.

    Training images are augmented as raw pixels, scaled to [0, 1], then normalised by ``(x - mean) / std`` under ``strategy``.
    The source's constants are the network's own, unless ``mean`` and ``std`` (unit values) or ``spec`` (see
    :func:`tare.networks.stated_spec.with_spec`) state them. Target statistics come from the training split only. ``protocol``
    ``finetune`` trains the head, then all weights; ``scratch`` trains all weights, drawn from ``seed``; ``probe`` fits a logistic
    head on frozen features.

    Raises a :class:`tare.TareError` for unusable options or data, before ``out`` is made.
    """
    return transferred(request)
