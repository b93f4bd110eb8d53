"""What ``tare.spec`` is asked."""

from dataclasses import dataclass, field
from typing import Any

from tare.system.options import OptionGroup, declared, option


@dataclass(frozen=True, kw_only=True)
class SpecRequest(OptionGroup):
    """What states a network's input, and whether the hub may be asked."""

    model: Any = field(
        kw_only=False,
        metadata=declared(
            "timm:NAME, torchvision:NAME, hf:DIR_OR_ID, keras:NAME, catalog:NAME, a spec, config or model file, or a model "
            "directory.",
            is_argument=True,
            metavar="MODEL",
            kind=str,
        ),
    )
    online: bool = option(False, "Let hf:ID ask the hub; otherwise only its local cache.")
