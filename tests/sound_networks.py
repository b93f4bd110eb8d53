"""Small networks for sound of the library transformers, with random weights, and recordings to feed them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.io import wavfile

FRAMES, BINS, RATE = 48, 16, 16000
MEAN, STD = -4.2677393, 4.5689974


def ast(folder: Path, *, frames: int = FRAMES, bins: int = BINS, classes: int = 3) -> Path:
    """An audio spectrogram transformer beside its feature extractor."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.ASTConfig(**sizes, max_length=frames, num_mel_bins=bins, num_labels=classes)
    transformers.ASTForAudioClassification(config).eval().save_pretrained(folder)
    transformers.ASTFeatureExtractor(num_mel_bins=bins, max_length=frames, mean=MEAN, std=STD).save_pretrained(folder)
    return folder


def wav2vec2(folder: Path, classes: int = 3) -> Path:
    """A network of the waveform beside its feature extractor, which normalises each recording by its own moments."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    convolutions: dict[str, Any] = {"conv_dim": (8, 8), "conv_kernel": (10, 3), "conv_stride": (5, 4)}
    rest: dict[str, Any] = {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2, "classifier_proj_size": 8}
    config = transformers.Wav2Vec2Config(**sizes, **convolutions, **rest, num_feat_extract_layers=2, num_labels=classes)
    transformers.Wav2Vec2ForSequenceClassification(config).eval().save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def tone(seed: int, pitch: float, seconds: float = 0.3, rate: int = RATE) -> NDArray[np.float32]:
    """A noisy tone of half amplitude or less ``(T,)``."""
    generator = np.random.default_rng(seed)
    steps = np.arange(int(seconds * rate)) / rate
    sound = 0.3 * np.sin(2 * np.pi * (pitch + generator.uniform(-20, 20)) * steps) + generator.normal(0, 0.02, steps.shape)
    return sound.astype(np.float32)


def low_and_high(root: Path, each: int = 8, rate: int = RATE) -> Path:
    """Recordings of low and of high tones as ``CLASS/INDEX.wav``."""
    for label, (name, pitch) in enumerate((("low", 300.0), ("high", 2500.0))):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(each):
            values = tone(100 * label + index, pitch, 0.2 + 0.05 * (index % 3), rate)
            wavfile.write(root / name / f"{index}.wav", rate, np.int16(values * 32767))
    return root
