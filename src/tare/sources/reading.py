"""What the user says of reading samples: by how many processes, and how many samples may be unreadable."""

from dataclasses import dataclass

from tare.system.options import OptionGroup, option

#: Share of samples that may be unreadable unless the user says otherwise.
MAX_SKIPPED = 0.01


@dataclass(frozen=True, kw_only=True)
class Skipping(OptionGroup):
    """How many samples may be unreadable."""

    max_skipped: float = option(MAX_SKIPPED, "Largest share of unreadable samples before the command fails.", least=0, most=1)


@dataclass(frozen=True, kw_only=True)
class Readers(OptionGroup):
    """How many processes read samples."""

    workers: int | None = option(None, "Parallel readers; the result does not depend on it.", above=0)
