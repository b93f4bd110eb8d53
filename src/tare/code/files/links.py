"""Links in a tree of files: the name under which a file was read, whatever link leads to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Links:
    """Links by name, with the names without links of the files and folders to which they lead; "" is the working directory."""

    targets: Mapping[str, str] = field(default_factory=dict)

    def own(self, path: str) -> str:
        """The name without links of a path; the path itself where no link is known."""
        if not self.targets:
            return path
        found = ""
        for part in path.split("/"):
            name = f"{found}/{part}" if found else part
            found = self.targets.get(name, name)
        return found


NO_LINKS = Links()
