"""Each mistake with sounds that code shows, and what looks like it and is right."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.code.files.document import Document

HEAD = (
    "import librosa, torch, torchaudio, numpy as np, soundfile as sf\nimport tensorflow_hub as hub\n"
    "from scipy.io import wavfile\nfrom transformers import *\n"
    "processor = Wav2Vec2Processor.from_pretrained('facebook/wav2vec2-base-960h')\n"
    "whisper = WhisperFeatureExtractor.from_pretrained('openai/whisper-small')\n"
    "yamnet = hub.load('https://tfhub.dev/google/yamnet/1')\n"
)
AST = (
    "import torch, torchaudio\nfrom transformers import *\nnet = ASTForAudioClassification.from_pretrained('MIT/ast-finetuned-audioset-10-10-0.4593')\n"
    "extract = ASTFeatureExtractor()\nmel = torchaudio.transforms.MelSpectrogram(16000)(w)\n"
)
BUNDLE = HEAD + "bundle = torchaudio.pipelines.HUBERT_BASE\nnet = bundle.get_model().to('cuda')\n"

WRONG: dict[str, dict[str, str]] = {
    "TARE108": {
        "librosa's default": HEAD + "y, sr = librosa.load(p)\nprocessor(y, sampling_rate=16000)",
        "unsaid": HEAD + "y, _ = librosa.load(p)\nprocessor(y, return_tensors='pt')",
        "refused": HEAD + "y, sr = librosa.load(p)\nprocessor(y, sampling_rate=sr)",
        "another constant": HEAD + "RATE = 8000\ny = librosa.load(p, sr=RATE)[0]\nprocessor(y, sampling_rate=16_000)",
        "after steps": HEAD
        + "y, sr = librosa.load(p, sr=44100)\ny = torch.tensor(y / np.max(np.abs(y)))[:80000].unsqueeze(0)\nprocessor(y.squeeze().numpy(), sampling_rate=16000)",
        "resampled to it": HEAD
        + "y, sr = torchaudio.load(p)\ny = torchaudio.functional.resample(y, sr, 22050)\nprocessor(y.mean(dim=0), sampling_rate=16000)",
        "a transform": HEAD
        + "class D:\n    def __init__(self):\n        self.r = torchaudio.transforms.Resample(44100, 8000)\n    def __getitem__(self, i):\n        w, sr = torchaudio.load(self.p[i])\n        return processor(self.r(w), sampling_rate=16000)",
        "a function of one's own": HEAD
        + "def load(p):\n    y, sr = librosa.load(p)\n    return y\nprocessor(load('a.wav'), sampling_rate=16000)",
        "a bundle": BUNDLE + "w, _ = librosa.load(p)\nnet.extract_features(torch.tensor(w)[None])",
        "a network itself": HEAD
        + "net = HubertModel.from_pretrained('facebook/hubert-base-ls960').eval()\ny, _ = librosa.load(p)\nnet(torch.tensor(y).unsqueeze(0))",
        "YAMNet": HEAD + "w, _ = librosa.load(p, sr=22050)\nyamnet(w)",
        "another rate is wanted": HEAD
        + "clap = ClapProcessor.from_pretrained('laion/clap-htsat-unfused')\ny, _ = librosa.load(p, sr=16000)\nclap(audios=y, sampling_rate=48000)",
        "a pipeline": HEAD
        + "asr = pipeline('automatic-speech-recognition', model='openai/whisper-tiny')\ny, _ = librosa.load(p)\nasr(y)",
        "Whisper of its authors": "import librosa, whisper\nnet = whisper.load_model('base')\ny, _ = librosa.load(p)\nnet.transcribe(y)",
        "speaker embeddings": "import librosa, torch\nfrom speechbrain.pretrained import EncoderClassifier\nnet = EncoderClassifier.from_hparams(source='speechbrain/spkrec-ecapa-voxceleb')\ny, _ = librosa.load(p)\nnet.encode_batch(torch.tensor(y))",
        "PANNs": "import librosa\nfrom panns_inference import AudioTagging\nnet = AudioTagging(checkpoint_path=None, device='cuda')\ny, _ = librosa.load(p, sr=16000)\nnet.inference(y[None, :])",
        "both branches": HEAD
        + "if a:\n    y, _ = librosa.load(p)\nelse:\n    y, _ = librosa.load(p, sr=8000)\nprocessor(y, sampling_rate=16000)",
        "resampled from another rate": HEAD + "y, _ = librosa.load(p)\ny = librosa.resample(y, orig_sr=44100, target_sr=16000)",
    },
    "TARE109": {
        "a buffer": HEAD + "yamnet(np.frombuffer(chunk, dtype=np.int16).astype(np.float32))",
        "a file of integers": HEAD + "y, sr = sf.read(p, dtype='int16')\nwhisper(y, sampling_rate=16000)",
        "a file of 32 bits": HEAD + "y, sr = sf.read(p, dtype='int32')\nwhisper(y, sampling_rate=16000)",
        "stored": HEAD + "sr, y = wavfile.read(p)\nwhisper(y.astype(np.float32), sampling_rate=16000)",
        "not normalised": HEAD + "y, sr = torchaudio.load(p, normalize=False)\nwhisper(y.float().numpy(), sampling_rate=16000)",
        "pydub": HEAD
        + "from pydub import AudioSegment\ny = np.array(AudioSegment.from_file(p).get_array_of_samples())\nyamnet(y.astype('float32'))",
        "made integers": HEAD + "y, _ = librosa.load(p, sr=16000)\nyamnet(y * 32767)",
        "divided again": HEAD + "y, sr = librosa.load(p, sr=16000)\ny = y / 32768.0",
        "multiplied again": HEAD + "y, sr = torchaudio.load(p)\ny = y * (1 / 32768)",
    },
    "TARE004": {
        "a network itself": HEAD
        + "net = Wav2Vec2Model.from_pretrained('facebook/wav2vec2-xls-r-300m')\ny, _ = librosa.load(p, sr=16000)\nnet(torch.tensor(y)[None])",
        "switched off": "from transformers import *\n"
        + "net = Wav2Vec2ForCTC.from_pretrained('facebook/wav2vec2-large-xlsr-53')\ne = Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16000, do_normalize=False)",
    },
    "TARE043": {"no factor of two": AST + "x = (torch.log(mel) + 4.2677393) / 4.5689974"},
    "TARE016": {
        "decibels": AST + "x = (torchaudio.transforms.AmplitudeToDB()(mel) - -4.2677393) / (2 * 4.5689974)",
        "no logarithm": AST + "x = (mel + 4.2677393) / (2 * 4.5689974)",
        "a decimal logarithm": AST + "MEAN, STD = -4.2677393, 4.5689974\nx = (torch.log10(mel) - MEAN) / (2 * STD)",
    },
    "TARE003": {"features": AST + "x = extract(w, sampling_rate=16000).input_values\nx = (x + 4.2677393) / (2 * 4.5689974)"},
}

RIGHT: dict[str, dict[str, str]] = {
    "TARE108": {
        "its own rate": HEAD + "y, _ = librosa.load(p, sr=16000)\nprocessor(y, sampling_rate=16000)",
        "that of the file": HEAD + "y, sr = librosa.load(p, sr=None)\nprocessor(y, sampling_rate=16000)",
        "resampled": HEAD
        + "y, sr = librosa.load(p)\ny = librosa.resample(y, orig_sr=sr, target_sr=16000)\nprocessor(y, sampling_rate=16000)",
        "resampled where it differs": HEAD
        + "y, sr = librosa.load(p)\nif sr != 16000:\n    y = librosa.resample(y, orig_sr=sr, target_sr=16000)\nprocessor(y, sampling_rate=16000)",
        "as the bundle states": BUNDLE
        + "w, sr = torchaudio.load(p)\nw = torchaudio.functional.resample(w, sr, bundle.sample_rate)\nnet(w)",
        "thinned out": HEAD + "y, _ = librosa.load(p, sr=32000)\nprocessor(y[::2], sampling_rate=16000)",
        "a default": HEAD
        + "def f(p, rate=22050):\n    y, _ = librosa.load(p, sr=rate)\n    return processor(y, sampling_rate=16000)",
        "an extractor of one's own": HEAD
        + "e = Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=8000)\ny, _ = librosa.load(p, sr=8000)\ne(y, sampling_rate=8000)",
        "a sound for people": HEAD
        + "y, sr = librosa.load(p)\nlibrosa.display.waveshow(y, sr=sr)\nz, _ = librosa.load(p, sr=16000)\nprocessor(z, sampling_rate=16000)",
        "a text": HEAD + "y, sr = librosa.load(p)\nprocessor(text='a')\nprocessor.batch_decode(y)",
        "a path": HEAD + "asr = pipeline('automatic-speech-recognition', model='openai/whisper-tiny')\nasr('a.wav')",
        "a network without a known rate": HEAD + "net = AutoModel.from_pretrained('me/mine')\ny, _ = librosa.load(p)\nnet(y)",
    },
    "TARE109": {
        "divided": HEAD + "yamnet(np.frombuffer(chunk, dtype=np.int16).astype(np.float32) / 32768.0)",
        "multiplied": HEAD + "yamnet(np.frombuffer(chunk, dtype=np.int16).astype(np.float32) * (1 / 32767))",
        "by its maximum": HEAD + "sr, y = wavfile.read(p)\nyamnet(y / np.max(np.abs(y)))",
        "where it is needed": HEAD
        + "sr, y = wavfile.read(p)\nif y.dtype == np.int16:\n    y = y.astype(np.float32) / 32768\nyamnet(y)",
        "where the file is of integers": HEAD + "y, sr = torchaudio.load(p)\nif y.abs().max() > 1:\n    y = y / 32768",
        "brought to a std of 1": HEAD + "sr, y = wavfile.read(p)\nprocessor(y, sampling_rate=16000)",
        "floats": HEAD + "y, sr = sf.read(p)\nwhisper(y, sampling_rate=16000)",
        "to integers and back": HEAD + "y, sr = librosa.load(p)\nz = (y * 32767).astype(np.int16)\nw = z / 32768",
    },
    "TARE004": {
        "switched on": HEAD
        + "net = Wav2Vec2ForCTC.from_pretrained('facebook/wav2vec2-large-xlsr-53')\ne = Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16000, do_normalize=True)",
        "by hand": HEAD
        + "net = Wav2Vec2Model.from_pretrained('facebook/wav2vec2-xls-r-300m')\ny, _ = librosa.load(p, sr=16000)\ny = (y - y.mean()) / y.std()\nnet(torch.tensor(y)[None])",
        "an extractor": HEAD
        + "net = Wav2Vec2Model.from_pretrained('facebook/wav2vec2-xls-r-300m')\ny, _ = librosa.load(p, sr=16000)\nx = processor(y, sampling_rate=16000)\nnet(x.input_values)",
        "a smaller network": HEAD
        + "net = Wav2Vec2Model.from_pretrained('facebook/wav2vec2-base')\ny, _ = librosa.load(p, sr=16000)\nnet(torch.tensor(y)[None])",
        "a tokenizer of old": HEAD
        + "t = Wav2Vec2Tokenizer.from_pretrained('facebook/wav2vec2-large-960h-lv60-self')\ny, _ = librosa.load(p, sr=16000)\nx = t(y, return_tensors='pt').input_values",
        "normalised inside": HEAD
        + "net = torchaudio.pipelines.WAV2VEC2_XLSR_300M.get_model()\ny, _ = librosa.load(p, sr=16000)\nnet(torch.tensor(y)[None])",
    },
    "TARE043": {
        "twice": AST + "x = (torch.log(mel) + 4.2677393) / (2 * 4.5689974)",
        "another network": AST.replace("ASTForAudioClassification", "AutoModel").replace(
            "MIT/ast-finetuned-audioset-10-10-0.4593", "me/mine"
        )
        + "x = (torch.log(mel) + 4.2677393) / 4.5689974",
    },
    "TARE016": {
        "a filter bank": AST + "x = (torchaudio.compliance.kaldi.fbank(w, htk_compat=True) + 4.2677393) / (2 * 4.5689974)",
        "unknown": AST + "x = (spectrogram(w) + 4.2677393) / (2 * 4.5689974)",
        "its own": AST + "x = (torchaudio.transforms.AmplitudeToDB()(mel) + 31.2) / 18.4",
    },
    "TARE003": {"of one's own": AST + "x = features(w)\nx = (x + 4.2677393) / (2 * 4.5689974)"},
}


def found(text: str) -> list[CodeFinding]:
    return examined([Document("main.py", "python", text)])


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in WRONG.items() for case in cases])
def test_a_mistake_is_found_and_nothing_else(code: str, case: str) -> None:
    assert {each.code for each in found(WRONG[code][case]) if each.fails} == {code}


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in RIGHT.items() for case in cases])
def test_what_looks_like_it_is_right(code: str, case: str) -> None:
    assert [(each.code, each.message) for each in found(RIGHT[code][case]) if each.fails] == []


@pytest.mark.parametrize("code", WRONG)
def test_a_finding_says_what_stands_there_and_what_to_do_in_one_line(code: str) -> None:
    for text in WRONG[code].values():
        for each in found(text):
            assert each.message
            assert each.remedy
            assert "\n" not in each.message + each.remedy
            assert not each.message.endswith(".")
            assert each.source == text.split("\n")[each.place.line - 1]


def test_evidence_leads_from_the_loader_to_the_network() -> None:
    (each,) = found(WRONG["TARE108"]["librosa's default"])
    assert [str(link) for link in each.evidence] == [
        "load, 22050 Hz by default at main.py:8",
        "facebook/wav2vec2-base-960h, 16000 Hz at main.py:5",
    ]
    assert "1.38 times slower and lower" in each.message


@given(st.integers(4_000, 96_000))
def test_a_sound_is_wrong_if_and_only_if_its_rate_is_another(rate: int) -> None:
    codes = {each.code for each in found(HEAD + f"y, _ = librosa.load(p, sr={rate})\nprocessor(y, sampling_rate=16000)")}
    assert codes == (set() if rate == 16_000 else {"TARE108"})


_STEPS = ("y = y[:, :9]", "y = y.squeeze()", "y = torch.tensor(y)", "y = y / y.abs().max()", "y = y.mean(dim=0)", "y = y.numpy()")


@given(st.lists(st.sampled_from(_STEPS), max_size=8), st.sampled_from([8_000, 16_000, 22_050]))
def test_steps_that_keep_the_rate_change_no_verdict(steps: list[str], rate: int) -> None:
    text = "\n".join([HEAD, f"y, _ = librosa.load(p, sr={rate})", *steps, "processor(y, sampling_rate=16000)"])
    assert {each.code for each in found(text)} == (set() if rate == 16_000 else {"TARE108"})


CURED = {
    "TARE108": ("librosa's default", "librosa.load(p)", "librosa.load(p, sr=16000)"),
    "TARE109": ("a buffer", ".astype(np.float32)", ".astype(np.float32) / 32768"),
    "TARE043": ("no factor of two", "4.5689974", "9.137995"),
}


@pytest.mark.parametrize("code", CURED)
def test_the_remedy_makes_the_finding_go_away(code: str) -> None:
    case, before, after = CURED[code]
    assert found(WRONG[code][case].replace(before, after)) == []
