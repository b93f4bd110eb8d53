"""The files that programs write networks to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tare.checking.repository.rules.across.bare import SCRIPTS, is_bare, is_bare_model
from tare.checking.repository.rules.across.stored import Written, calls_named, plain, plain_path
from tare.checking.repository.rules.kinds.maps.elsewhere import is_changed_after_training
from tare.checking.repository.rules.linking import program_of
from tare.code.facts import Facts
from tare.code.interpreter.source import Source
from tare.code.interpreter.values import UNKNOWN, Call, Value

#: Functions that write a network, by the format; where in the arguments stand the network and the path, and the path's names.
_WRITING = {
    "torch.save": ("torch", 0, 1, ("f",)),
    "torch.jit.save": ("script", 0, 1, ("f",)),
    "torch.onnx.export": ("onnx", 0, 2, ("f",)),
    "torch.onnx.dynamo_export": ("onnx", 0, 2, ("f",)),
    "tare.export": ("onnx", -1, -1, ("out",)),
    "tensorflow.keras.models.save_model": ("keras", 0, 1, ("filepath",)),
    "tensorflow.keras.callbacks.ModelCheckpoint": ("keras", -1, 0, ("filepath",)),
    "tensorflow.saved_model.save": ("keras", 0, 1, ("export_dir",)),
    "keras.models.save_model": ("keras", 0, 1, ("filepath",)),
    "keras.callbacks.ModelCheckpoint": ("keras", -1, 0, ("filepath",)),
}


def written(facts: Facts) -> Iterator[Written]:
    """The files that a group of files writes networks to."""
    changed = {each.path for each in facts.sources if is_changed_after_training(each)}
    seen = set[int]()
    fitted = {id(call.receiver) for call in facts.calls if call.function.startswith(".fit")}
    for call in facts.calls:
        each = _written(call, fitted)
        if each is not None:
            seen.add(id(call.spot.node))
            yield each._replace(bare=each.bare and call.spot.source.path not in changed)
    for source in facts.sources:
        for node in calls_named(source, _UNFOLLOWED):
            if id(node) not in seen:
                yield _not_followed(source, node)


def of_group(facts: Facts) -> tuple[Written, ...]:
    """The same, read once for all rules."""
    if "written" not in facts.kept:
        facts.kept["written"] = tuple(written(facts))
    found: tuple[Written, ...] = facts.kept["written"]
    return found


def _written(call: Call, fitted: set[int]) -> Written | None:
    """The file that a call writes a network to; None for any other call."""
    program = program_of(call)
    if call.function in (".save", ".save_weights", ".export"):
        return _of_method(call, program, fitted)
    known = _WRITING.get(call.function)
    if known is None:
        return None
    kind, place, where, names = known
    network = call.args[place] if 0 <= place < len(call.args) else UNKNOWN
    is_ours = call.function.startswith("tare.")  # which normalises inside
    bare = is_bare_model(network, fitted) if kind == "keras" else is_bare(network, kind)
    return Written(plain_path(call.argument(where, *names)), program, kind, bare and not is_ours)


def _of_method(call: Call, program: str, fitted: set[int]) -> Written | None:
    """The file that ``.save(path)`` of a script of torch or a model of Keras writes; None for that of anything else."""
    path, network = plain_path(call.argument(0, "filepath", "f")), call.receiver
    if isinstance(network, Call) and network.function in SCRIPTS:
        return Written(path, program, "script", is_bare(network))
    is_keras = call.function == ".save_weights" or id(network) in fitted or _is_of_keras(network)
    return Written(path, program, "keras", is_bare_model(network, fitted)) if is_keras else None


def _is_of_keras(network: Value) -> bool:
    return isinstance(network, Call) and network.function.partition(".")[0] in ("tensorflow", "keras")


#: Functions that write or export a network where nobody has followed what they are given.
_UNFOLLOWED = re.compile(
    r"torch\.save|torch\.jit\.save|torch\.jit\.(?:script|trace)\(.*\)\.save|(?:torch\.)?onnx\.export|tare\.export", re.DOTALL
)


def _not_followed(source: Source, node: ast.Call) -> Written:
    """A call that was not followed: a state is the trained network's, and a graph may be of anything."""
    function = ast.unparse(node.func)
    texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    kind = "torch" if function == "torch.save" else "script" if "jit" in function else "onnx"
    return Written(plain(texts[-1] if texts else ""), source.path, kind, bare=kind == "torch")
