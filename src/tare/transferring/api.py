"""``tare.transfer``: fine-tune a network on a target with the normalisation that a strategy chooses."""

from __future__ import annotations

from tare.system.options import verb
from tare.transferring.inputs import TransferRequest
from tare.transferring.protocols import transferred
from tare.transferring.result import TransferRun


@verb(TransferRequest)
def transfer(request: TransferRequest) -> TransferRun:
    """Transfer ``model`` to the labelled samples ``data`` and write a run directory ``out``.

    Samples are what the network takes: images, or with ``tare:cnn1d`` signals and with ``tare:mlp`` rows of numbers. ``data`` is
    a folder with one folder per class (in ``train/`` and ``val/``, if there), or what else holds labelled samples: a manifest,
    tar shards, Parquet, ``.npz``, a table, a torch or Hugging Face dataset. :class:`tare.datasets.split.LabelOptions` says how
    labels are named.

    The pipeline is augmentation on raw pixels, scaling to [0, 1], then ``(x - mean) / std`` as ``strategy`` says. The
    source's constants are the network's own; ``mean`` and ``std`` (unit values) state them where it states none, or ``spec``
    (see :func:`tare.networks.stated_spec.with_spec`) does, with whatever else it says. Target statistics come from the training
    split only. ``size`` (pixels), ``interpolation`` (timm's name) and ``crop`` (the share of the resized edge that the centre
    crop keeps) are the network's own unless stated; ``length`` (steps of a signal) is that of the run that the network comes
    from, else the median of the training split. ``protocol`` trains the head, then all weights (``finetune``), all of them
    drawn from ``seed`` (``scratch``), or a logistic head on frozen features (``probe``). The other options are those of
    :mod:`tare.training.options`.

    Raises a :class:`tare.TareError` for anything unusable, before ``out`` is made.
    """
    return transferred(request)
