"""What is done with each command and program of the documents. Whatever is not named here runs as it stands.

A command runs in a folder in which the names that the documents use exist (``sandbox.py``), small and made. So that it needs
nothing that cannot be had or takes hours, ``SUBSTITUTES`` replaces words and ``MORE`` appends options. What cannot run at all is
in ``NOT_RUN``, with the reason, and is parsed with the options it shows nevertheless. An entry that fits nothing any more is an
error.
"""

from __future__ import annotations

#: Networks of the same kind, small enough, and without weights to download.
SUBSTITUTES = {
    "timm:resnet18": "timm:test_resnet",
    "timm:vit_base_patch16_224": "timm:test_vit",
}
#: Of these commands: others only read what a network states, and the real name does.
SUBSTITUTED_IN = ("advise", "explain", "fold", "identify", "respec", "study", "transfer")
#: Appended where a word was substituted: pretrained weights cannot be had.
NO_WEIGHTS = dict.fromkeys(("advise", "explain", "fold", "respec", "study", "transfer"), ("--weights", "none"))

_ONE_EPOCH = ("--epochs", "1", "--batch-size", "8", "--workers", "0", "--device", "cpu")
_FEW_CELLS = ("--seeds", "2", "--sizes", "12", "--workers", "1")
#: Appended to a command that starts so, the first that fits: the last value of an option is the one that counts.
MORE: dict[str, tuple[str, ...]] = {
    "tare transfer --model tare:": ("--epochs", "1", "--workers", "0", "--device", "cpu"),
    "tare transfer --model digits": ("--workers", "0", "--device", "cpu"),
    "tare transfer --model gun": ("--workers", "0", "--device", "cpu"),
    "tare transfer --model white": ("--workers", "0", "--device", "cpu"),
    "tare transfer --model timm:test_resnet": ("--size", "32", *_ONE_EPOCH),
    "tare transfer --model hf:ast": _ONE_EPOCH,
    "tare transfer": ("--size", "32", *_ONE_EPOCH),
    "tare study digits --dry-run": (
        "--seeds",
        "2",
        "--sizes",
        "20",
        "--networks",
        "cnn-batch",
        "--shifts",
        "content",
        "--workers",
        "1",
    ),
    "tare study digits": (*_FEW_CELLS, "--networks", "cnn-batch", "--shifts", "content"),
    "tare study signals": (*_FEW_CELLS, "--shifts", "content"),
    "tare study --data": _FEW_CELLS,
    "tare study --evaluate": ("--seeds", "2", "--workers", "1"),
    "tare demo": ("--seeds", "2"),
}

#: The same in programs: pretrained weights cannot be had, and one epoch is enough to see that it runs.
IN_PROGRAMS = {
    'model="timm:resnet18", ': 'model="timm:test_resnet", weights="none", size=32, epochs=1, workers=0, device="cpu", ',
    '"state.json", "model.onnx")': '"state.json", "model.onnx", every=1)',  # the program counts one batch, not a hundred
}

#: (page, start of the command or a piece of the program) -> why it is not run here.
NOT_RUN = {
    ("docs/gallery.md", "tare check"): "tests/benchmarks/test_gallery.py runs it and compares what it prints",
    (
        "docs/quickstart.md",
        "tare --install-completion",
    ): "changes the files of the shell of whoever runs it; test_completion.py runs --show-completion",
    ("docs/quickstart.md", "tare --show-completion"): "test_completion.py runs it in a shell, which it asks for its name",
    ("docs/gallery.md", ""): "tests/benchmarks/test_gallery.py runs it",
    (
        "docs/export.md",
        "tare export theo",
    ): "the run is that of transfer-signals.md; test_exporting_numbers.py exports such ones",
    (
        "docs/export.md",
        "tare export red",
    ): "the run is that of transfer-signals.md; test_exporting_numbers.py exports such ones",
    (
        "docs/the-question.md",
        "tare transfer --model hf:small-ast",
    ): "it trains for minutes; the page of speech runs the same on a smaller network",
    ("docs/the-question.md", "tare study --model spoken"): "it reads the run of the command before it",
    ("docs/howto/hugging-face.md", "AutoModel.from_pretrained"): "fetches weights; the sandbox holds such a directory",
    ("docs/tasks.md", "from river"): "river is no dependency; the sandbox holds such files",
    ("docs/merge.md", ""): "test_merge.py runs those that need nothing but tare and Dask, and compiles the others",
    ("docs/watch.md", "tare.watch"): "test_watch.py runs it and compares what it prints",
}

#: Commands whose answer may be a finding: exit code 1 says so and is no failure.
MAY_FIND = ("check", "identify", "spec", "compare", "drift", "monitor")

#: (page, piece of the command) -> what it says when it is refused with exit code 2, as the page shows.
REFUSED = {
    (
        "docs/transfer.md",
        "mobilenet_v1_025_imagenet.safetensors --mean 0 --std 0.00392157",
    ): "TARE094 far-away: the data are uint8",
}

#: Names that a program takes from the text around it.
PRELUDE = {
    "docs/monitor.md": "import numpy as np; import tare; images = np.zeros((8, 32, 32, 3), np.uint8)",
    "docs/check.md": "import timm; from train import val_transform; model = timm.create_model('resnet50.a1_in1k')",
    "docs/fold.md": "import timm; model = timm.create_model('test_resnet')",
    "docs/spec.md": "import torch; batch = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)",
}
