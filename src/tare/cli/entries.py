"""The table of commands: each one's module, summary and examples.

`tare --help` and shell completion read this table. A command's module loads only when the command runs or prints its help.
"""

from __future__ import annotations

from dataclasses import dataclass

MEASURE, READ, CHOOSE, TRAIN, BEGIN = (
    "Measure data",
    "Read, check and identify what a network expects",
    "Choose a strategy, with evidence",
    "Train, ship and rewrite",
    "Begin here",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: the function ``name`` of ``tare.cli.commands.<module>``, by default the module of that name.

    ``summary`` is the first sentence of its docstring; ``examples`` are whole command lines.
    """

    name: str
    panel: str
    summary: str
    examples: tuple[str, ...]
    module: str = ""

    @property
    def epilog(self) -> str:
        """The examples, as the end of the command's help."""
        if len(self.examples) == 1:
            return f"Example: {self.examples[0]}"
        return "\n\n".join((f"Examples: {self.examples[0]}", *self.examples[1:]))


ENTRIES = (
    Entry(
        "demo",
        BEGIN,
        "Show the whole idea in a minute, on photographs and digits that packages ship, without a download.",
        ("tare demo --out demo/",),
    ),
    Entry(
        "measure",
        MEASURE,
        "Measure the exact mean and std of each channel of a dataset, with standard errors that count samples.",
        (
            "tare measure photos/ --json",
            "tare measure shards.tar --out stats.json --checkpoint pass.json",
            "tare measure photos/ --sample --tol 0.02",
        ),
    ),
    Entry(
        "compare",
        MEASURE,
        "Compare dataset B with A: shift of mean and ratio of stds with intervals, and the cause: content, gain, gamma, units.",
        ("tare compare cifar10 photos/ --html difference.html",),
    ),
    Entry(
        "drift",
        MEASURE,
        "Test data that arrived later against a reference: whether anything changed, what, since when, and what to do.",
        ("tare drift run/ monday/ tuesday/ --html drift.html", "tare drift train.csv served.csv --json"),
    ),
    Entry(
        "monitor",
        MEASURE,
        "Show what the monitor of a service says: the verdict, a page, or a live page with metrics on this machine.",
        ("tare monitor state.json --html monitor.html", "tare monitor worker0.json worker1.json --json"),
    ),
    Entry(
        "spec",
        READ,
        "Say what a network expects at its input: order, scale, mean, std, size, and where each was read.",
        ("tare spec timm:resnet50", "tare spec hf:DIR --format timm", "tare spec keras:VGG16 --json"),
    ),
    Entry(
        "check",
        READ,
        "Find what is wrong with the preprocessing of networks: ranges, constants, order, channels, size.",
        (
            "tare check .",
            "tare check train.py:val_transform --model timm:resnet18",
            "tare check preprocessor_config.json --mean 0.5 --std 0.5",
        ),
    ),
    Entry(
        "rule",
        READ,
        "Explain a finding of `tare check`: what happens, why it stays unnoticed, and an example of wrong and of right code.",
        ("tare rule TARE003", "tare rule TARE003 src/"),
        module="check",
    ),
    Entry(
        "identify",
        READ,
        "Find out which normalisation a checkpoint was trained with, from the running moments of its batch norm.",
        ("tare identify --model timm:resnet18 --checkpoint weights.pth photos/",),
    ),
    Entry(
        "advise",
        CHOOSE,
        "Recommend a normalisation strategy for a network and your data, with the evidence, the rule and what would change it.",
        ("tare advise --model timm:resnet18 photos/ --html advice.html",),
    ),
    Entry(
        "explain",
        CHOOSE,
        "Show how much of a change of mean and std the network's first layers let through, and so whether the choice matters.",
        ("tare explain --model timm:resnet18 photos/", "tare explain --model timm:resnet18"),
    ),
    Entry(
        "study",
        CHOOSE,
        "Measure which normalisation is better, and by how much: paired, repeated, with intervals.",
        ("tare study digits --out study/", "tare study --data photos/ --model timm:resnet18 --out s/"),
    ),
    Entry(
        "report",
        CHOOSE,
        "Write a study's page and pictures again from the results in its directory; nothing is measured.",
        ("tare report study/ --png curves.png",),
    ),
    Entry(
        "transfer",
        TRAIN,
        "Fine-tune a network on labelled images, signals or rows and ship the normalisation inside the model directory.",
        ("tare transfer --model timm:resnet18 photos/ --strategy source --out run/",),
    ),
    Entry(
        "predict",
        TRAIN,
        "Answer images, recordings or rows with a trained model, read from its directory alone; CSV unless asked otherwise.",
        ("tare predict run/ photos/ --top 3 > answers.csv",),
    ),
    Entry(
        "export",
        TRAIN,
        "Write a trained model with its normalisation inside, compared with PyTorch on real samples before it is kept.",
        ("tare export run/ --format onnx --out model.onnx --with-resize",),
    ),
    Entry(
        "fold",
        TRAIN,
        "Fold the normalisation into a network's first layer, exactly, borders included.",
        ("tare fold run/ --input uint8 --out served/",),
    ),
    Entry(
        "respec",
        TRAIN,
        "Rewrite a network's first layer so that it accepts input normalised in another way, exactly.",
        ("tare respec timm:vit_base_patch16_224 --to catalog:imagenet --out rewritten/",),
        module="fold",
    ),
)
