"""A network that others trained: MobileNetV1-0.25 of ImageNet, fed with x / 127.5 - 1, against images of three kinds."""

from __future__ import annotations

from pathlib import Path

import tare

_TRUTH = "inception"
_PROBES = (
    ("ImageNet", "imagenet100/imagenet-sample-images", True),
    ("ImageNet", "imagenet100/imagenet-sample-images", False),
    ("hymenoptera", "hymenoptera", False),
    ("RSSCN7", "rsscn7-98", False),
)


def table(root: Path) -> str:
    """One row for each kind of images."""
    headings = ("64 images of", "stated as training data", "likeliest", "its divergence", "divergence of the truth")
    lines = [f"| {' | '.join((*headings, 'set size', 'truth in the set', 'families left'))} |", "|---" * 8 + "|"]
    for name, folder, in_domain in _PROBES:
        found = tare.identify(
            model=f"{root / 'mobilenet_v1_025.py'}:mobilenet_v1_025",
            checkpoint=root / "mobilenet_v1_025_imagenet.safetensors",
            data=root / folder,
            samples=64,
            in_domain=in_domain,
        )
        truth = next(one for one in found.ranking if one.name == _TRUTH)
        kinds = len({one.family for one in found.members})
        cells = [name, "yes" if in_domain else "no", found.best.name, f"{found.best.divergence:.2g}", f"{truth.divergence:.2g}"]
        cells += [str(len(found.ambiguity)), "yes" if _TRUTH in found.ambiguity else "no", str(kinds)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
