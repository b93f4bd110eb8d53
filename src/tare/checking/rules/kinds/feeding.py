"""Rules on what is about to be fed to a network, judged from the data's statistics before the first batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tare.checking.rules.evidence import Evidence
from tare.checking.rules.feed import OFF, Feed, same_kind
from tare.checking.rules.rule import Problem, rule
from tare.checking.rules.words import listed
from tare.input_spec.spec import Known
from tare.normalisation.names import DECLARED
from tare.samples.constants import as_code_values
from tare.samples.layout import dtype_range, unit_scale
from tare.statistics.dataset_stats import ChannelStats, DatasetStats

# In input std. Photographs under published constants have a mean within 2 and a std of 0.5 to 2; sparse, dark or faint images
# reach a mean of 2.5 and a std of 0.2.
_COLLAPSED, _FAINT = 0.05, 0.2
_FAR = 50.0
# Inputs are unlike those of training if their mean is this many training stds away, and this many standard errors.
_MOVED, _SURE = 0.5, 6.0
# Or if they vary so many times as much, or so many times less: no loudness, light or content of the same scale does.
_WIDER, _NARROWER = 10.0, 1000.0


@rule(
    "TARE090",
    "raw-kind",
    "error",
    wrong="tare transfer SCANS --model timm:resnet18   # 12 bits in uint16, under constants of 8-bit images",
    right="tare transfer SCANS --model timm:resnet18 --scale 1/4095   # or --strategy target",
)
def another_raw_kind(evidence: Evidence) -> Iterator[Problem]:
    """Raw values of another kind than the constants are of.

    A mean and std of 8-bit images say nothing about 16-bit scans or floats: 4095 of a 12-bit sensor in uint16 is a sixteenth of
    the type's range, so that all images reach the network nearly black. Training goes on, and the network learns from a sliver.
    """
    feed, raw = evidence.feed, evidence.spec.raw_dtype
    if feed is None or not feed.foreign or not isinstance(raw, Known) or same_kind(raw.value, feed.stats.dtype):
        return
    yield Problem(
        f"the data are {kind_of(feed.stats)}, and {_constants(feed)} are constants of {raw.value} values ({raw.origin}): the "
        f"network would see {feed.fed}",
        f"{_scale_remedy(feed.stats)}, or use the data's own statistics (--strategy target)",
    )


@rule(
    "TARE091",
    "code-constants",
    "error",
    wrong="tare transfer PHOTOS --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375",
    right="tare transfer PHOTOS --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
)
def constants_of_code_values(evidence: Evidence) -> Iterator[Problem]:
    """Constants of 0..255 values on unit values.

    Mean 123.675 and std 58.395 are ImageNet's constants times 255. Unit values lie in [0, 1]: under such constants every image
    arrives as a sliver around -2.1, a hundredth of a std wide.
    """
    feed = evidence.feed
    if feed is None or not feed.foreign or unit_scale(feed.stats.dtype) == 1 or feed.normalisation.value_map != "identity":
        return
    wrong = as_code_values(feed.normalisation.mean, feed.normalisation.std)
    if wrong is not None:
        yield Problem(
            f"mean and std are {wrong.found}, and the data are unit values: the network would see {feed.fed}", wrong.remedy
        )


@rule(
    "TARE092",
    "units-differ",
    "error",
    wrong="a network of reflectances, fed digital numbers",
    right="tare transfer TILES --scale 1/10000",
)
def other_units(evidence: Evidence) -> Iterator[Problem]:
    """Raw values in other units than the constants are of.

    Reflectance and digital numbers, Hounsfield units and stored values, metres and millimetres differ by a factor and an offset
    that no network undoes.
    """
    feed, wanted = evidence.feed, evidence.spec.units
    if feed is None or not feed.foreign or not isinstance(wanted, Known) or not isinstance(feed.stats.units, Known):
        return
    if wanted.value != feed.stats.units.value:
        yield Problem(
            f"the data are in {feed.stats.units.value} ({feed.stats.units.origin}), and the constants are of {wanted.value} "
            f"({wanted.origin})",
            "convert the data, state the --scale from one to the other, or use --strategy target",
        )


@rule(
    "TARE093",
    "collapsed",
    "error",
    wrong="x = x / 255   # x is in [0, 1] already",
    right="measure the data first: tare measure DATA",
)
def collapsed(evidence: Evidence) -> Iterator[Problem]:
    """The whole range reaches the network as a sliver.

    Constants of one scale on values of another press all inputs together: every sample looks the same, the loss still falls a
    little, and no accuracy comes.
    """
    feed = evidence.feed
    if feed is not None and _judged(feed) and not _named(evidence) and feed.spread < _COLLAPSED:
        yield Problem(
            f"{_under(feed)} the network would see {feed.fed}: hardly any difference between inputs is left", _cure(feed)
        )


@rule(
    "TARE094",
    "far-away",
    "error",
    wrong="(x - 0.485) / 0.229   # x is a scan of Hounsfield units",
    right="tare transfer SCANS --strategy target",
)
def far_away(evidence: Evidence) -> Iterator[Problem]:
    """Inputs tens of stds away from what any network is trained on.

    Values of thousands under constants of unit values arrive as thousands of stds. Activations saturate, and training diverges
    or stands still.
    """
    feed = evidence.feed
    if feed is None or not _judged(feed) or _named(evidence) or feed.is_own_range:
        return
    if abs(feed.mean) > _FAR or feed.std > _FAR:
        yield Problem(f"{_under(feed)} the network would see {feed.fed}", _cure(feed))


@rule(
    "TARE095",
    "unusual-input",
    "warning",
    wrong="constants of photographs on images of another kind",
    right="tare advise DATA --model MODEL",
)
def unusual(evidence: Evidence) -> Iterator[Problem]:
    """Inputs that are possible and unusual.

    Dark, faint or sparse data under another dataset's constants arrive with a mean or std that photographs do not have. It may
    be meant; it may be a scale that is wrong.
    """
    feed = evidence.feed
    if feed is None or not _judged(feed) or _named(evidence):
        return
    is_off = not feed.is_own_range and OFF < max(abs(feed.mean), feed.std) <= _FAR
    if _COLLAPSED <= feed.spread < _FAINT or is_off:
        yield Problem(
            f"{_under(feed)} the network sees {feed.fed}, and was trained near mean 0 and std 1",
            "compare the strategies (tare advise), or see whether the scale is right (tare measure)",
        )


@rule(
    "TARE096",
    "unlike-training",
    "note",
    wrong="tare predict DIGITS_RUN holiday.jpg",
    right="tare predict DIGITS_RUN scanned-digits/",
)
def unlike_training(evidence: Evidence) -> Iterator[Problem]:
    """Inputs unlike those that the network was trained on.

    A network answers everything. Colour photographs given to a network of digits get a digit, with a probability.
    """
    feed = evidence.feed
    if feed is None or feed.trained_on is None:
        return
    moved = [
        (name, there.mean, here.mean)
        for name, there, here in zip(channel_names(feed.stats), feed.trained_on.channels, feed.stats.channels, strict=True)
        if _differs(there.mean, there.std, there.mean_se * math.sqrt(feed.trained_on.samples), here.mean, feed.stats.samples)
    ]
    scaled = [
        (name, there.std, here.std)
        for name, there, here in zip(channel_names(feed.stats), feed.trained_on.channels, feed.stats.channels, strict=True)
        if _is_wider(there, here) or (_is_narrower(there, here) and here.count > feed.stats.samples)
    ]
    if not moved and not scaled:
        return
    name, there, here = max(moved, key=lambda one: abs(one[1] - one[2])) if moved else scaled[0]
    figure, more = ("mean", ", with samples varying less than that") if moved else ("std", "")
    yield Problem(
        f"the first {feed.stats.samples} inputs have a {figure} of {here:.3g} ({name}) in unit values, and those of training had "
        f"{there:.3g}{more}",
        "see whether these are the inputs that the network is for",
    )


def kind_of(stats: DatasetStats) -> str:
    """The type of raw values and the bits in use, in words: uint16 with 12 bits in use (up to 3999)."""
    span = dtype_range(stats.dtype)
    largest = max((channel.max for channel in stats.channels), default=math.nan) / float(unit_scale(stats.dtype))
    lowest = min((channel.min for channel in stats.channels), default=math.nan) / float(unit_scale(stats.dtype))
    if span is None or not isinstance(stats.bits, Known):
        return f"{stats.dtype} from {lowest:.4g} to {largest:.4g}"
    width = (span[1] - span[0]).bit_length()
    used = "" if stats.bits.value == width else f" with {stats.bits.value} bits in use"
    return f"{stats.dtype}{used} (up to {largest:.0f})"


def channel_names(stats: DatasetStats) -> list[str]:
    """The names of the channels."""
    return [channel.name for channel in stats.channels]


def _scale_remedy(stats: DatasetStats) -> str:
    """The scale that would make unit values of the data."""
    if isinstance(stats.bits, Known):
        largest = (1 << stats.bits.value) - 1
        return f"state what white is, if the constants are of values in [0, 1] (--scale 1/{largest} if it is {largest})"
    top = max((channel.max for channel in stats.channels), default=math.nan)
    known = next((f"1/{edge}" if edge > 1 else "1" for edge in (1, 255, 4095, 65535) if top <= edge), "FACTOR")
    return f"state the factor to values in [0, 1] (--scale {known}), if there is one"


def _judged(feed: Feed) -> bool:
    """Whether the moments can be wrong.

    Those of samples or data that are z-scored by their own moments cannot. Neither can those of floats that are fed as they are
    on purpose: a quiet recording has a std of 0.02.
    """
    chosen = feed.normalisation
    own = chosen.per_sample is not None or chosen.strategy == "match" or DECLARED[chosen.strategy].whose == "target"
    as_it_is = chosen.strategy == "none" and unit_scale(feed.stats.dtype) == 1 and abs(feed.mean) <= _FAR and feed.std <= _FAR
    return (
        not own
        and not as_it_is
        and all(math.isfinite(value) for pair in feed.normalisation.moments_fed(feed.stats) for value in pair)
    )


def _named(evidence: Evidence) -> bool:
    """Whether another rule names the reason already."""
    return any(any(each.check(evidence)) for each in (another_raw_kind, constants_of_code_values, other_units))


def _constants(feed: Feed) -> str:
    return f"mean {listed(feed.normalisation.mean)} and std {listed(feed.normalisation.std)}"


def _under(feed: Feed) -> str:
    return f"the data are {kind_of(feed.stats)}, and under {_constants(feed)} (strategy {feed.normalisation.strategy})"


def _cure(feed: Feed) -> str:
    """Constants of the data's own, or a scale where the type's range is not that of the values."""
    span, bits = dtype_range(feed.stats.dtype), feed.stats.bits
    fills = span is not None and isinstance(bits, Known) and bits.value == (span[1] - span[0]).bit_length()
    scale = f"{_scale_remedy(feed.stats)}, or " if feed.foreign and not fills else ""
    return f"{scale}use the data's own statistics (--strategy target)"


def _is_wider(there: ChannelStats, here: ChannelStats) -> bool:
    """Whether values reach out of the range of training, and vary many times as much: 16-bit samples where -1 to 1 was learnt."""
    return here.std > _WIDER * there.std and not there.min <= here.min <= here.max <= there.max


def _is_narrower(there: ChannelStats, here: ChannelStats) -> bool:
    return 0 < here.std * _NARROWER < there.std  # black images and silence have a std of 0, at any scale


def _differs(there: float, spread: float, between: float, here: float, count: int) -> bool:
    """Whether means differ by a good part of the values' spread, and by more than samples of training vary."""
    apart = abs(here - there)
    return apart > _MOVED * spread and apart > _SURE * between / math.sqrt(max(1, count))
