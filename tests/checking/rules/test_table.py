"""Every rule fires on its mistake and is silent on what looks like it; a rule without both fails here."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from benchmarks.check_rates.__main__ import codes_table

from tare.checking.rules import kinds
from tare.checking.rules.evidence import Declared, Evidence, Measured
from tare.checking.rules.feed import Feed
from tare.checking.rules.finding import Finding
from tare.checking.rules.rule import Rule
from tare.checking.rules.table import OF_CODE, RULES, findings, rule_named
from tare.errors import SpecError
from tare.input_spec.affine import Affine
from tare.input_spec.spec import Crop, InputSpec, Known, Unknown
from tare.normalisation.applied import Normalisation
from tare.normalisation.names import Strategy
from tare.statistics.dataset_stats import DatasetStats
from tests.checking.rules.made_evidence import (
    MEAN,
    NORMALIZE,
    OWN,
    SEEN,
    SPEC,
    STD,
    TO_TENSOR,
    evidence,
    normalised,
    statistics,
    step,
)

REVERSED = Affine((2, 1, 0), OWN.scale, OWN.shift)
TARGET = ((0.41, 0.38, 0.36), (0.31, 0.30, 0.29))
OF_IMAGES = (0.26, 0.25, 0.24)
TRAIN = statistics(*TARGET, OF_IMAGES)
OF_MEANS = (0.11, 0.09, 0.08)
BETWEEN = replace(
    TRAIN,
    channels=tuple(
        replace(channel, root_mean_sample_variance=(channel.std**2 - of_means**2) ** 0.5)
        for channel, of_means in zip(TRAIN.channels, OF_MEANS, strict=True)
    ),
)
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
RAW_MEAN, RAW_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
RAW_VALUES = {"mean": RAW_MEAN, "std": RAW_STD, "max_value": 1.0}
ALL = statistics((0.45, 0.42, 0.40), (0.33, 0.32, 0.31))
PLAIN = InputSpec.of((0.0,) * 3, (1.0,) * 3, raw_dtype="uint8")
CONVERT = step("convert", "PILToTensor", layout="CHW")
JITTER = step("photometric", "ColorJitter", random=True)
RESIZED = replace(SPEC, crop=Known(Crop("center", 0.7), "made"), interpolation=Known("bicubic", "made"))
PATCHES = replace(SPEC, layout=Unknown("patches"))
OFF = Declared(MEAN, STD, "do_normalize is false")


def seen(fed: Affine | None = OWN, spec: InputSpec = SPEC, **changes: object) -> Evidence:
    return evidence(fed, spec, seen=replace(SEEN, affine=fed, **changes))  # type: ignore[arg-type]


def with_data(fed: Affine, train: object = TRAIN, everything: object = None) -> Evidence:
    return evidence(fed, measured=Measured(train, None, everything))  # type: ignore[arg-type]


def fed(
    seen: tuple[tuple[float, ...], tuple[float, ...]] = (MEAN, (0.26, 0.25, 0.24)),
    mean: tuple[float, ...] = MEAN,
    std: tuple[float, ...] = STD,
    strategy: Strategy = "source",
    *,
    dtype: str = "uint8",
    bits: int | None = 8,
    units: str = "",
    trained_on: DatasetStats | None = None,
    value_map: str = "identity",
) -> Evidence:
    """Data with these moments, about to be fed under these constants of 8-bit code values."""
    known = {"bits": Known(bits, "made") if bits else Unknown("floats")} | ({"units": Known(units, "made")} if units else {})
    stats = replace(statistics(*seen), dtype=dtype, **known)  # type: ignore[arg-type]
    spec = replace(SPEC, units=Known("code", "made"))
    return Evidence(spec, "timm:resnet50", feed=Feed(stats, Normalisation(strategy, mean, std, value_map=value_map), trained_on))


RAW_WITH_OTHER_CONSTANTS = evidence(normalised((0.31, 0.36, 0.29), (0.33, 0.31, 0.36), scale=1.0))
CAFFE = InputSpec.of((103.9 / 255, 116.8 / 255, 123.7 / 255), (1 / 255,) * 3, raw_dtype="uint8")

#: Per code: evidence that must be reported, and evidence close to it that must not.
CASES: dict[str, tuple[list[Evidence], list[Evidence]]] = {
    "TARE001": (
        [evidence(normalised(scale=1.0)), evidence(normalised((0.485,) * 3, (0.229,) * 3, scale=1.0)), RAW_WITH_OTHER_CONSTANTS],
        [evidence(), evidence(normalised(scale=1 / 127.5)), evidence(normalised((0.0,) * 3, (0.5,) * 3, scale=1.0), CAFFE)],
    ),
    "TARE002": ([evidence(normalised(scale=1 / 255**2))], [evidence(), evidence(normalised(scale=1 / 65535))]),
    "TARE003": ([evidence(OWN.then(Affine.of_normalisation(MEAN, STD, 1.0)))], [evidence()]),
    "TARE004": (
        [evidence(normalised((0.0,) * 3, (1.0,) * 3)), evidence(Affine((0, 1, 2), (1.0,) * 3, (0.0,) * 3))],
        [evidence(normalised((0.0,) * 3, (1.0,) * 3), PLAIN)],
    ),
    "TARE005": (
        [evidence(normalised((0.5,) * 3, (0.5,) * 3))],
        [evidence(), with_data(normalised((0.5,) * 3, (0.5,) * 3), statistics((0.5,) * 3, (0.5,) * 3))],
    ),
    "TARE006": ([evidence(normalised(STD, MEAN))], [evidence(normalised(STD, STD))]),
    "TARE007": ([evidence(normalised(MEAN, MEAN)), evidence(normalised(STD, STD))], [evidence(normalised(STD, MEAN))]),
    "TARE008": ([evidence(REVERSED)], [evidence(), evidence(Affine((1, 2, 0), OWN.scale, OWN.shift))]),
    "TARE009": ([with_data(normalised(TARGET[0], OF_IMAGES))], [with_data(normalised(*TARGET)), with_data(OWN)]),
    "TARE010": ([evidence(normalised(*TARGET))], [evidence(), with_data(normalised(*TARGET))]),
    "TARE011": ([evidence(normalised(scale=1 / 65535))], [evidence(normalised(scale=1 / 255**2))]),
    "TARE012": (
        [
            seen(None, by_image=True),
            seen(by_image=True, threshold=True),
            evidence(steps=(step("normalize_by_image", how="max"),)),
        ],
        [evidence(), seen(clamped=(0.0, None))],
    ),
    "TARE013": (
        [
            evidence(normalised((0.0,) * 3, STD)),
            evidence(normalised((-0.485, -0.456, -0.406), STD)),
            evidence(normalised(MEAN, tuple(1 / s for s in STD))),
            evidence(normalised(tuple(-m / s for m, s in zip(MEAN, STD, strict=True)), tuple(1 / s for s in STD))),
        ],
        [evidence()],
    ),
    "TARE014": ([seen(None), seen(None, mixed=True)], [replace(seen(None), stage="train"), seen(None, by_image=True), seen()]),
    "TARE015": (
        [evidence(normalised(MEAN[::-1], STD[::-1])), evidence(normalised(CLIP[0][::-1], CLIP[1][::-1]))],
        [evidence(), evidence(REVERSED)],
    ),
    "TARE016": (
        [
            evidence(normalised(RAW_MEAN, RAW_STD), steps=(TO_TENSOR, replace(NORMALIZE, values=RAW_VALUES))),
            evidence(normalised((79.0, 92.0, 74.0), (84.0, 79.0, 92.0))),
            evidence(normalised(RAW_MEAN, STD)),
            evidence(normalised(MEAN, RAW_STD)),
            evidence(normalised(RAW_MEAN, STD, scale=1.0)),
            evidence(normalised(MEAN, RAW_STD, scale=1.0)),
        ],
        [evidence(), evidence(normalised(RAW_MEAN, RAW_STD, scale=1.0)), evidence(normalised(scale=1 / 255**2))],
    ),
    "TARE017": (
        [
            evidence(normalised((-0.1, 0.2, 0.3), (0.21, 0.22, 0.23))),
            evidence(normalised((0.3, 0.36, 0.29), (0.73, 0.61, 0.66))),
            evidence(normalised((0.02, 0.36, 0.29), (0.3, 0.31, 0.36))),
        ],
        [evidence(normalised(*TARGET)), evidence(normalised((-0.485, -0.456, -0.406), STD))],
    ),
    "TARE042": (
        [
            evidence(normalised(MEAN, (1.0,) * 3)),
            evidence(normalised(RAW_MEAN, (1.0,) * 3, scale=1.0)),
            evidence(normalised((114.77, 107.74, 99.48), (1.0,) * 3, scale=1.0)),
            evidence(normalised((0.36, 0.31, 0.29), (1.0,) * 3)),
        ],
        [evidence(), evidence(CAFFE.affine(), CAFFE), evidence(normalised((0.0,) * 3, (1.0,) * 3))],
    ),
    "TARE043": (
        [
            evidence(normalised(MEAN, tuple(s / 2 for s in STD))),
            evidence(normalised(MEAN, tuple(2 * s for s in STD))),
            with_data(normalised(TARGET[0], tuple(s / 40 for s in TARGET[1]))),
        ],
        [evidence(), with_data(normalised(*TARGET)), evidence(normalised((0.39, 0.37, 0.33), tuple(s / 2 for s in STD)))],
    ),
    "TARE044": (
        [
            evidence(normalised(MEAN, tuple(s * s for s in STD))),
            with_data(normalised(TARGET[0], tuple(s * s for s in TARGET[1]))),
        ],
        [evidence()],
    ),
    "TARE045": ([with_data(normalised(TARGET[0], OF_MEANS), BETWEEN)], [with_data(normalised(*TARGET), BETWEEN), evidence()]),
    "TARE046": (
        [
            evidence(normalised(tuple(m / s for m, s in zip(MEAN, STD, strict=True)), (1.0,) * 3)),
            evidence(normalised(tuple(m * s for m, s in zip(MEAN, STD, strict=True)), STD)),
            with_data(normalised(tuple(m * s for m, s in zip(*TARGET, strict=True)), TARGET[1])),
        ],
        [evidence(), evidence(normalised(MEAN, (1.0,) * 3))],
    ),
    "TARE020": ([evidence(steps=(NORMALIZE, TO_TENSOR))], [evidence(steps=(TO_TENSOR, NORMALIZE))]),
    "TARE021": (
        [evidence(steps=(CONVERT, NORMALIZE))],
        [evidence(steps=(CONVERT, step("to_dtype", dtype="float32", scale=True), NORMALIZE))],
    ),
    "TARE022": (
        [evidence(steps=(TO_TENSOR, NORMALIZE, JITTER)), evidence(stage="train", steps=(TO_TENSOR, NORMALIZE, JITTER))],
        [evidence(steps=(JITTER, TO_TENSOR, NORMALIZE)), evidence(steps=(TO_TENSOR, NORMALIZE, step("erase", random=True)))],
    ),
    "TARE023": (
        [seen(clamped=(-1.0, 1.0)), evidence(steps=(TO_TENSOR, NORMALIZE, step("clamp", low=0.0, high=1.0)))],
        [seen(), evidence(steps=(TO_TENSOR, step("clamp", low=0.0, high=1.0), NORMALIZE))],
    ),
    "TARE024": (
        [seen(random=True), evidence(steps=(step("geometric", "RandomHorizontalFlip", random=True),))],
        [seen(), evidence(stage="train", seen=replace(SEEN, random=True))],
    ),
    "TARE030": (
        [seen(grey=True), evidence(steps=(step("grayscale", "Grayscale", channels=3),))],
        [seen(normalised((0.449,) * 3, (0.226,) * 3), grey=True), evidence(steps=(step("grayscale", random=True, channels=3),))],
    ),
    "TARE031": (
        [
            seen(None, shape=(1, 224, 224)),
            evidence(steps=(step("normalize", "Normalize", mean=(0.5,) * 4, std=(0.5,) * 4, max_value=1.0),)),
            evidence(steps=(step("normalize", "Normalize", mean=MEAN, std=(0.2, 0.2), max_value=1.0),)),
        ],
        [evidence(steps=(NORMALIZE, step("normalize", mean=(0.5,), std=(0.5,), max_value=1.0)))],
    ),
    "TARE032": ([evidence(alpha=4)], [evidence(alpha=3), evidence(alpha=None)]),
    "TARE033": (
        [seen(layout="HWC", shape=(224, 224, 3))],
        [seen(), seen(layout="HW", shape=(224, 224)), seen(OWN, PATCHES, layout="HWC", shape=(40, 40, 3))],
    ),
    "TARE034": ([seen(dtype="float64"), seen(dtype="int64")], [seen(), seen(dtype="float16")]),
    "TARE035": ([seen(None, finite=False)], [seen(), seen(None, finite=False, by_image=True)]),
    "TARE040": (
        [evidence(steps=(step("normalize", mean=MEAN, std=(0.2, 0.2, 0.0), max_value=1.0),))],
        [evidence(steps=(NORMALIZE,))],
    ),
    "TARE041": (
        [
            evidence(steps=(step("normalize", mean=MEAN, std=(0.2, 0.2, 1e-6), max_value=1.0),)),
            evidence(normalised(MEAN, (0.229, 0.224, 1e-5))),
        ],
        # Constants of 0..255 are small numbers only in unit values.
        [evidence(steps=(step("normalize", mean=(124.0,) * 3, std=(1.0,) * 3, max_value=1.0),)), evidence(normalised(scale=1.0))],
    ),
    "TARE050": (
        [
            evidence(normalised((0.5,) * 3, (0.5,) * 3), sibling=evidence(stage="train")),
            evidence(REVERSED, sibling=evidence(stage="train")),
        ],
        [evidence(sibling=evidence(stage="train")), evidence(sibling=evidence(None, stage="train"))],
    ),
    "TARE060": (
        [with_data(normalised(ALL.mean, ALL.std), TRAIN, ALL)],
        [with_data(normalised(*TARGET), TRAIN, ALL), with_data(OWN, TRAIN, ALL)],
    ),
    "TARE061": (
        [
            evidence(normalised((0.0,) * 3, (1.0,) * 3), declared=OFF),
            evidence(steps=(replace(NORMALIZE, random=True),)),
        ],
        [evidence(declared=OFF), evidence(steps=(NORMALIZE,))],
    ),
    "TARE062": (
        [with_data(normalised(*TARGET), statistics(*TARGET, OF_IMAGES, error=0.05))],
        [with_data(normalised(*TARGET)), with_data(OWN, statistics(*TARGET, OF_IMAGES, error=0.05))],
    ),
    "TARE070": (
        [seen(shape=(3, 128, 128)), seen(shape=(3, 256, 320))],
        [seen(), evidence(stage="train", seen=replace(SEEN, shape=(3, 128, 128)))],
    ),
    "TARE071": ([evidence(stated=RESIZED)], [evidence(), evidence(stated=RESIZED, stage="train")]),
    "TARE072": ([evidence(stated=RESIZED)], [evidence(), evidence(stated=RESIZED, stage="train")]),
    "TARE073": (
        [evidence(steps=(TO_TENSOR, step("resize", antialias=False)))],
        [
            evidence(steps=(step("resize", antialias=False), TO_TENSOR)),
            evidence(steps=(TO_TENSOR, step("resize", antialias=True))),
        ],
    ),
    "TARE080": ([evidence(spec=InputSpec(), fed=None)], [evidence()]),
    "TARE090": ([fed(dtype="uint16", bits=12), fed(dtype="float32")], [fed(), fed(dtype="uint16", bits=12, strategy="target")]),
    "TARE091": (
        [fed(mean=RAW_MEAN, std=RAW_STD)],
        [
            fed(),
            fed(mean=RAW_MEAN, std=RAW_STD, strategy="target"),
            fed(mean=(4.7,) * 3, std=(0.6,) * 3, value_map="log1p"),
        ],
    ),
    "TARE092": (
        [fed(units="metre"), fed(units="metre", strategy="blend")],
        [fed(units="code"), fed(units="metre", strategy="none")],
    ),
    "TARE093": ([fed(seen=((0.02,) * 3, (0.01,) * 3))], [fed(seen=((0.1,) * 3, (0.08,) * 3)), fed(dtype="uint16", bits=12)]),
    "TARE094": ([fed(mean=(0.0,) * 3, std=(1 / 255,) * 3)], [fed(), fed(mean=(0.0,) * 3, std=(1 / 255,) * 3, strategy="match")]),
    "TARE095": ([fed(seen=((0.05,) * 3, (0.03,) * 3))], [fed(), fed(seen=((0.02,) * 3, (0.01,) * 3))]),
    "TARE096": (
        [fed(trained_on=statistics((0.13,) * 3, (0.3,) * 3))],
        [fed(), fed(trained_on=statistics(MEAN, STD)), fed(trained_on=statistics((0.3,) * 3, (0.3,) * 3, error=0.05))],
    ),
}


JUDGED = [rule.code for rule in RULES if rule not in OF_CODE]


def codes(given: Evidence) -> set[str]:
    return {finding.code for finding in findings(given)}


@pytest.mark.parametrize("code", JUDGED)
def test_a_rule_fires_on_its_mistake_and_not_on_what_looks_like_it(code: str) -> None:
    assert code in CASES, f"{code} has no evidence on which it fires"
    fires, silent = CASES[code]
    assert fires
    assert silent
    assert [code in codes(given) for given in fires] == [True] * len(fires)
    assert [code in codes(given) for given in silent] == [False] * len(silent)


def test_there_are_no_cases_of_rules_that_are_gone() -> None:
    assert set(CASES) == set(JUDGED)


@pytest.mark.parametrize("rule", OF_CODE, ids=lambda rule: rule.code)
def test_a_rule_of_code_finds_nothing_in_what_ran(rule: Rule) -> None:
    assert list(rule.findings(evidence(normalised(STD, MEAN)))) == []


def test_every_decorated_function_is_in_the_table() -> None:
    modules = [import_module(f"{kinds.__name__}.{found.name}") for found in iter_modules(kinds.__path__)]
    assert {thing for module in modules for thing in vars(module).values() if isinstance(thing, Rule)} == set(RULES)


def test_a_correct_pipeline_gives_nothing() -> None:
    assert list(findings(evidence(steps=(TO_TENSOR, NORMALIZE)))) == []


@pytest.mark.parametrize("code", JUDGED)
def test_a_message_is_one_line_with_a_remedy(code: str) -> None:
    for finding in (found for given in CASES[code][0] for found in findings(given) if found.code == code):
        assert "\n" not in str(finding)
        assert finding.remedy
        assert finding.message
        assert not finding.message.endswith(".")
        assert "nan" not in finding.message.lower().replace("nan or inf", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            evidence(normalised(scale=1.0)),
            "values of 0..255 are normalised as if they were in [0, 1]: raw 0..255 (green) arrives as -2.0357..1136.4, and the "
            "network was trained with -2.0357..2.4286",
        ),
        (evidence(normalised(STD, MEAN)), "mean and std are exchanged"),
        (evidence(normalised((0.5,) * 3, (0.5,) * 3)), "the constants are those of 'inception'"),
        (seen(by_image=True, threshold=True), "an image whose largest raw value is 1 or less"),
        (with_data(normalised(TARGET[0], OF_IMAGES)), "inputs come out 1.21 times as wide as intended"),
        (seen(shape=(3, 256, 320)), "256 x 320 px (images keep the size they come in)"),
    ],
)
def test_messages_hold_the_numbers_seen(given: Evidence, said: str) -> None:
    assert any(said in finding.message for finding in findings(given)), [str(finding) for finding in findings(given)]


def test_the_gravest_come_first() -> None:
    found = [
        finding.severity for finding in findings(evidence(normalised(scale=1.0), alpha=4, seen=replace(SEEN, dtype="float64")))
    ]
    assert found == ["error", "warning", "note"]


def test_a_finding_is_a_line_and_a_json_object() -> None:
    finding = Finding("TARE001", "error", "message", "remedy", "step 2")
    assert str(finding) == "step 2: TARE001 error: message; remedy"
    assert finding.to_json()["where"] == "step 2"
    assert finding.fails
    assert not replace(finding, severity="note").fails


def test_codes_and_names_are_unique_and_have_a_story() -> None:
    assert [rule.code for rule in RULES] == sorted({rule.code for rule in RULES})
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.story and rule.wrong and rule.right and rule.title for rule in RULES)


@pytest.mark.parametrize("name", ["TARE003", "tare003", "normalised-twice"])
def test_a_rule_is_found_by_code_or_name(name: str) -> None:
    assert rule_named(name).code == "TARE003"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("TARE03", r"did you mean TARE[01]\d3"), ("normalized-twice", "did you mean normalised-twice"), ("#", "see `tare rule`")],
)
def test_an_unknown_rule_gets_the_closest(name: str, hint: str) -> None:
    with pytest.raises(SpecError, match=hint):
        rule_named(name)


def test_the_page_lists_all_rules() -> None:
    page = Path(__file__).parents[3] / "docs" / "check.md"
    assert codes_table() in page.read_text(encoding="utf-8"), "run `python -m benchmarks.check_rates --write docs/check.md`"
