from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from tare.errors import StrategyError
from tare.input_spec.fields import PerSample
from tare.normalisation.applied import EACH, Normalisation
from tare.normalisation.input_layer import InputLayer

OWN_PERCENTILES = PerSample("percentile", "channel", eps=1e-9, low=1.0, high=99.0)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture
def raw() -> torch.Tensor:
    return torch.randint(0, 256, (4, 3, 9, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_bytes_are_normalised_as_torchvision_does(raw: torch.Tensor) -> None:
    reference = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)])(raw)
    assert torch.allclose(InputLayer(Normalisation("source", MEAN, STD))(raw), reference, rtol=0, atol=1e-6)


def test_unit_floats_and_their_bytes_reach_the_network_as_the_same_numbers(raw: torch.Tensor) -> None:
    normaliser = InputLayer(Normalisation("source", MEAN, STD))
    assert torch.allclose(normaliser(raw), normaliser(raw / 255), rtol=0, atol=1e-6)


def test_per_sample_gives_every_sample_and_channel_mean_zero_and_std_one(raw: torch.Tensor) -> None:
    fed = InputLayer(Normalisation("sample", (0.0,) * 3, (1.0,) * 3, per_sample=EACH))(raw)
    assert torch.allclose(fed.mean(dim=(2, 3)), torch.zeros(4, 3), atol=1e-5)
    assert torch.allclose(fed.std(dim=(2, 3), correction=0), torch.ones(4, 3), atol=1e-5)


def test_faint_images_of_a_deep_sensor_are_z_scored_by_their_own_std() -> None:
    faint = 0.06 * torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))  # 12 bits of 16
    fed = InputLayer(Normalisation("sample", (0.0,), (1.0,), per_sample=EACH))(faint)
    assert torch.allclose(fed.std(dim=(2, 3), correction=0), torch.ones(2, 1), atol=1e-5)


@pytest.mark.parametrize("level", [0, 200])
def test_a_constant_image_stays_finite_under_per_sample(level: int) -> None:
    flat = torch.full((1, 1, 4, 4), level, dtype=torch.uint8)
    fed = InputLayer(Normalisation("sample", (0.0,), (1.0,), per_sample=EACH))(flat)
    assert torch.allclose(fed, torch.zeros_like(fed), atol=1e-6)


@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize("level", [0, 77, 30000, 40001, 65535])
def test_a_constant_image_of_a_deep_sensor_becomes_zeros(size: int, level: int) -> None:
    flat = torch.full((1, 1, size, size), level) * (1 / 65535)
    fed = InputLayer(Normalisation("sample", (0.0,), (1.0,), per_sample=EACH))(flat)
    assert torch.equal(fed, torch.zeros_like(flat))


@pytest.mark.parametrize("shape", [(1, 1, 32, 32), (1, 1, 20000)])
@pytest.mark.parametrize("each", [EACH, OWN_PERCENTILES])
def test_a_constant_sample_becomes_zeros_in_an_onnx_graph_too(each: PerSample, shape: tuple[int, ...]) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    normaliser = InputLayer(Normalisation("sample", (0.0,), (1.0,), per_sample=each)).eval()
    varied = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    program = torch.onnx.export(normaliser, (varied,), dynamo=True, verbose=False)
    session = runtime.InferenceSession(program.model_proto.SerializeToString())  # type: ignore[union-attr]
    name = session.get_inputs()[0].name
    for level in (0, 77, 30000, 40001):
        flat = np.full(shape, level / 65535, np.float32)
        assert not session.run(None, {name: flat})[0].any()
    np.testing.assert_allclose(session.run(None, {name: varied.numpy()})[0], normaliser(varied).numpy(), atol=1e-5)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_both_memory_orders_give_the_same_numbers(raw: torch.Tensor, memory: torch.memory_format) -> None:
    normaliser = InputLayer(Normalisation("source", MEAN, STD))
    torch.testing.assert_close(normaliser(raw.contiguous(memory_format=memory)), normaliser(raw), rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_compiled_and_a_traced_layer_give_the_same_numbers_and_hold_no_compiled_kernel(raw: torch.Tensor) -> None:
    normaliser = InputLayer(Normalisation("source", MEAN, STD))
    expected = normaliser(raw)
    compiled = torch.compile(normaliser, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(raw), expected, rtol=0, atol=1e-6)
    traced = torch.jit.trace(normaliser, raw)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(255 - raw), normaliser(255 - raw), rtol=0, atol=1e-6)


def test_a_graph_of_operations_normalises_what_it_is_fed(raw: torch.Tensor) -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    normaliser = InputLayer(Normalisation("source", MEAN, STD))
    graph = make_fx(normaliser)(raw)
    torch.testing.assert_close(graph(255 - raw), normaliser(255 - raw), rtol=0, atol=1e-6)
    torch.testing.assert_close(torch.func.vmap(normaliser)(raw[None])[0], normaliser(raw), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 2), (5, 2, 11), (5, 2, 4, 6)])
def test_rows_signals_and_images_are_mapped_per_channel(shape: tuple[int, ...]) -> None:
    samples = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    fed = InputLayer(Normalisation("source", (0.5, -1.0), (2.0, 0.25)))(samples)
    torch.testing.assert_close(fed[:, 0], (samples[:, 0] - 0.5) / 2)
    torch.testing.assert_close(fed[:, 1], (samples[:, 1] + 1) / 0.25)


def test_a_signal_is_z_scored_by_itself_and_a_row_cannot_be() -> None:
    normaliser = InputLayer(Normalisation("sample", (0.0,) * 2, (1.0,) * 2, per_sample=EACH))
    fed = normaliser(3 + 5 * torch.randn(4, 2, 50))
    torch.testing.assert_close(fed.mean(dim=2), torch.zeros(4, 2), atol=1e-5, rtol=0)
    with pytest.raises(StrategyError, match="images or signals for the strategy 'sample', found rows"):
        normaliser(torch.zeros(4, 2))


@given(st.integers(0, 99), st.floats(0.05, 20.0), st.floats(-3.0, 3.0), st.sampled_from([(3, 2, 40), (3, 2, 9, 7)]))
def test_each_by_its_own_moments_undoes_any_gain_and_offset(
    seed: int, gain: float, offset: float, shape: tuple[int, ...]
) -> None:
    values = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    normaliser = InputLayer(Normalisation("sample", (0.0,) * 2, (1.0,) * 2, per_sample=EACH))
    other = gain * values + offset
    if len(shape) == 4:  # an image's std is not taken below 1 / sqrt(H W)
        other = other * max(1.0, 1.0 / (gain * float(values.std(dim=(2, 3), correction=0).min()) * 63**0.5))
    torch.testing.assert_close(normaliser(other), normaliser(10 * values), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("level", [1e-6, 1e-3, 1e4])
def test_a_signal_is_scaled_however_quiet_it_is(level: float) -> None:
    noise = torch.randn(2, 1, 400, generator=torch.Generator().manual_seed(0))
    fed = InputLayer(Normalisation("sample", (0.0,), (1.0,), per_sample=EACH))(level * noise)
    torch.testing.assert_close(fed.std(dim=2, correction=0), torch.ones(2, 1))


def test_a_constant_signal_and_an_empty_one_become_zeros() -> None:
    signals = torch.stack([torch.full((1, 50), 0.1), torch.zeros(1, 50), torch.full((1, 50), torch.nan)])
    fed = InputLayer(Normalisation("sample", (0.0,), (1.0,), per_sample=EACH))(signals)
    assert torch.equal(fed, torch.zeros_like(signals))


@pytest.mark.parametrize("shape", [(1, 2, 60), (1, 2, 3, 4, 60)])
@pytest.mark.parametrize("each", [EACH, OWN_PERCENTILES])
def test_what_lies_outside_a_signal_or_volume_counts_for_nothing_and_becomes_zero(
    each: PerSample, shape: tuple[int, ...]
) -> None:
    normaliser = InputLayer(Normalisation("sample", (0.0,) * 2, (1.0,) * 2, per_sample=each))
    signal = 3 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    nothing = torch.full((*shape[:-1], 20), torch.nan)
    fed = normaliser(torch.cat([nothing, signal, nothing], dim=-1))
    torch.testing.assert_close(fed[..., 20:80], normaliser(signal))
    assert torch.equal(fed[..., :20], torch.zeros_like(nothing))
    assert torch.equal(fed[..., 80:], torch.zeros_like(nothing))


def test_large_numbers_of_little_spread_are_normalised_before_they_lose_their_digits() -> None:
    rows = 1.6e9 + torch.randn(1000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fed = InputLayer(Normalisation("target", (1.6e9,), (1.0,)))(rows)
    assert fed.dtype == torch.float32
    torch.testing.assert_close(fed.double(), rows - 1.6e9, rtol=1e-6, atol=1e-6)
