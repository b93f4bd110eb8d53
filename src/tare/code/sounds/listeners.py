"""Networks and feature extractors that take waveforms: the sample rate they were trained with, and whether the range counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tare.code.interpreter.values import Call, Choice, Library, Value
from tare.code.interpreter.values import Literal as Constant
from tare.code.libraries.step import number, text


class Listener(NamedTuple):
    """What takes a waveform: its name, its sample rate in Hz, and the call that makes it.

    ``absolute`` if values are to be within -1..1: others bring each recording to a mean of 0 and a std of 1 first, or have a
    normalisation of each channel after their first layer, which does the same. ``is_extractor`` if it is a feature extractor.
    """

    name: str
    rate: int
    absolute: bool
    call: Call
    is_extractor: bool = False

    @property
    def wants_standardised(self) -> bool:
        """Whether it was trained with recordings of a mean of 0 and a std of 1, and does not bring them there itself."""
        return not self.is_extractor and _STANDARDISED.fullmatch(self.name) is not None


#: Models of the Hugging Face hub, by identifier: the sample rate of their feature extractor, and whether the range counts.
_HUB: tuple[tuple[str, int, bool], ...] = (
    (r"openai/whisper-.*|distil-whisper/.*", 16_000, True),
    (r"MIT/ast-.*", 16_000, True),
    (r"laion/(?:clap|larger_clap)[-_].*", 48_000, True),
    (r"facebook/(?:wav2vec2|hubert|data2vec-audio|mms)-.*", 16_000, False),
    (r"microsoft/(?:wavlm|unispeech)-.*", 16_000, False),
    (r"jonatasgrosman/wav2vec2-.*|superb/(?:wav2vec2|hubert|wavlm)-.*", 16_000, False),
)
#: Every Whisper, whatever its identifier.
_WHISPER = (16_000, True)
#: The default of a feature extractor that is made by its class. A model may state another: some of wav2vec 2.0 have 8 or 24 kHz.
_CLASSES: tuple[tuple[str, int, bool], ...] = (
    (r"Whisper\w*", 16_000, True),
    (r"AST(?:FeatureExtractor|Model|ForAudioClassification)", 16_000, True),
    (r"Clap(?:FeatureExtractor|Processor|Model|AudioModel\w*)", 48_000, True),
    (r"(?:Wav2Vec2|Hubert|WavLM|UniSpeech|SEW|Data2VecAudio)\w*", 16_000, False),
)
#: Networks whose recordings were standardised one by one; torchaudio does it inside its bundles of the same weights.
_STANDARDISED = re.compile(
    r"facebook/(?:wav2vec2-(?:large-(?:lv60|960h-lv60(?:-self)?|xlsr-53(?:-\w+)?)|xls-r-\w+)|hubert-x?large-.*)|microsoft/wavlm-large"
)
_SPEECHBRAIN = r"speechbrain/(?:spkrec-(?:ecapa|xvect)-voxceleb|lang-id-voxlingua107-ecapa|emotion-recognition-wav2vec2-IEMOCAP)"
_TF_HUB = re.compile(r"https?://(?:tfhub\.dev|www\.kaggle\.com/models)/google/(yamnet|vggish)/.*")
#: ``Wav2Vec2Tokenizer`` took sounds and standardised them before there were feature extractors.
_EXTRACTORS = ("Processor", "FeatureExtractor", "Tokenizer")
#: Where networks and feature extractors for sounds come from: of other calls nothing more is looked at.
_LIBRARIES = (
    "transformers.",
    "torchaudio.",
    "tensorflow_hub.",
    "speechbrain.",
    "whisper.",
    "faster_whisper.",
    "panns_inference.",
)
#: Methods that give the network itself.
_SAME = frozenset((".to", ".cuda", ".cpu", ".eval", ".train", ".half", ".float", ".requires_grad_", "@feature_extractor"))


def listener_of(value: Value) -> Listener | None:
    """What a value that is called with a waveform is; None for anything else, and where it cannot be told."""
    while isinstance(value, Call) and value.function in _SAME:
        value = value.receiver
    if not isinstance(value, Call) or not value.function.startswith(_LIBRARIES):
        return None
    return next((read(value) for matches, read in _READERS if matches(value.function)), None)


def sample_rate(value: Value | None) -> int | None:
    """The rate in Hz that a constant is, also as a bundle of torchaudio states it; None for anything else, and for defaults."""
    if isinstance(value, Library):
        bundle = re.fullmatch(r"torchaudio\.pipelines\.\w+\.(?:sample_rate|_sample_rate)", value.name)
        return 16_000 if bundle else None
    found = number(value)
    return None if found is None or (isinstance(value, Constant) and value.soft) else round(found)


def _hugging_face(call: Call) -> Listener | None:
    *_, class_name, _ = call.function.rsplit(".", 2)
    given = call.argument(0, "pretrained_model_name_or_path")
    names = [text(each) for _, each in given.options] if isinstance(given, Choice) else [text(given)]
    known = [_of_table(_HUB, each) or (_WHISPER if class_name.startswith("Whisper") else None) for each in names]
    if None in known or len(set(known)) != 1 or "sampling_rate" in call.keywords or not known[0]:
        return None
    name = names[0] if len(names) == 1 and names[0] else class_name
    return Listener(name, *known[0], call, class_name.endswith(_EXTRACTORS))


def _of_table(table: tuple[tuple[str, int, bool], ...], name: str) -> tuple[int, bool] | None:
    return next(((rate, absolute) for pattern, rate, absolute in table if re.fullmatch(pattern, name)), None)


def _made(call: Call) -> Listener | None:
    """A feature extractor that is made by its class, or a processor around one."""
    inner = call.keywords.get("feature_extractor")
    if inner is not None:
        return listener_of(inner)
    known = _of_table(_CLASSES, call.last)
    stated = call.argument(1, "sampling_rate")
    rate = sample_rate(stated) if stated is not None else known[0] if known else None
    return Listener(call.last, rate, known[1], call, is_extractor=True) if known and rate and not call.spread else None


def _bundle(call: Call) -> Listener | None:
    name = call.function.split(".")[-2]
    return Listener(name, 16_000, "VGGISH" in name, call)


def _tf_hub(call: Call) -> Listener | None:
    found = _TF_HUB.fullmatch(text(call.argument(0, "handle")))
    return Listener({"yamnet": "YAMNet", "vggish": "VGGish"}[found[1]], 16_000, True, call) if found else None


def _pipeline(call: Call) -> Listener | None:
    """A pipeline of transformers that takes sounds: it believes an array to have the rate of its model."""
    known = _of_table(_HUB, text(call.argument(1, "model")))
    is_sound = text(call.argument(0, "task")) in ("automatic-speech-recognition", "audio-classification")
    return Listener(text(call.argument(1, "model")), *known, call, is_extractor=True) if known and is_sound else None


def _speechbrain(call: Call) -> Listener | None:
    name = text(call.argument(0, "source"))
    return Listener(name, 16_000, False, call) if re.fullmatch(_SPEECHBRAIN, name) else None


def _whisper(call: Call) -> Listener | None:
    return Listener("Whisper", 16_000, True, call)


def _panns(call: Call) -> Listener | None:
    """The network with its own weights: those of a checkpoint may be of another rate."""
    path = call.argument(0, "checkpoint_path") or Constant(None)
    is_own = isinstance(path, Constant) and path.value is None and not call.spread
    return Listener("PANNs", 32_000, True, call) if is_own else None


_READERS: tuple[tuple[Callable[[str], object], Callable[[Call], Listener | None]], ...] = (
    (re.compile(r"transformers\.(?:\w+\.)*\w+\.from_pretrained").fullmatch, _hugging_face),
    (re.compile(r"transformers\.(?:\w+\.)*\w+(?:FeatureExtractor|Processor)").fullmatch, _made),
    (re.compile(r"transformers\.(?:pipelines\.)?pipeline").fullmatch, _pipeline),
    (re.compile(r"torchaudio\.(?:prototype\.)?pipelines\.\w+\.get_model").fullmatch, _bundle),
    (re.compile(r"tensorflow_hub\.(?:load|KerasLayer)").fullmatch, _tf_hub),
    (re.compile(r"speechbrain\.[\w.]+\.from_hparams").fullmatch, _speechbrain),
    (re.compile(r"whisper\.load_model|faster_whisper\.WhisperModel").fullmatch, _whisper),
    (re.compile(r"panns_inference\.(?:AudioTagging|SoundEventDetection)").fullmatch, _panns),
)
