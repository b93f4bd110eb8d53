"""Constants of log-mel spectrograms on values that they do not belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tare.checking.repository.result import CodeFinding
from tare.checking.repository.rules.found import finding, step
from tare.checking.repository.rules.linking import Program, programs
from tare.code.facts import Facts
from tare.code.sounds.listeners import Listener, listener_of
from tare.code.sounds.spectra import AUDIOSET, Measure, Standardised, measure_of, standardised

#: What AudioSet's constants meet, by what a spectrogram measures.
_OTHERWISE: dict[Measure, str] = {
    "db": "decibels, which are 4.34 times larger",
    "log10": "decimal logarithms, which are 2.3 times smaller",
    "power": "a spectrogram without its logarithm",
}
#: Networks that divide by twice the std.
_DOUBLING = re.compile(r"(?i)MIT/ast-|^AST")


def spectra(facts: Facts) -> Iterator[CodeFinding]:
    """AudioSet's constants on another measure, on features that are normalised already, and without the factor of two."""
    for program in programs(facts, every=True):
        found = [each for call in program.calls if (each := standardised(call)) is not None and each.is_audioset]
        for each in found:
            yield from _of_constants(each, program)


def _of_constants(each: Standardised, program: Program) -> Iterator[CodeFinding]:
    measure = measure_of(each.spectrogram)
    if measure == "features":
        yield _twice(each)
    elif measure in _OTHERWISE:
        yield _on_another_measure(each, _OTHERWISE[measure])
    elif each.is_single:
        network = _doubling(program)
        if network is not None:
            yield _without_two(each, network)


def _doubling(program: Program) -> Listener | None:
    """The one pretrained network of the program that hears spectrograms, if it is one that divides by twice the std."""
    found = [each for call in program.calls if (each := listener_of(call)) is not None and not each.is_extractor]
    return found[0] if found and all(_DOUBLING.search(each.name) for each in found) else None


def _twice(each: Standardised) -> CodeFinding:
    return finding(
        "TARE003",
        "error",
        each.call.spot,
        f"the feature extractor has normalised these values, and mean {AUDIOSET[0]} and std {each.std:.7g} are applied again",
        "leave one of the two out: give the extractor do_normalize=False, or do not normalise what it returns",
    )


def _on_another_measure(each: Standardised, what: str) -> CodeFinding:
    return finding(
        "TARE016",
        "error",
        each.call.spot,
        f"mean {AUDIOSET[0]} and std {AUDIOSET[1]} are of natural logarithms of AudioSet's mel filter banks, and these values "
        f"are {what}",
        "take torch.log of the mel power, or measure the mean and std of your values with `tare measure`",
    )


def _without_two(each: Standardised, network: Listener) -> CodeFinding:
    return finding(
        "TARE043",
        "error",
        each.call.spot,
        f"{network.name} was trained with (x - mean) / (2 std), and this divides by the std {AUDIOSET[1]} itself: values are "
        "twice as large",
        f"divide by {2 * AUDIOSET[1]:.7g}",
        evidence=(step(network.name, network.call.spot),),
    )
