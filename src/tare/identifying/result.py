"""The result of ``tare identify``: a ranking, the candidates that cannot be told apart, an estimate, and the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tare.identifying.candidates import Candidate
from tare.identifying.estimate import Estimated
from tare.input_spec.spec import InputSpec, Unknown
from tare.statistics.intervals import Interval
from tare.system.shown import Shown

SCHEMA = "tare.identification/1"
_DRAWN = 20


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate: its ``divergence`` in nats (KL, mean over the first layer's channels) under its best ``augmentation``.

    ``relative`` is its likelihood divided by the best candidate's. ``deep`` is the divergence over all layers, for the leading
    candidates only. With labels, ``accuracy`` and ``log_likelihood`` (mean per image) take the place of both divergences.
    """

    candidate: Candidate
    relative: float
    divergence: float | None = None
    augmentation: str | None = None
    deep: float | None = None
    accuracy: float | None = None
    log_likelihood: float | None = None

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.candidate.name

    def to_json(self) -> dict[str, Any]:
        """A JSON object, without the figures that are None."""
        optional = ("divergence", "augmentation", "deep", "accuracy", "log_likelihood")
        figures = {name: value for name in optional if (value := getattr(self, name)) is not None}
        plain = {"name": self.name, "also": list(self.candidate.also), "family": str(self.candidate.family)}
        return {**plain, "relative_likelihood": self.relative, **figures}


@dataclass(frozen=True, slots=True, repr=False)
class Identification(Shown):
    """The answer: ``ranking`` has the likeliest first; ``ambiguity`` names those that cannot be excluded at ``confidence``.

    ``identifiable`` says that all members of the ambiguity set are of one family, and that unpublished constants do not
    explain the moments better, or as well without mixup. ``layer`` is the batch norm whose moments were
    compared. ``in_domain`` says that the images were stated to be of the training data. ``listed`` is false if no known
    convention fits as well as the estimate. ``explained`` is false if even the best candidate misfits beyond what sampling
    explains, so that the list does not hold the truth; None if images of unknown origin leave that open. ``headline`` says the
    likely normalisation in plain words.
    """

    network: str
    data: str
    images: int
    ranking: tuple[Ranked, ...]
    ambiguity: tuple[str, ...]
    confidence: float
    identifiable: bool
    reason: str
    separating: str
    in_domain: bool
    estimated: Estimated | None = None
    layer: str | None = None
    listed: bool = True
    explained: bool | None = True
    headline: str = ""
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Ranked:
        """The likeliest candidate."""
        return self.ranking[0]

    @property
    def members(self) -> tuple[Candidate, ...]:
        """The candidates that cannot be excluded, the likeliest first."""
        return tuple(one.candidate for one in self.ranking if one.name in self.ambiguity)

    def spec(self) -> InputSpec:
        """The input specification of the best candidate, whose origin names the other members of the ambiguity set.

        If the members disagree about scale or colours, that field is unknown. The constants are known only of what is
        identified; if no candidate explains the network, nothing is.
        """
        best, members, names = self.best.candidate, self.members, ", ".join(self.ambiguity)
        if self.explained is False:
            nothing = Unknown(f"tare identify: none of the candidates explains the network; {best.name} is the nearest")
            return replace(InputSpec(), **_unknown(_DECIDED, nothing))
        spec = best.spec
        if len(members) > 1:
            origin = f"tare identify: {best.name}, the likeliest of {len(members)} that cannot be told apart ({names})"
            known = {name: field for name, field in spec.fields().items() if not isinstance(field, Unknown)}
            stated: dict[str, Any] = {name: replace(field, origin=origin) for name, field in known.items()}
            nothing = Unknown(f"tare identify cannot tell {names} apart")
            spec = replace(spec, **stated | _unknown(_disagreeing(members), nothing))
        if not self.identifiable:
            spec = replace(spec, **_unknown(_CONSTANTS, Unknown(f"tare identify: not identified, since {self.reason}")))
        return spec

    def summary(self) -> str:
        """The likely normalisation in plain words."""
        return f"{self.network}: {self.headline}"

    def table(self) -> list[dict[str, Any]]:
        """One row for each candidate, the likeliest first."""
        return [
            {
                "name": one.name,
                "not_excluded": one.name in self.ambiguity,
                "relative_likelihood": one.relative,
                "divergence": one.divergence,
                "all_layers": one.deep,
                "augmentation": one.augmentation,
                "accuracy": one.accuracy,
                "log_likelihood": one.log_likelihood,
            }
            for one in self.ranking
        ]

    def points(self) -> list[dict[str, Any]]:
        """The relative likelihood of the first candidates."""
        panel = "likelihood, relative to the best"
        return [{"panel": panel, "name": one.name, "value": one.relative} for one in self.ranking[:_DRAWN]]

    def to_json(self, most: int = 40) -> dict[str, Any]:
        """The result as a JSON object, with the first ``most`` of the ranking."""
        return {
            "schema": SCHEMA,
            "network": self.network,
            "data": self.data,
            "images": self.images,
            "layer": self.layer,
            "in_domain": self.in_domain,
            "headline": self.headline,
            "identifiable": self.identifiable,
            "explained": self.explained,
            "reason": self.reason,
            "confidence": self.confidence,
            "ambiguity_set": list(self.ambiguity),
            "ranking": [one.to_json() for one in self.ranking[:most]],
            "listed": self.listed,
            "estimated": None if self.estimated is None else _estimated(self.estimated),
            "separating": self.separating,
            "notes": list(self.notes),
        }


_CONSTANTS = ("mean", "std", "per_sample")
_DECIDED = ("channels", "scale", "mean", "std")


def _unknown(names: Iterable[str], nothing: Unknown) -> dict[str, Any]:
    return dict.fromkeys(names, nothing)


def _disagreeing(members: Sequence[Candidate]) -> set[str]:
    fields = {name for name in ("channels", "scale") if len({getattr(one.spec, name).value for one in members}) > 1}
    fields |= {"per_sample"} if len({one.sample for one in members}) > 1 else set()
    return fields | ({"mean", "std"} if len({one.family for one in members}) > 1 else set())


def _estimated(estimated: Estimated) -> dict[str, Any]:
    def listed(values: Sequence[Interval]) -> dict[str, Any]:
        return {
            "value": [one.estimate for one in values],
            "low": [one.low for one in values],
            "high": [one.high for one in values],
        }

    return {"channels": estimated.channels, "mean": listed(estimated.mean), "std": listed(estimated.std)}
