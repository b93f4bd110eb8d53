"""Options of ImageDataGenerator that have no effect, or another one than meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.code.facts import Facts
from tare.code.files.text import in_one_line
from tare.code.interpreter.values import Call, Literal
from tare.code.libraries.flows import root, unit_scaling
from tare.code.libraries.keras import flow, generator
from tare.code.libraries.step import flag

#: Options that need the statistics of ``generator.fit(images)``.
_FITTED = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")


def options(facts: Facts) -> Iterator[CodeFinding]:
    """Options that need statistics which nothing takes, and statistics of values that ``rescale`` has not reached."""
    texts = {each.path: each.document.text for each in facts.sources}
    for program in programs(facts, every=True):
        flows = {id(made.call) for made in map(flow, program.calls) if made is not None}
        for call in program.calls:
            wanted = [name for name in _FITTED if flag(call.keywords.get(name)) is True]
            made = generator(call) if wanted else None
            if made is not None and made.closed and id(call) in flows:
                yield from _of_generator(program, call, wanted[0], texts)


def _of_generator(program: Program, call: Call, option: str, texts: dict[str, str]) -> Iterator[CodeFinding]:
    fits = [each for each in program.calls if each.function == ".fit" and each.receiver is call]
    value = call.keywords.get("rescale")
    if fits and isinstance(value, Literal) and value.value not in (None, 1, 1.0) and not _is_scaled(fits[0]):
        yield finding(
            "TARE105",
            "warning",
            value.spot or call.spot,
            f"fit takes the mean and std of the images before rescale, and {option} applies them after it: they are of values "
            "0..255, and the images are 0..1",
            "leave rescale out, or fit images that were scaled in the same way",
            evidence=(step("fit", fits[0].spot),),
        )
    elif not fits and not _is_fitted_elsewhere(program, call, texts):
        yield finding(
            "TARE105",
            "warning",
            call.spot,
            f"{option} has no effect: nothing calls fit of this generator, so it has no statistics, and Keras only warns",
            "call generator.fit(training_images) first, or leave the option out",
        )


def _is_scaled(fit: Call) -> bool:
    image = root(fit.args[0]) if fit.args else None
    return not isinstance(image, Call) or unit_scaling(image) is not None


def _is_fitted_elsewhere(program: Program, call: Call, texts: dict[str, str]) -> bool:
    """Whether some file calls fit of a variable that has the generator's name, or loads its mean."""
    names = "|".join(map(re.escape, call.names)) or "(?!)"
    word = re.compile(rf"\b(?:{names})\.(?:fit|mean|std)\b|\.standardize\b")
    every = [texts.get(each, "") for each in {program.path, call.spot.source.path}]
    return any(in_one_line(text, "gen", ".fit(") or word.search(text) for text in every)
