"""Train the small networks of ``tare demo`` and write them into the package: ``python -m benchmarks.demo_networks``."""

from __future__ import annotations

from tare.studying.demo.networks import FILE, SHIPPED, write_networks
from tare.studying.execution.processes import one_thread


def main() -> None:
    """Write the file."""
    with one_thread():
        write_networks()
    print(f"{SHIPPED} networks, {FILE.stat().st_size:,} bytes, in {FILE.name}")


if __name__ == "__main__":
    main()
