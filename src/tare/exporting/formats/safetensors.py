"""safetensors: the weights, with what states the normalisation in the file's metadata and beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch

from tare.errors import ModelError
from tare.exporting.card import with_tare, write_card
from tare.exporting.formats.format import Contents, WeightsFormat
from tare.exporting.result import Parity
from tare.networks.stored.references import REFERENCE
from tare.networks.stored.trained import TrainedModel
from tare.networks.weights import separate_tensors, weight_holder

WEIGHTS = "model.safetensors"


def weights_bytes(trained: TrainedModel, stated: Mapping[str, str]) -> bytes:
    """Return the network's tensors as a safetensors file with ``stated`` in its metadata; shared tensors are written twice."""
    from safetensors.torch import save

    tensors = separate_tensors(weight_holder(trained.model.network.module))
    return _ordered(save(tensors, metadata={"format": "pt", **stated}))


def _ordered(content: bytes) -> bytes:
    """Sort the metadata of a safetensors file by key, since its writer uses another order every time.

    The file is eight bytes of length, the header as JSON padded with blanks to a multiple of eight, and the tensors, whose
    offsets count from the header's end (the format's README).
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def state_of(trained: TrainedModel) -> dict[str, torch.Tensor]:
    """Return the network's tensors by name, as the library that built it names them."""
    return dict(weight_holder(trained.model.network.module).state_dict())


def check_reloaded(trained: TrainedModel, path: Path) -> None:
    """Raise :class:`ModelError` unless the file holds the same tensors to the last bit."""
    from safetensors.torch import load

    loaded, own = load(path.read_bytes()), state_of(trained)
    wrong = [key for key in own if key not in loaded or not torch.equal(own[key].cpu(), loaded[key])]
    if wrong or len(loaded) != len(own):
        raise ModelError("the tensors that were written", f"other tensors ({', '.join(wrong[:3])})", "try again")


def fill_plain(folder: Path, contents: Contents) -> tuple[Parity | None, tuple[str, ...]]:
    """Write weights with metadata, ``tare.json`` and the card."""
    trained = contents.trained
    write_weights(folder, contents)
    if (trained.folder / "config.json").is_file():
        copy(trained, folder, "config.json")
    write_card(folder, trained, ["import tare", "", with_tare(trained)], contents.validated)
    check_reloaded(trained, folder / WEIGHTS)
    return None, ()


def write_weights(folder: Path, contents: Contents) -> None:
    """Write weights with metadata, ``tare.json``, and the reference that samples are tested against, if the run has one."""
    (folder / WEIGHTS).write_bytes(weights_bytes(contents.trained, contents.stated))
    copy(contents.trained, folder, "tare.json")
    if (contents.trained.folder / REFERENCE).is_file():
        copy(contents.trained, folder, REFERENCE)


def copy(trained: TrainedModel, folder: Path, name: str) -> None:
    """Copy a file of the model directory as it is."""
    shutil.copyfile(trained.folder / name, folder / name)


FORMAT = WeightsFormat(fill_plain, suffix=".safetensors")
