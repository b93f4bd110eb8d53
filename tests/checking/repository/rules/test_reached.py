"""The map that is read from code is the map that the code has when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tare.checking.repository.following import carried_out
from tare.checking.repository.rules.reached import Reached, reached
from tare.code.facts import facts_of
from tare.code.files.document import Document
from tare.code.interpreter.repository import Repository

torch = pytest.importorskip("torch")
pytest.importorskip("torchvision")

HEAD = (
    "import numpy as np, torch, torchvision\nfrom PIL import Image\nfrom torchvision import transforms as T\n"
    "import torchvision.transforms.functional as TF\nimport torchvision.transforms.v2.functional as F2\n"
)
#: What may be done to an array (height, width, channels), and to a tensor (channels, height, width) of floats.
ON_ARRAYS = (
    "x = x / 255.0",
    "x = x / 255",
    "x = x * 2.0",
    "x = x - 0.5",
    "x = x - np.array([0.485, 0.456, 0.406])",
    "x = x - [103.939, 116.779, 123.68]",
    "x = x / np.array([0.229, 0.224, 0.225])",
    "x = x.astype(np.float32)",
    "x = x[:, :, ::-1]",
    "x = x[..., ::-1]",
    "x = np.ascontiguousarray(x)",
    "x = np.asarray(x, dtype=np.float32)",
)
ON_TENSORS = (
    "x = x / 255.0",
    "x = x.div(255)",
    "x = x.sub(0.5).div(0.5)",
    "x = TF.normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])",
    "x = T.Normalize((0.5,), (0.25,))(x)",
    "x = (x - torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)) / torch.tensor([0.5, 0.6, 0.7]).view(3, 1, 1)",
    "x = T.Compose([T.Lambda(lambda v: v * 2 - 1), T.Normalize([0.2] * 3, [0.4] * 3)])(x)",
    "x = x.clone().contiguous()",
)
TO_TENSOR = (
    "x = TF.convert_image_dtype(torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1))), torch.float32)",
    "x = F2.to_dtype(torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1))), torch.float32, scale=True)",
    "x = F2.to_dtype(torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1))), torch.float32)",
    "x = torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1))).float()",
    "x = torch.tensor(np.ascontiguousarray(x)).permute(2, 0, 1).float()",
    "x = TF.to_tensor(np.ascontiguousarray(x)).float()",
    "x = T.Compose([T.ToTensor()])(np.ascontiguousarray(x)).float()",
)


def read(program: str) -> Reached | None:
    """The map of the image that the program gives to its network."""
    with carried_out(Repository([Document("a.py", "python", program)]), ["a.py"]) as (loaded, run):
        facts = facts_of(run.log, loaded.sources, run.cut, run.used)
        (fed,) = [each for each in facts.calls if each.function == "()" and len(each.names) == 1 and each.names[0] == "fed"]
        return reached(fed.args[0], {id(each.call): each for each in facts.pipelines})


def run(program: str, path: Path) -> Any:
    """What the program really gives to its network."""
    known: dict[str, Any] = {}
    exec(program.replace("torchvision.models.resnet18(weights='DEFAULT')", "(lambda x: x)"), {"p": path}, known)  # noqa: S102 (our own text)
    return known["fed"]


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)).save(path)
    return path


@given(
    arrays=st.lists(st.sampled_from(ON_ARRAYS), max_size=5),
    to_tensor=st.sampled_from(TO_TENSOR),
    tensors=st.lists(st.sampled_from(ON_TENSORS), max_size=4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_map_is_what_the_program_does(photo: Path, arrays: list[str], to_tensor: str, tensors: list[str]) -> None:
    lines = ["x = np.array(Image.open(p).convert('RGB'))", *arrays, to_tensor, *tensors]
    program = HEAD + "\n".join([*lines, "net = torchvision.models.resnet18(weights='DEFAULT')", "fed = net(x)"])
    found = read(program)
    assert found is not None, program
    raw = np.asarray(Image.open(photo), dtype=np.float64).transpose(2, 0, 1)
    raw = raw[::-1] if found.bgr else raw
    wanted = raw * np.reshape(found.scale, (3, 1, 1)) + np.reshape(found.offset, (3, 1, 1))
    real = run(program, photo).numpy()
    assert np.allclose(real, wanted, rtol=1e-4, atol=1e-3 * max(1.0, float(np.abs(wanted).max()))), program


@pytest.mark.parametrize(
    "line",
    [
        "x = mine(x)",
        "x = x.mean(0)",
        "x = x * x",
        "x = np.clip(x, 0, 1)",
        "x = x - x.mean()",
        "x = x / x.max()",
        "x = x[::-1]",
        "x = (x / 255.0).astype(np.uint8)",
        "x = x if flag else x / 255.0",
        "x = x / [1.0, 2.0]",
        "x = x / 0",
    ],
)
def test_what_is_not_certain_has_no_map(line: str) -> None:
    program = f"{HEAD}x = np.array(Image.open(p))\n{line}\nfed = torchvision.models.resnet18(weights='DEFAULT')(x)"
    assert read(program) is None


@pytest.mark.parametrize("reader", ["cv2.imread(p)", "cv2.imdecode(b, cv2.IMREAD_COLOR)", "cv2.VideoCapture(0).read()[1]"])
def test_opencv_reads_blue_first(reader: str) -> None:
    program = f"{HEAD}import cv2\nx = {reader}\n{{}}fed = torchvision.models.resnet18(weights='DEFAULT')(x)"
    as_read, turned = read(program.format("")), read(program.format("x = cv2.cvtColor(x, cv2.COLOR_BGR2RGB)\n"))
    assert as_read is not None
    assert turned is not None
    assert (as_read.bgr, turned.bgr) == (True, False)


@pytest.mark.parametrize(
    "reader", ["cv2.imread(p, 0)", "cv2.imread(p, cv2.IMREAD_UNCHANGED)", "Image.open(p).convert('L')", "load(p)"]
)
def test_what_may_not_have_three_channels_of_8_bits_has_no_map(reader: str) -> None:
    assert read(f"{HEAD}import cv2\nx = {reader}\nfed = torchvision.models.resnet18(weights='DEFAULT')(x)") is None
