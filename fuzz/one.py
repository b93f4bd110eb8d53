"""``python -m fuzz.one NAME [libFuzzer's options]``: fuzz one target, guided by coverage; needs ``atheris``."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import atheris

os.environ["NUMBA_DISABLE_JIT"] = "1"  # the compiler does not know code that was instrumented


def main() -> None:
    """Fuzz until a limit among the options is reached, or a fault is found."""
    with atheris.instrument_imports(include=["tare"]):
        import tare.comparing
        import tare.input_spec
        import tare.measuring
        import tare.reading
        import tare.sources.csv_file
        import tare.sources.idx
        import tare.sources.listed_files
        import tare.sources.npy
        import tare.sources.tar
        import tare.sources.wav
        import tare.spec_difference
        import tare.studies.studying  # noqa: F401 - loaded here to be instrumented
    from fuzz.mutation import mutated
    from fuzz.targets import targets

    name, *options = sys.argv[1:]
    target = targets()[name]
    corpus = Path(options[0])
    for index, seed in enumerate(target.seeds):
        (corpus / f"seed{index}").write_bytes(seed)

    def change(data: bytes, most: int, seed: int) -> bytes:
        if seed % 2:
            return bytes(atheris.Mutate(data, most))
        return mutated(data, random.Random(seed), is_json=target.is_json)[:most]  # noqa: S311 - no secrets

    atheris.Setup([sys.argv[0], *options], target, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
