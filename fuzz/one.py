"""``python -m fuzz.one FOLDER WORKERS [libFuzzer's options] NAME...``: fuzz targets, guided by coverage; needs ``atheris``.

tare is loaded and instrumented once, which takes longer than two thousand inputs do; each target then runs in a fork, whose
output goes to ``FOLDER/NUMBER.log``. A line ``NUMBER CODE`` is printed for each that has ended.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import atheris

os.environ["NUMBA_DISABLE_JIT"] = "1"  # the compiler does not know code that was instrumented


def main() -> None:
    """Fuzz until a limit among the options is reached, or a fault is found."""
    folder, workers, *rest = sys.argv[1:]
    options = [each for each in rest if each.startswith("-")]
    names = [each for each in rest if not each.startswith("-")]
    _load()
    running: dict[int, int] = {}
    waiting = list(enumerate(names))
    while running or waiting:
        while waiting and len(running) < int(workers):
            number, name = waiting.pop(0)
            running[_begun(name, Path(folder) / str(number), options)] = number
        pid, status = os.wait()
        print(running.pop(pid), os.waitstatus_to_exitcode(status), flush=True)


def _load() -> None:
    import sklearn.datasets  # noqa: F401 - a study of digits loads it, which on a busy machine takes longer than an input may

    with atheris.instrument_imports(include=["tare"]):
        import tare.comparing.shift
        import tare.input_spec.difference
        import tare.input_spec.spec
        import tare.measuring.api
        import tare.readers.table
        import tare.samples.sound.wav
        import tare.sources.arrays.idx
        import tare.sources.arrays.npy
        import tare.sources.files.listed
        import tare.sources.files.tar
        import tare.sources.tables.csv_table
        import tare.studying.plan  # noqa: F401 - loaded here to be instrumented


def _begun(name: str, corpus: Path, options: list[str]) -> int:
    """Fork: the child fuzzes the target and never returns, since libFuzzer ends the process."""
    pid = os.fork()
    if pid:
        return pid
    log = os.open(corpus.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    _fuzz(name, corpus, options)
    os._exit(0)


def _fuzz(name: str, corpus: Path, options: list[str]) -> None:
    from fuzz.mutation import mutated
    from fuzz.targets import targets

    target = targets()[name]
    corpus.mkdir()
    for index, seed in enumerate(target.seeds):
        (corpus / f"seed{index}").write_bytes(seed)

    def change(data: bytes, most: int, seed: int) -> bytes:
        if seed % 2:
            return bytes(atheris.Mutate(data, most))
        return mutated(data, random.Random(seed), is_json=target.is_json)[:most]  # noqa: S311 - no secrets

    atheris.Setup([sys.argv[0], str(corpus), *options, f"-artifact_prefix={corpus}/"], target, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
