"""Slips in the arithmetic that normalises an image, and what looks like them and is right."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.checking.repository.rules.kinds.maps.programs import RAW, TENSOR, UNIT, codes

CENTRE = (
    "def centre(p):\n    x = np.asarray(Image.open(p).convert('RGB')).astype(np.float32)\n    x -= M * 255\n    x /= S\n"
    "    return x\n"
)
SAMPLES = f"{CENTRE}class D(torch.utils.data.Dataset):\n    def __getitem__(self, i):\n        return torch.from_numpy(centre(self.files[i]))\n"

WITHOUT_BRACKET = {
    "in one line": f"{TENSOR}y = x - TM / TS",
    "called": f"{TENSOR}net = torchvision.models.resnet18(weights='DEFAULT')\nnet((x - TM / TS)[None])",
    "in place": f"{UNIT}x -= M / S",
    "of torchvision's reader": "x = torchvision.io.read_image(p).float() / 255\nx = x - TM / TS",
    "of OpenCV's reader": "def load(p):\n    x = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB) / 255.0\n    return x - M / S",
    "blue first": "x = cv2.imread(p) / 255.0\nx = x - M[::-1] / np.array([0.225, 0.224, 0.229])\nx = x - [1.804444, 2.035714, 2.117904]",
    "in a dataset": "class D(torch.utils.data.Dataset):\n    def __getitem__(self, i):\n"
    "        x = T.ToTensor()(Image.open(self.files[i]))\n        return x - TM / TS",
    "of 0..255": f"{RAW}x = x - M / S",
    "the other one": f"{TENSOR}x = x / TS - TM",
    "the other one in two lines": f"{UNIT}x = x / S\nx = x - M",
    "the other one of 0..255": f"{RAW}x = x / S - M",
    "of CLIP": f"{UNIT}x = x - np.array([0.48145466, 0.4578275, 0.40821073]) / np.array([0.26862954, 0.26130258, 0.27577711])",
}
OF_TWO_SCALES = {
    "a mean of 0..255, in place": CENTRE,
    "a mean of 0..255": f"{RAW}x = (x - np.array([123.675, 116.28, 103.53])) / S",
    "a mean of 0..255 on 0..1": f"{UNIT}x = (x - 255 * M) / S",
    "a std of 0..255": f"{RAW}x = (x - M) / np.array([58.395, 57.12, 57.375])",
    "a std of 0..255 on 0..1": f"{TENSOR}x = (x - TM) / (TS * 255)",
    "by a method": "x = torchvision.io.read_image(p).float()\nx = (x - TM * 255).div(TS)",
    "a dataset whose loader is not scaled": f"{SAMPLES}for x in torch.utils.data.DataLoader(D()):\n    print(x)",
}
OF_MORE_BITS = {
    "of OpenCV": "x = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB).astype(np.float32) / 65535.0",
    "in colours": "x = cv2.resize(cv2.imread(p, cv2.IMREAD_COLOR), (224, 224)) / 4095.0",
    "turned round": "x = cv2.imread(p)[:, :, ::-1] * (1 / 65535)",
    "of PIL": "x = np.array(Image.open(p).convert('RGB')) / 65535",
    "of a camera": "ok, frame = cv2.VideoCapture(0).read()\nx = torch.from_numpy(frame).float().div(65535)",
}
RIGHT = {
    "both over the std": f"{TENSOR}y = x / TS - TM / TS",
    "both over the std, in place": f"{UNIT}x /= S\nx -= M / S",
    "a factor": f"{UNIT}x = x * (1 / S) - M / S",
    "a factor and a shift": f"{RAW}x = x * (1 / (255 * S)) + -M / S",
    "the bracket": f"{UNIT}x = (x - M) / S",
    "a helper for what is divided": f"def shift(x):\n    return x - M / S\n{UNIT}shift(x / S)",
    "a helper with two ways": "def norm(x, done):\n    if done:\n        return x - TM / TS\n    return (x - TM) / TS\n"
    f"{TENSOR}norm(x, False)\nnorm(x / TS, True)",
    "one number": f"{TENSOR}x = x - 0.5 / 0.5",
    "less the black of a normalised image": f"{TENSOR}z = (x - TM) / TS\ny = z - -TM / TS\nz = z - TM / TS",
    "black by itself": "black = torch.zeros(3, 9, 9) - TM / TS",
    "numbers that are no mean over a std": f"{UNIT}x = x - np.array([2.1, 1.9, 1.8])",
    "both of 0..255": f"{RAW}x = (x - 255 * M) / (255 * S)",
    "the means of Caffe": f"{RAW}x -= (123.68, 116.779, 103.939)",
    "divided afterwards": f"{RAW}x = (x - 255 * M) / S / 255",
    "divided afterwards, in place": f"{RAW}x -= 255 * M\nx /= S\nx /= 255",
    "multiplied afterwards": f"{UNIT}x = (x - M) / (255 * S) * 255",
    "divided by who calls": f"{CENTRE}y = centre('a') / 255.0",
    "divided by a method": f"{CENTRE}y = torch.from_numpy(centre('a')).mul(1 / 255)",
    "divided by a function": f"{CENTRE}y = cv2.multiply(centre('a'), 1 / 255)",
    "divided by a number from elsewhere": f"import sys\n{CENTRE}y = centre('a') / float(sys.argv[1])",
    "divided in a stack": f"{CENTRE}y = np.stack([centre('a'), centre('b')]) * (1 / 255)",
    "divided by the loop": f"{SAMPLES}for x in torch.utils.data.DataLoader(D()):\n    x = x / 255",
    "perhaps divided by a function of one's own": f"{CENTRE}def unit(x):\n    return x / 255\ny = go(unit, centre)",
    "16 bits, as they are": "x = cv2.imread(p, cv2.IMREAD_UNCHANGED).astype(np.float32) / 65535.0\ny = cv2.imread(p, -1) / 65535",
    "16 bits of colours": "x = cv2.imread(p, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR) / 65535.0",
    "whatever PIL finds": "x = np.array(Image.open(p)) / 65535\ny = np.array(Image.open(p).convert('I')) / 65535",
    "made 16 bits": "x = cv2.imread(p).astype(np.uint16) * 257 / 65535\ny = (cv2.imread(p).astype(np.uint16) << 8) / 65535",
    "kept as 16 bits": "y = cv2.imread(p).astype(np.float32) / 255\nz = (y * 65535).astype(np.uint16) / 65535",
    "depths kept as colours": "x = cv2.imread(p)\nz = (x[..., 2] * 256.0 + x[..., 1]) / 65535\nw = x[:, :, 0] / 65535",
    "what the image itself decides": "x = cv2.imread(p)\nif x.dtype == np.uint16:\n    x = x / 65535\nelse:\n    x = x / 255\n"
    "y = cv2.imread(p)\ny = y / 65535 if y.max() > 255 else y / 255",
    "sums and sizes": "x = cv2.imread(p)\ny = x.sum() / 65535\nz = x.shape[0] / 4095\nw = x.mean() / 1023",
}


@pytest.mark.parametrize("case", WITHOUT_BRACKET)
def test_a_bracket_that_is_missing(case: str) -> None:
    assert set(codes(WITHOUT_BRACKET[case])) == {"TARE046"}


@pytest.mark.parametrize("case", OF_TWO_SCALES)
def test_a_mean_and_a_std_of_two_scales(case: str) -> None:
    assert codes(OF_TWO_SCALES[case]) == ["TARE016"]


@pytest.mark.parametrize("case", OF_MORE_BITS)
def test_8_bits_divided_as_if_they_were_more(case: str) -> None:
    assert codes(OF_MORE_BITS[case]) == ["TARE011"]


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right(case: str) -> None:
    assert codes(RIGHT[case]) == []
