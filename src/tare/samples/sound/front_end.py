"""The front end of a network for sound: the feature extractor of transformers that turns a waveform into its input."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tare.errors import SpecError

#: The settings of each extractor that its values depend on, with the defaults of its class.
_SETTINGS: Mapping[str, Mapping[str, float]] = {
    "ASTFeatureExtractor": {"sampling_rate": 16000, "num_mel_bins": 128, "max_length": 1024},
    "Wav2Vec2FeatureExtractor": {"sampling_rate": 16000},
    "WhisperFeatureExtractor": {
        "sampling_rate": 16000,
        "feature_size": 80,
        "hop_length": 160,
        "chunk_length": 30,
        "n_fft": 400,
        "dither": 0.0,
    },
}
#: Limits of a stored configuration, so that no file can ask for more memory than a recording needs.
_MOST = {"sampling_rate": 192_000, "num_mel_bins": 1024, "feature_size": 1024, "max_length": 1 << 16, "chunk_length": 600}
_MOST_OTHERS = 1 << 16
NAMES = tuple(_SETTINGS)


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A feature extractor of transformers before its normalisation: its class ``name`` and its ``settings`` by name.

    Its values are log-mel spectrograms ``(frames, mel bins)``, or the waveform ``(T,)`` at the extractor's sampling rate.
    """

    name: str
    settings: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any], source: str) -> FrontEnd:
        """The front end that a ``preprocessor_config.json`` states; a setting that it leaves out is its class's default.

        Raises :class:`SpecError` for another extractor, and for a setting that is no number in a plausible range.
        """
        name = document.get("feature_extractor_type")
        if name not in _SETTINGS:
            found = f"{name!r} in {source}"[:120]
            raise SpecError(f"a feature extractor of sound: {', '.join(NAMES)}", found, "name the directory of such a network")
        known = _SETTINGS[str(name)]
        return cls(str(name), tuple((key, _number(document.get(key, known[key]), key, source)) for key in known))

    @property
    def rate(self) -> int:
        """The sampling rate of the waveforms that it takes, in Hz."""
        return int(dict(self.settings)["sampling_rate"])

    @property
    def size(self) -> tuple[int, int] | None:
        """Frames and mel bins; None for an extractor that leaves the waveform as it is."""
        stated = dict(self.settings)
        if self.name == "ASTFeatureExtractor":
            return int(stated["max_length"]), int(stated["num_mel_bins"])
        if self.name == "WhisperFeatureExtractor":
            frames = stated["chunk_length"] * stated["sampling_rate"] // stated["hop_length"]
            return int(frames), int(stated["feature_size"])
        return None

    @property
    def full(self) -> int | None:
        """How many values at its sampling rate fill all frames; a shorter recording is padded. None without frames."""
        stated = dict(self.settings)
        if self.size is None:
            return None
        if self.name == "WhisperFeatureExtractor":
            return int(stated["chunk_length"] * self.rate)
        return 400 + 160 * (self.size[0] - 1)

    @property
    def seconds(self) -> float | None:
        """Where in a recording nothing follows that its values depend on, with a margin; None if all of it is taken."""
        if self.size is None:
            return None
        hop = max(0.01, dict(self.settings).get("hop_length", 160) / self.rate)
        return (self.size[0] + 2) * hop + 1.0

    @property
    def units(self) -> str:
        """What its values are, in words that are the same for the same front end only."""
        if self.size is None:
            return f"shares of full scale at {self.rate} Hz"
        others = [f"{key} {value:g}" for key, value in self.settings if key in ("hop_length", "n_fft", "dither")]
        parts = [f"{self.rate} Hz", f"{self.size[1]} bins", f"{self.size[0]} frames", *others]
        return f"log-mel values of {self.name} ({', '.join(parts)})"

    def to_json(self) -> dict[str, Any]:
        """The configuration as transformers names its keys."""
        return {"feature_extractor_type": self.name, **{key: _plain(value) for key, value in self.settings}}

    def to_text(self) -> str:
        """The configuration as text, the same for the same front end."""
        return json.dumps(self.to_json(), sort_keys=True)


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() and value else value


def _number(value: Any, key: str, source: str) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    least = 0.0 if key == "dither" else 1.0
    if not good or not least <= value <= _MOST.get(key, _MOST_OTHERS) or (key != "dither" and value != int(value)):
        least_said = "a number from 0" if key == "dither" else "a whole number from 1"
        expected = f"{least_said} to {_MOST.get(key, _MOST_OTHERS):,} as {key!r} in {source}"
        raise SpecError(expected, f"{value!r}"[:60], "correct the configuration")
    return float(value) if key == "dither" else int(value)
