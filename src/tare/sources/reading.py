"""Options of reading samples: the number of parallel readers, and the share of unreadable samples to accept."""

from dataclasses import dataclass

from tare.system.options import MOST_WORKERS, OptionGroup, option

#: Default of the largest share of unreadable samples.
MAX_SKIPPED = 0.01


@dataclass(frozen=True, kw_only=True)
class Skipping(OptionGroup):
    """The share of unreadable samples to accept."""

    max_skipped: float = option(MAX_SKIPPED, "Largest share of unreadable samples before the command fails.", least=0, most=1)


@dataclass(frozen=True, kw_only=True)
class Remote(OptionGroup):
    """Whether addresses that data name may be asked for."""

    allow_remote: bool = option(
        False, "Fetch files that a list names by a URL; without it such a list is refused, and nothing is asked of any address."
    )


@dataclass(frozen=True, kw_only=True)
class Readers(OptionGroup):
    """The number of parallel readers."""

    workers: int | None = option(
        None, "Number of parallel readers; the result does not depend on it.", above=0, most=MOST_WORKERS
    )
