"""The reference that samples are tested against: what a network was trained on, in a few kilobytes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tare._version import __version__
from tare.comparing.shape import Spread
from tare.datasets.parts.columns import inner_of
from tare.datasets.parts.opening import open_pooled
from tare.datasets.parts.stated import shards_of
from tare.errors import DataError, SpecError, short_repr
from tare.measuring.left_out import checked_nodata
from tare.measuring.one_pass import stats_of
from tare.monitoring.carried import carried, is_exported
from tare.monitoring.evidence.figures import Taking, blocks, counts_of, figures_of, laid, levels_of, missing_of, with_gaps
from tare.monitoring.evidence.levels import LEVELS, Figure
from tare.monitoring.evidence.neighbours import NONE, Alike, alike
from tare.monitoring.evidence.spreads import Shares, spreads_from_json, spreads_to_json
from tare.samples.layout import Doubles, are_unnamed, channel_names, dtype_range, unit_scale
from tare.samples.raw_kind import Known, bits_in_use
from tare.samples.records import Kept, Part, Record, Rows, Sample, Skipped, Stack, along_axes, axes_of_sample
from tare.samples.sound.front_end import FrontEnd
from tare.sources.arrays.converted import converted
from tare.sources.arrays.whole import stated_nodata
from tare.sources.base import Source
from tare.sources.files.numbered import chunks_by_number
from tare.sources.options import Options
from tare.sources.rasters.georeferenced import Rasters
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import DatasetState
from tare.system.engines.local import default_workers, ordered_map
from tare.system.files import json_text, write_text
from tare.system.handed.arguments import place_of
from tare.system.local.opened import text_of
from tare.system.progress import Advance, expect

SCHEMA = "tare.reference/1"
_FEWEST = 20
_MOST_BYTES = 1 << 26
_REMEDY = "make it with tare.Reference.of(DATA)"


@dataclass(frozen=True, eq=False)
class Reference:
    """The figures of a training set's samples as counts of levels ``(F, 64)``, and the statistics of its values.

    ``stats`` are those of the values that figures are taken of: at most 4,096 of each channel of a sample, evenly spread.
    ``as_fed`` is the map from raw unit values to what the network takes, ``{"mean": ..., "std": ...}``, empty if it is not
    known. ``arriving`` is the map from the training set's unit values to those that arrive, ``{"gain": ..., "offset": ...}``,
    of a network that `tare respec` rewrote for a change: values are put back before they are tested. Empty for no change.
    ``seen`` is the reference of the same samples after the network's resize and crop, for monitors of values as the network
    takes them. ``front`` is the front end for sound that turned recordings into the samples, None if they are as stored.
    ``spreads`` say how samples differ in the shape of their values, one for each channel; references of earlier
    versions have none. ``alike`` says how many samples in a row count as one, where their order shows that neighbours are alike.
    ``axes`` is the number of axes of a sample, channels included; 0 if it is not known.
    ``facts`` are what the samples state of their axes, by name: the sampling rates of recordings, the spacings of volumes.
    ``origin`` is the run or model directory that it was loaded from, and ``factory`` what that directory
    names as the function that built its network, "" if timm did. ``remarks`` are what the data said when it was made. None of
    these is part of the file.
    """

    taking: Taking
    figures: tuple[Figure, ...]
    counts: NDArray[np.int64]
    samples: int
    stats: DatasetStats
    as_fed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    arriving: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    seen: Reference | None = None
    front: FrontEnd | None = None
    spreads: tuple[Spread, ...] = ()
    alike: Alike = NONE
    axes: int = 0
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: str = ""
    factory: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        data: Any,
        options: Options | None = None,
        *,
        nodata: float | Sequence[float] = (),
        workers: int | None = None,
        progress: Advance | None = None,
    ) -> Reference:
        """Take the figures of all samples of data, as :func:`tare.measure` takes them, in one pass.

        Raises :class:`DataError` for fewer than 20 readable samples, or samples of several kinds.
        """
        options = Options() if options is None else options
        source = by_names(converted(open_pooled(data, options), options.channels), data, options)
        # A stream may give them once. Neighbours in time are neighbours here.
        chunks = chunks_by_number(source, data, of_shards=shards_of(source) is not None)
        begun, records = _begin(source, chunks)
        left_out = tuple(dict.fromkeys((*checked_nodata(nodata), *stated_nodata(source.stated))))
        first = [(with_gaps(part, left_out), dtype) for part, dtype in blocks(records)]
        stats = stats_of(DatasetState.of(records), source, exclude_nan=True)
        taking = _taking([part for part, _ in first], stats, left_out)
        shares = Shares.laid([fitted(part, taking, dtype) for part, dtype in first], taking)
        values, states, marks, facts = [], DatasetState(), set[str](), {*along_axes(source.stated)}
        expect(progress, source.number)
        take = partial(_taken, source, taking, shares)
        for chunk, state, counted, stated, told, length in ordered_map(take, chain(begun, chunks), workers or default_workers()):
            values.append(chunk)
            states, shares = states.merge(state), shares.merge(counted)
            marks |= stated
            facts |= told
            if progress is not None:
                progress(length)
        stats = stats_of(states, source, exclude_nan=True)
        taking = replace(taking, nodata=tuple(dict.fromkeys((*taking.nodata, *_common(marks)))))
        made = cls.from_figures(np.concatenate(values), taking, stats, shares.spreads(taking))
        axes = next((axes for record in records if (axes := axes_of_sample(record))), 0)
        return replace(made, axes=axes, facts=grouped(facts), remarks=tuple(source.remarks))

    @classmethod
    def from_figures(cls, values: Doubles, taking: Taking, stats: DatasetStats, spreads: tuple[Spread, ...] = ()) -> Reference:
        """Make a reference of the figures ``(N, F)`` of samples, in their order. Raises :class:`DataError` for fewer than 20."""
        if len(values) < _FEWEST:
            bad = stats.unreadable
            beside = f", beside {len(bad)} unreadable ones, the first {bad[0].path!r}: {bad[0].reason}" if bad else ""
            remedy = "name the data that trained the network"
            raise DataError(f"a reference of {_FEWEST} samples or more", f"{len(values)}{beside}", remedy)
        figures = laid(values, taking)
        levels = levels_of(values, figures, rows=taking.rows)
        return cls(taking, figures, counts_of(levels, LEVELS), len(values), stats, spreads=spreads, alike=alike(levels, figures))

    def of_values(self, values: str) -> Reference:
        """The part that values of a kind are tested against: of ``fed`` ones the samples as the network sees them, if known."""
        return self if values != "fed" or self.seen is None else replace(self.seen, origin=self.origin, factory=self.factory)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Reference) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """What identifies the reference, whatever version of tare writes it: states are merged under one reference alone."""
        document = {name: value for name, value in self.to_json().items() if name != "version"}
        return digest_of(document if self.seen is None else {**document, "seen": self.seen.digest})

    def to_json(self) -> dict[str, Any]:
        """The reference as a JSON object with schema ``tare.reference/1``."""
        arriving = {name: list(values) for name, values in self.arriving.items()}
        return {
            "schema": SCHEMA,
            "version": __version__,
            "samples": self.samples,
            "taking": asdict(self.taking),
            "figures": [asdict(figure) for figure in self.figures],
            "counts": packed(self.counts),
            "as_fed": {name: list(values) for name, values in self.as_fed.items()},
            "stats": self.stats.to_json(),
            **({"spreads": spreads_to_json(self.spreads)} if self.spreads else {}),
            **({"alike": asdict(self.alike)} if self.alike.figure else {}),
            **({"axes": self.axes} if self.axes else {}),
            **({"facts": {name: list(words) for name, words in self.facts.items()}} if self.facts else {}),
            **({"arriving": arriving} if arriving else {}),
            **({} if self.front is None else {"front": self.front.to_json()}),
            **({} if self.seen is None else {"seen": self.seen.to_json()}),
        }

    @classmethod
    def from_json(cls, document: Any) -> Reference:
        """Read :meth:`to_json` back. Raises :class:`DataError` for another schema, or if it is malformed."""
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            found = document.get("schema") if isinstance(document, dict) else type(document).__name__
            raise DataError(f"a JSON object with schema {SCHEMA!r}", short_repr(found), _REMEDY)
        try:
            return cls._read(document)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, SpecError) as error:
            raise DataError(f"a complete {SCHEMA!r} object", f"{type(error).__name__}: {error}", _REMEDY) from None

    @classmethod
    def _read(cls, document: dict[str, Any]) -> Reference:
        stated = document["taking"]
        low, high, nodata = (tuple(map(float, stated[name])) for name in ("low", "high", "nodata"))
        channels, dtype = tuple(map(str, stated["channels"])), np.dtype(stated["dtype"]).name
        taking = Taking(channels, dtype, low, high, nodata, bool(stated["rows"]))
        kinds = taking.kinds()
        figures = tuple(
            Figure(kind, str(each["name"]), places, float(each["centre"]), float(each["step"]))
            for (kind, places), each in zip(kinds, document["figures"], strict=True)
        )
        counts = unpacked(document["counts"], (len(figures), LEVELS))
        samples = int(document["samples"])
        if np.dtype(dtype).kind not in "biuf":
            raise ValueError(f"values of {dtype}, which are no numbers")
        if len(taking.low) != len(taking.channels) or len(taking.high) != len(taking.channels):
            raise ValueError("ends of another number of channels")
        if not all(np.isfinite(figure.centre) and 0 < figure.step < np.inf for figure in figures):
            raise ValueError("levels without a finite width")
        if samples < _FEWEST or (counts < 0).any() or (counts.sum(axis=1) > samples).any():
            raise ValueError("counts that do not fit the number of samples")
        as_fed, arriving = (
            {str(name): tuple(map(float, values)) for name, values in document.get(part, {}).items()}
            for part in ("as_fed", "arriving")
        )
        if arriving and not _is_map(arriving, len(taking.channels)):
            raise ValueError("a map of arriving values that cannot be undone")
        inside = document.get("seen")
        seen = None if inside is None else cls._read({**inside, "seen": None})
        spreads = spreads_from_json(document.get("spreads", []), len(channels))
        stats = DatasetStats.from_json(document["stats"])
        front = FrontEnd.of(document["front"], "the reference") if "front" in document else None
        axes = int(document.get("axes", 0))
        facts = {str(name): tuple(map(str, words)) for name, words in document.get("facts", {}).items()}
        near = _alike(document, samples)
        return cls(taking, figures, counts, samples, stats, as_fed, arriving, seen, front, spreads, near, axes, facts)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the reference as JSON, atomically."""
        write_text(Path(path), json_text(self.to_json()) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Reference:
        """Read the file of :meth:`save`, a run, model or export directory, or an exported file that carries one.

        Raises :class:`DataError` if it is not there, malformed, or carries no reference.
        """
        place = _place(place_of(path, "a reference", DataError))
        if not place.is_file():
            found = f"none in {str(path)!r}" if Path(path).is_dir() else f"{str(path)!r}, which does not exist"
            remedy = f"name the training data in its place; a run of fewer than {_FEWEST} training samples carries none"
            raise DataError("a reference", found, remedy)
        try:
            document = json.loads(_text(place))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError("a readable reference", f"{str(place)!r}: {error}", _REMEDY) from None
        if isinstance(document, dict) and document.get("schema") != SCHEMA and isinstance(document.get("reference"), dict):
            document = document["reference"]
        if isinstance(document, dict) and str(document.get("schema")).startswith("tare.stats/"):
            found = f"the statistics in {str(place)!r}, which hold no figures of single samples"
            raise DataError("a reference", found, "measure the data once more with `tare measure DATA --reference FILE`")
        known = cls.from_json(document)
        return replace(known, origin=str(path), factory=_factory(place.parent)) if Path(path).is_dir() else known


def digest_of(document: dict[str, Any]) -> str:
    """What identifies a JSON object."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def _place(path: Path) -> Path:
    """The file that holds the reference of a path: itself, or that of a run, model or export directory."""
    names = ("reference.json", "model/reference.json")
    return next((path / name for name in names if (path / name).is_file()), path / names[0]) if path.is_dir() else path


def _factory(folder: Path) -> str:
    """``FILE.py:FACTORY`` of a model directory whose network no library builds; "" for another, or where none is stated."""
    try:
        stated = json.loads(text_of(folder / "tare.json"))["network"]
        known = bool(stated["timm"]) or bool(stated.get("hf", False)) or ".py:" not in str(stated["reference"])
        return "" if known else str(stated["reference"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _alike(document: Mapping[str, Any], samples: int) -> Alike:
    """How alike neighbours are; earlier versions did not state it. Raises ValueError for what no samples are."""
    stated = document.get("alike")
    if stated is None:
        return NONE
    found = Alike(float(stated["samples"]), str(stated["figure"]), float(stated["correlation"]))
    if not 1 <= found.samples <= samples or not -1 <= found.correlation <= 1:
        raise ValueError("neighbours that are more alike than samples can be")
    return found


def _is_map(arriving: Mapping[str, tuple[float, ...]], channels: int) -> bool:
    """Whether a map has a finite gain other than zero and a finite offset for each channel."""
    gain, offset = (np.asarray(arriving[name]) for name in ("gain", "offset"))
    shapes = gain.shape == offset.shape == (channels,)
    return shapes and bool(np.isfinite(gain).all() and np.isfinite(offset).all() and (gain != 0).all())


def _text(place: Path) -> str:
    """The JSON text of a reference. Raises :class:`DataError` for an exported file without one."""
    if not is_exported(place):
        return text_of(place)
    text = carried(place)
    if text is None:
        remedy = "export a run that has a model/reference.json, or pass the reference's own file"
        raise DataError("a reference in the file's metadata", f"none in {str(place)!r}", remedy)
    return text


def packed(counts: NDArray[np.int64]) -> str:
    """Counts as text: little-endian, deflated, in base 64."""
    return base64.b64encode(zlib.compress(counts.astype("<i8").tobytes(), 9)).decode("ascii")


def unpacked(text: str, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Counts from text. Raises ValueError for another number of counts."""
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"damaged counts: {error}") from None
    return np.frombuffer(data, "<i8").astype(np.int64).reshape(shape)


def _begin(source: Source[Any], chunks: Iterator[Any]) -> tuple[list[Any], list[Record]]:
    """The chunks up to the first with readable samples, and its records. Raises :class:`DataError` without one."""
    begun = []
    for chunk in chunks:
        begun.append(chunk)
        records = list(source.read(chunk))
        if any(not isinstance(record, Skipped) for record in records):
            return begun, records
    raise DataError("at least one readable sample", f"none in {source.name!r}", "check the path")


def _taking(parts: list[NDArray[Any]], stats: DatasetStats, nodata: tuple[float, ...]) -> Taking:
    """How figures are taken, by the first samples and their statistics."""
    rows = all(part.shape[1] == 1 for part in parts)
    channels = tuple(channel.name for channel in stats.channels)
    whole = np.dtype(stats.dtype).kind in "iub"
    top = max((float(np.nanmax(part)) for part in parts if whole and np.isfinite(part).any()), default=np.nan)
    bits = bits_in_use(stats.dtype, top)
    span = dtype_range(stats.dtype, bits.value if isinstance(bits, Known) else None)
    if span is not None:
        return Taking(channels, stats.dtype, (float(span[0]),) * len(channels), (float(span[1]),) * len(channels), nodata, rows)
    finite = [[part[..., c][np.isfinite(part[..., c])] for part in parts] for c in range(len(channels))]
    low, high = (
        tuple(float(pick(np.concatenate(each), initial=start)) for each in finite)
        for pick, start in ((np.min, np.inf), (np.max, -np.inf))
    )
    return Taking(channels, stats.dtype, _finite(low), _finite(high), nodata, rows)


def _finite(ends: tuple[float, ...]) -> tuple[float, ...]:
    """Ends that a file can hold, where a channel has no finite value to begin with."""
    return tuple(float(np.clip(end, -1e300, 1e300)) for end in ends)


def _taken(
    source: Source[Any], taking: Taking, shares: Shares, chunk: Any
) -> tuple[Doubles, DatasetState, Shares, set[str], set[tuple[str, str]], int]:
    """Of a chunk's samples the figures, the state of the values looked at, shares, what they state, and their number.

    They state values that mean no data, and what their axes are.
    """
    records = list(source.read(chunk))
    parts = [fitted(part, taking, dtype) for part, dtype in blocks(records)]
    values = [figures_of(part, taking) for part in parts]
    state = state_of(parts, taking)
    skipped = DatasetState.of([record for record in records if isinstance(record, Skipped)])
    figures = np.concatenate(values) if values else np.zeros((0, len(taking.kinds())))
    counted, length = shares.counted(parts, taking), source.chunk_length(chunk)
    return figures, state.merge(skipped), counted, _marks(records), axes_stated(records), length


def axes_stated(records: Iterable[Record]) -> set[tuple[str, str]]:
    """What the files of samples state of their axes."""
    return {fact for record in records if isinstance(record, Sample | Kept | Part) for fact in along_axes(record.facts)}


def grouped(facts: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The different words of facts, by their names."""
    found: dict[str, tuple[str, ...]] = {}
    for name, words in sorted({*facts}):
        found[name] = (*found.get(name, ()), words)
    return found


def _marks(records: Iterable[Record]) -> set[str]:
    """What the files of samples state as no data, "" for those that state nothing; of a sample in parts the first does."""
    stating = (record for record in records if isinstance(record, Sample | Kept) or (isinstance(record, Part) and record.facts))
    return {next((words for name, words in record.facts if name == "nodata"), "") for record in stating}


def _common(marks: set[str]) -> tuple[float, ...]:
    """The one number that all files state as no data: what arrives without its file has it among its values. None of several."""
    numbers = stated_nodata((("nodata", next(iter(marks))),)) if len(marks) == 1 else ()
    return numbers if len(numbers) == 1 else ()


def state_of(parts: list[NDArray[Any]], taking: Taking) -> DatasetState:
    """The exact state of blocks ``(N, P, C)``. Values that mean no data count as missing; whole numbers with gaps stay whole."""
    state = DatasetState()
    is_whole = np.dtype(taking.dtype).kind in "iu" and not taking.rows
    scale = float(unit_scale(taking.dtype))
    for part in parts:
        missing = missing_of(part, taking)
        if is_whole and missing is not None:
            state = state.merge(_with_gaps(part, missing, np.dtype(taking.dtype)))
            continue
        values = part.astype(taking.dtype) if is_whole else part if missing is None else np.where(missing, np.nan, part)
        record: Record = Stack("", values)
        if taking.rows:  # unit values, since what arrives need not have the type of the reference
            record = Rows("", [np.ascontiguousarray(values[:, 0, c], np.float64) * scale for c in range(part.shape[2])])
        state = state.merge(DatasetState.of([record]))
    return state


def _with_gaps(part: NDArray[Any], missing: NDArray[np.bool_], dtype: np.dtype[Any]) -> DatasetState:
    """The state of whole numbers ``(N, P, C)`` of which some are missing."""
    channels = range(part.shape[2])
    kept = (Kept("", tuple(one[~gaps[:, c], c].astype(dtype) for c in channels)) for one, gaps in zip(part, missing, strict=True))
    state = DatasetState.of(kept)
    ((layout, group),) = state.groups.items()
    gaps = missing.sum(axis=(0, 1)).tolist()
    found = tuple(
        replace(each, moments=replace(each.moments, nan=each.moments.nan + number))
        for each, number in zip(group.channels, gaps, strict=True)
    )
    return replace(state, groups={layout: replace(group, channels=found)})


def by_names(source: Source[Any], data: Any, options: Options) -> Source[Any]:
    """A source whose rasters are read by the names of the first one's bands: each may store them in another order."""
    names = source.channel_names
    if options.columns is not None or names is None or not isinstance(inner_of(source), Rasters) or are_unnamed(names):
        return source
    return open_pooled(data, replace(options, columns=names))


def fitted(part: NDArray[Any], taking: Taking, dtype: str) -> NDArray[Any]:
    """The samples with the reference's channels: grey ones among colours are read as RGB, as :func:`tare.measure` does.

    ``dtype`` is that of the data; the values may be floats where some are missing.
    Raises :class:`DataError` for samples of another number of channels or another dtype than the reference's.
    """
    if part.shape[2] == 1 and taking.channels == channel_names(3) and dtype == taking.dtype and not taking.rows:
        return np.repeat(part, 3, axis=2)
    if part.shape[2] != len(taking.channels) and taking.rows:
        expected = f"rows of {len(taking.channels)} columns ({', '.join(taking.channels[:5])}), as the reference has"
        raise DataError(expected, f"{part.shape[2]}", "choose them with --columns (columns=), or name another reference")
    if part.shape[2] != len(taking.channels):
        expected = f"samples with {len(taking.channels)} channels ({', '.join(taking.channels[:5])}), as the reference has"
        raise DataError(expected, f"{part.shape[2]}", "convert all with --channels (channels=), or name another reference")
    same = dtype == taking.dtype or np.dtype(dtype).kind == np.dtype(taking.dtype).kind == "f"
    if not same and not taking.rows:
        remedy = "name a reference of such values; tare.Monitor takes scaled ones with values='unit' or 'fed'"
        raise DataError(f"raw values of {taking.dtype}, as the reference has", dtype, remedy)
    return part
