"""Watch the batches that reach a network in any loop, and report inputs that differ from its training."""

from __future__ import annotations

import os
from typing import Any

import torch

from tare.errors import SpecError, short_repr
from tare.monitoring.monitor import Monitor
from tare.statistics.dataset_stats import DatasetStats
from tare.system.handed.arguments import of_kind
from tare.watching.expectation import expectation
from tare.watching.handle import OnFinding, Watch
from tare.watching.monitored import monitored


def watch(
    model: torch.nn.Module,
    spec: Any = None,
    *,
    batches: int = 8,
    every: int = 1000,
    on_finding: OnFinding = "warn",
    input: int | str | None = None,  # noqa: A002 - what the network's own signature is about
    data: DatasetStats | str | os.PathLike[str] | None = None,
    monitor: Monitor | str | os.PathLike[str] | bool | None = None,
) -> Watch:
    """Watch what reaches a network: the first ``batches`` of training and of evaluation, then one in ``every`` (0: none).

    ``spec`` is whatever :func:`tare.read_spec` reads; without one the model's own is read. If the model states none, a note says
    so once, and only shape, dtype, NaN and scaling by own values are checked. ``input``: position or name of the argument that
    holds the values. ``data`` are statistics of your own data (or their file): normalising with them is then no mistake.
    ``on_finding``: ``warn`` with a :class:`TareWarning` once per code (in the first process only), ``raise`` an
    :class:`InputError`, or call a function with each :class:`Finding`. Use it before the loop; ``with`` or ``remove`` end it.
    ``monitor``: test every evaluation batch against what the network was trained on, too (:class:`tare.Monitor`): a monitor with
    ``values="fed"``, what carries a reference, or True where ``spec`` carries one. ``Watch.monitor`` has its verdict. Every
    batch counts as new samples, so it is for data that are fed once, not for a validation set that is evaluated again and again.

    Nothing waits for the device, the model's state is unchanged, and copies and pickles of the model are not watched. A forward
    pre-hook that changes the input, as one that normalises, is to be registered before.
    Raises :class:`SpecError` if ``spec`` cannot be read, or for invalid options, and :class:`ModelError` for what is no network.
    """
    for name, number in (("batches", batches), ("every", every)):
        of_kind(number, int, f"a whole number as {name}", "leave it out for the usual one")
    if batches < 1 or every < 0:
        raise SpecError(
            "batches >= 1 and every >= 0", f"batches={batches} and every={every}", "every=0 ends after the first batches"
        )
    if not callable(on_finding) and on_finding not in ("warn", "raise"):
        raise SpecError("on_finding 'warn', 'raise' or a function", short_repr(on_finding), "pass a function of one Finding")
    return Watch(model, expectation(model, spec, data), batches, every, on_finding, input, monitored=monitored(monitor, spec))
