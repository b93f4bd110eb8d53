"""``tare.watch`` as a callback of the Trainer of Hugging Face transformers."""

# ruff: noqa: ARG002 - the Trainer calls with names of its own

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tare.readers.hf import is_processor
from tare.system.optional import require
from tare.watching.api import watch
from tare.watching.handle import Watch
from tare.watching.result import WatchReport

if TYPE_CHECKING:
    from transformers import TrainerCallback
else:
    TrainerCallback = require("transformers", extra="readers", purpose="a callback of its Trainer").TrainerCallback


class WatchCallback(TrainerCallback):
    """Watch the model while the Trainer trains and evaluates in between.

    ``spec`` and ``options`` are those of :func:`tare.watch`. Without ``spec`` it is read from the Trainer's ``processing_class``
    if that is an image processor, else from the model. ``report`` is there when training has ended. The Trainer tells nobody that
    a training was interrupted: the model is then watched until the next one begins, which begins anew. A monitor counts every
    evaluation as new samples: give one only where each sees other data.
    """

    def __init__(self, spec: Any = None, **options: Any) -> None:
        self.report: WatchReport | None = None
        self._spec, self._options = spec, options
        self._watch: Watch | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin with the model that the Trainer holds, whatever it is wrapped in later."""
        self._give_up()  # on what was interrupted, or ran out of memory and is tried with a smaller batch
        processor = kwargs.get("processing_class")
        spec = self._spec if self._spec is not None or processor is None or not is_processor(processor) else processor
        self._watch = watch(kwargs["model"], spec, **self._options)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Judge what was seen so far, and take the hook off."""
        watched, self._watch = self._watch, None
        if watched is not None:
            watched.remove()
            self.report = watched.report()
            self.report.warn_of_unjudged()

    def _give_up(self) -> None:
        """Take the hook off without judging, as after an exception."""
        watched, self._watch = self._watch, None
        if watched is not None:
            watched.__exit__(InterruptedError, None, None)
