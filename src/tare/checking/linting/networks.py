"""The networks that a user states for files."""

from __future__ import annotations

from tare.checking.linting.inputs import CodeRequest
from tare.checking.linting.settings import Settings
from tare.errors import SpecError

_EXAMPLES = "timm:resnet50, torchvision:resnet50, keras:VGG16 or transformers:google/vit-base-patch16-224"


def check_networks(request: CodeRequest, settings: Settings) -> None:
    """Raise :class:`SpecError` for a network that is stated and of which nobody says what it expects."""
    stated = {"--model": request.model, "network of [tool.tare]": settings.network}
    stated |= {f"{pattern!r} of [tool.tare.networks]": name for pattern, name in settings.networks.items()}
    for where, name in stated.items():
        if name is not None and not _is_known(name):
            raise SpecError(f"a network whose input is known for {where}", repr(name), f"write it as {_EXAMPLES}")


def _is_known(name: str) -> bool:
    from tare.code.networks.table import expected  # a large index, which few checks need

    library, colon, rest = name.partition(":")
    return bool(colon) and expected(library, rest) is not None
