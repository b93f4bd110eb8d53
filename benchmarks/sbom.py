"""The bill of materials of a release: CycloneDX 1.5, of the pinned versions in constraints.txt; nothing is asked of a network.

``python -m benchmarks.sbom --out dist/tare.cdx.json``
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
import uuid
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;#]+)")


def pinned(text: str) -> list[tuple[str, str]]:
    """Names, in the form of PEP 503, and versions of the lines ``NAME==VERSION``; raises ValueError for any other line."""
    found = []
    for line in text.splitlines():
        said = line.partition("#")[0].strip()
        if not said:
            continue
        match = _PINNED.match(said)
        if match is None:
            raise ValueError(f"expected NAME==VERSION, found {line!r}; pin it")
        found.append((re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]))
    return sorted(set(found))


def bill(text: str, version: str) -> dict[str, Any]:
    """The bill as a JSON object. The same pins give the same bill, its serial number included."""
    components = [_component(name, each) for name, each in pinned(text)]
    made = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([version, components], sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{made}",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": "tare", "version": version, "bom-ref": f"pkg:pypi/tare@{version}"}},
        "components": components,
    }


def _component(name: str, version: str) -> dict[str, Any]:
    address = f"pkg:pypi/{name}@{version.replace('+', '%2B')}"
    found: dict[str, Any] = {"type": "library", "name": name, "version": version, "bom-ref": address, "purl": address}
    licence = _licence(name, version)
    return {**found, "licenses": [{"license": {"name": licence}}]} if licence else found


def _licence(name: str, version: str) -> str:
    """What an installed package of this version states of its licence, in one line; empty where it states none."""
    try:
        stated: Any = metadata(name)
    except PackageNotFoundError:
        return ""
    if stated["Version"] != version:
        return ""
    words = stated.get("License-Expression") or stated.get("License") or ""
    first = words.strip().partition("\n")[0]
    return first if len(first) < 100 else ""


def main(argv: list[str] | None = None) -> None:
    """Write the bill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args(argv).out
    version = str(_version())
    out.parent.mkdir(parents=True, exist_ok=True)
    made = bill((ROOT / "constraints.txt").read_text(encoding="utf-8"), version)
    out.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{out}: {len(made['components'])} packages")


def _version() -> object:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if "version" in project:
        return project["version"]
    from tare._version import __version__

    return __version__


if __name__ == "__main__":
    main()
