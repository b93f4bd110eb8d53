"""What takes a waveform, at which rate: as the libraries' own classes state it."""

from __future__ import annotations

import pytest

from tare.code.sounds.listeners import Listener, listener_of
from tests.code.interpreted import run


def listener(code: str) -> Listener | None:
    return listener_of(run(a=code).log[-1].receiver)


@pytest.mark.parametrize(
    ("made", "rate", "absolute"),
    [
        ("import transformers\nn = transformers.WhisperProcessor.from_pretrained('openai/whisper-small')", 16_000, True),
        ("import transformers\nn = transformers.AutoProcessor.from_pretrained('openai/whisper-small')", 16_000, True),
        (
            "from transformers import AutoFeatureExtractor as F\nn = F.from_pretrained('MIT/ast-finetuned-audioset-1')",
            16_000,
            True,
        ),
        ("from transformers import WhisperProcessor as P\nn = P.from_pretrained(args.model)", 16_000, True),
        ("from transformers import Wav2Vec2FeatureExtractor as F\nn = F()", 16_000, False),
        ("from transformers import WavLMModel as M\nn = M.from_pretrained('microsoft/wavlm-base').to(d).eval()", 16_000, False),
        ("from transformers import ClapProcessor as P\nn = P.from_pretrained('laion/clap-htsat-unfused')", 48_000, True),
        ("import torchaudio\nn = torchaudio.pipelines.WAV2VEC2_BASE.get_model()", 16_000, False),
        ("import tensorflow_hub as hub\nn = hub.load('https://tfhub.dev/google/yamnet/1')", 16_000, True),
        ("import whisper\nn = whisper.load_model('base')", 16_000, True),
    ],
)
def test_a_listener_is_known_by_its_call(made: str, rate: int, absolute: bool) -> None:
    known = listener(f"{made}\nn(x)")
    assert known is not None
    assert (known.rate, known.absolute) == (rate, absolute)


@pytest.mark.parametrize(
    "made",
    [
        "from transformers import AutoModel as M\nn = M.from_pretrained('bert-base-uncased')",
        "from transformers import AutoProcessor as P\nn = P.from_pretrained(args.model)",
        "from transformers import Wav2Vec2Processor as P\nn = P.from_pretrained(args.model)",
        "from transformers import Wav2Vec2FeatureExtractor as F\nn = F.from_pretrained('./telephone-8khz')",
        "from transformers import Wav2Vec2FeatureExtractor as F\nn = F.from_pretrained('m-a-p/MERT-v1-95M')",
        "from transformers import ASTFeatureExtractor as F\nn = F.from_pretrained('me/own')",
        "from transformers import AutoModel as M\nn = M.from_pretrained('openai/clip-vit-base-patch32')",
        "import tensorflow_hub as hub\nn = hub.load('https://tfhub.dev/google/imagenet/resnet_50/classification/1')",
        "import torch\nn = torch.load('a.pt')",
        "n = Net()",
    ],
)
def test_anything_else_is_none(made: str) -> None:
    assert listener(f"{made}\nn(x)") is None


@pytest.mark.parametrize(
    ("class_name", "model"),
    [
        ("WhisperFeatureExtractor", "openai/whisper-small"),
        ("ASTFeatureExtractor", "MIT/ast-finetuned-audioset-10-10-0.4593"),
        ("Wav2Vec2FeatureExtractor", "facebook/wav2vec2-base"),
        ("ClapFeatureExtractor", "laion/clap-htsat-unfused"),
    ],
)
def test_the_rate_is_the_default_of_the_class_in_transformers(class_name: str, model: str) -> None:
    made = getattr(pytest.importorskip("transformers"), class_name)()
    for code in (f"n = transformers.{class_name}.from_pretrained('{model}')", f"n = transformers.{class_name}()"):
        known = listener(f"import transformers\n{code}\nn(x)")
        assert known is not None
        assert known.rate == made.sampling_rate
        assert known.is_extractor
