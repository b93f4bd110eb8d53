"""The option that names trackers."""

from collections.abc import Sequence
from dataclasses import dataclass

from tare.errors import SpecError, did_you_mean
from tare.system.options import OptionGroup, option, words

TRACKERS = ("tensorboard", "mlflow", "wandb")
RUN = "The run"


@dataclass(frozen=True, kw_only=True)
class Tracked(OptionGroup):
    """Where a run is logged beside its own files."""

    tracker: Sequence[str] = option(
        (),
        "Log to tensorboard, mlflow or wandb (offline unless WANDB_MODE says otherwise), too; more than once for several.",
        panel=RUN,
        metavar="NAME",
        reads=words,
        repeats=True,
    )

    def check(self) -> None:
        """Raise :class:`SpecError` for a tracker that is not known, with the closest, or named twice."""
        super().check()
        stranger = next((name for name in self.tracker if name not in TRACKERS), None)
        if stranger is not None:
            hint = did_you_mean(str(stranger), TRACKERS, "choose one of them", most=1, cutoff=0.5)
            raise SpecError(f"trackers among {', '.join(TRACKERS)}", f"{stranger!r}", hint)
        if len(set(self.tracker)) < len(self.tracker):
            raise SpecError("each tracker once", ", ".join(self.tracker), "leave one out")
