"""The page of an identification: the answer, the likelihoods, and what would separate the candidates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tare.identifying.candidates import Family, of_affine
from tare.identifying.result import Identification, Ranked
from tare.input_spec.affine import Affine
from tare.input_spec.spec import Known, Unknown
from tare.reporting.identification import write_identification

EVIL = "</script><script>alert(1)</script>"
FAMILY = Family("z-scored", "0..1", "RGB")


def candidate(name: str, relative: float) -> Ranked:
    return Ranked(of_affine(name, Affine((0, 1, 2), (0.02,) * 3, (-2.0,) * 3), FAMILY), relative, divergence=0.1)


FOUND = Identification(
    network="net.py:net",
    data="photos",
    images=64,
    ranking=(candidate("imagenet", 1.0), candidate("clip", 0.4), *(candidate(f"other {place}", 0.0) for place in range(60))),
    ambiguity=("imagenet", "clip"),
    confidence=0.95,
    identifiable=True,
    reason="the moments fit",
    separating="more images",
    in_domain=False,
    headline="0..1 z-scored, RGB",
)


def page(found: Identification, folder: Path, command: str = "tare identify photos --checkpoint c --html i.html") -> str:
    write_identification(found, folder / "i.html", command)
    return (folder / "i.html").read_text(encoding="utf-8")


def test_the_answer_its_likelihoods_and_what_separates_them(tmp_path: Path) -> None:
    text = page(FOUND, tmp_path)
    assert "<h1>0..1 z-scored, RGB: imagenet is the likeliest of 2 that are left at 95% confidence.</h1>" in text
    assert "To tell the candidates apart: more images." in text
    assert text.count("<small>excluded</small>") == 6
    assert "22 candidates that fit worse are left out" in text
    assert "<pre>tare identify photos \\\n  --checkpoint c \\\n  --out spec.json</pre>" in text


def test_what_is_not_identified_is_never_shown_as_if_it_were(tmp_path: Path) -> None:
    for changed in ({"explained": False}, {"explained": None}, {"identifiable": False}):
        text = page(replace(FOUND, **changed), tmp_path)
        assert "<h1>Not identified: " in text
        assert '<li class="bad">not identified</li>' in text


def test_a_specification_states_the_constants_of_what_is_identified_alone() -> None:
    alone = replace(FOUND, ambiguity=("imagenet",))
    for found, mean in ((FOUND, "known"), (alone, "known"), (replace(FOUND, explained=False), "unknown")):
        assert ("known" if isinstance(found.spec().mean, Known) else "unknown") == mean
    for found in (FOUND, alone):
        spec = replace(found, identifiable=False).spec()
        assert isinstance(spec.channels, Known)
        for field in (spec.mean, spec.std, spec.per_sample):
            assert isinstance(field, Unknown)
        assert isinstance(spec.mean, Unknown)
        assert spec.mean.reason == "tare identify: not identified, since the moments fit"


def test_a_specification_that_is_written_is_not_asked_for_again_and_names_are_escaped(tmp_path: Path) -> None:
    text = page(replace(FOUND, data=EVIL, reason=EVIL), tmp_path, f"tare identify --out s.json '{EVIL}'")
    assert "Keep it as a specification" not in text
    assert "<script>alert" not in text
