"""All rules, in the order of their codes, with the story that ``tare rule CODE`` tells."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tare.checking.rules import channels, geometry, order, statistics, values
from tare.checking.rules.evidence import Evidence
from tare.checking.rules.finding import SEVERITIES, Finding
from tare.checking.rules.rule import Rule
from tare.errors import SpecError

_NORMALIZE = "v2.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))"
_FLOAT = "v2.ToDtype(torch.float32, scale=True)"

RULES: tuple[Rule, ...] = (
    Rule(
        "TARE001",
        "range-255",
        "error",
        "0..255 where [0, 1] is expected",
        values.times_255,
        "Constants such as 0.485 and 0.229 belong to values in [0, 1]. Applied to 0..255 they turn white into 1111 instead of 2.25. "
        "The first batch norm absorbs part of it in training, so the loss still falls and only the accuracy is worse.",
        f"v2.PILToTensor(), v2.ToDtype(torch.float32), {_NORMALIZE}",
        f"v2.PILToTensor(), {_FLOAT}, {_NORMALIZE}",
    ),
    Rule(
        "TARE002",
        "divided-twice",
        "error",
        "[0, 1] where 0..255 is expected, or divided by 255 twice",
        values.divided_twice,
        "ToTensor divides 8-bit images by 255, and so do Hugging Face processors, A.Normalize and some networks (Keras EfficientNet). "
        "After a second division every image is nearly black: all values lie within 1/255 of the lowest one.",
        "x = ToTensor()(image); processor(x, return_tensors='pt')",
        "processor(image, return_tensors='pt')   # or do_rescale=False with values in [0, 1]",
    ),
    Rule(
        "TARE003",
        "normalised-twice",
        "error",
        "Normalised twice",
        values.twice,
        "A Normalize in the dataset and another one in the collate function, the processor or the network itself (torchvision's "
        "detection models, exported models with the normalisation inside). With batch norm it trains, more slowly; without, it may "
        "not converge.",
        f"v2.Compose([..., {_NORMALIZE}]) in front of a torchvision detection model",
        "leave out one of the two",
    ),
    Rule(
        "TARE004",
        "not-normalised",
        "error",
        "Not normalised",
        values.not_normalised,
        "Values of [0, 1] or 0..255 go straight into a network that was trained on z-scored input.",
        "v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])",
        f"v2.Compose([v2.ToImage(), {_FLOAT}, {_NORMALIZE}])",
    ),
    Rule(
        "TARE005",
        "other-constants",
        "error",
        "Another model's constants",
        values.other_constants,
        "Inception-style weights (0.5, 0.5) fed with ImageNet's constants, CLIP with ImageNet's, a three-channel network with "
        "MNIST's: the input is off by a shift and a scale that nobody sees in a picture.",
        f"timm.create_model('vit_base_patch16_224.augreg_in21k'), {_NORMALIZE}",
        "timm.data.create_transform(**timm.data.resolve_model_data_config(model))",
    ),
    Rule(
        "TARE006",
        "swapped",
        "error",
        "Mean and std exchanged",
        values.swapped,
        "Normalize takes the mean first. With the two exchanged, values are moved by a quarter and divided by a half.",
        "v2.Normalize((0.229, 0.224, 0.225), (0.485, 0.456, 0.406))",
        _NORMALIZE,
    ),
    Rule(
        "TARE007",
        "std-is-mean",
        "error",
        "The same numbers as mean and as std",
        values.std_is_mean,
        "A slip of copy and paste that has been released with checkpoints: the std of every channel is its mean.",
        "v2.Normalize((0.485, 0.456, 0.406), (0.485, 0.456, 0.406))",
        _NORMALIZE,
    ),
    Rule(
        "TARE008",
        "channel-order",
        "error",
        "Red and blue exchanged",
        values.reversed_channels,
        "cv2.imread gives blue first; PIL, torchvision and nearly all PyTorch networks expect red first, caffe networks blue. "
        "Confidence falls a little and nothing fails.",
        "image = cv2.imread(path); x = transform(image)",
        "image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)",
    ),
    Rule(
        "TARE009",
        "std-of-images",
        "warning",
        "The std is a mean of the stds of single images",
        statistics.std_of_single_images,
        "Averaging the std of each image leaves out how images differ from one another, so the number is too small (CIFAR-10: .2023 "
        "instead of .2470). A network that was trained with such constants keeps them; statistics of your own data need not repeat it.",
        "std = torch.stack([image.std(dim=(1, 2)) for image in images]).mean(0)",
        "tare measure DATA",
    ),
    Rule(
        "TARE010",
        "unexplained-constants",
        "warning",
        "Constants of unknown origin",
        values.unexplained,
        "The pipeline amounts to a mean and a std that are neither the network's, nor published ones, nor statistics of the data "
        "given with --data.",
        "v2.Normalize((0.44, 0.41, 0.37), (0.31, 0.30, 0.29))",
        _NORMALIZE,
    ),
    Rule(
        "TARE011",
        "bit-depth",
        "error",
        "A divisor of another bit depth",
        values.bit_depth,
        "65535 is the range of 16-bit images. An 8-bit image divided by it is black; a 16-bit one divided by 255 reaches 257.",
        "x = torch.from_numpy(image / 65535)   # image is uint8",
        "x = torch.from_numpy(image / np.iinfo(image.dtype).max)",
    ),
    Rule(
        "TARE012",
        "scaled-by-image",
        "error",
        "Each image scaled by its own values",
        values.by_image,
        "Dividing by an image's own maximum, or dividing by 255 only `if image.max() > 1`, makes the scale depend on the content: a "
        "nearly black frame comes out white, and equal raw values become different inputs.",
        "x = image / image.max()",
        "x = image / 255",
    ),
    Rule(
        "TARE013",
        "formula",
        "error",
        "A slip in (x - mean) / std",
        values.formula,
        "The mean added instead of subtracted, the variance for the std, or one of the two steps forgotten.",
        "x = x / std",
        "x = (x - mean) / std",
    ),
    Rule(
        "TARE014",
        "not-affine",
        "warning",
        "Something else than a shift and a scale",
        values.not_affine,
        "Gamma, equalisation, CLAHE or a colour matrix in evaluation change colours or contrast in a way that no mean and std "
        "describe, and that the network met in training only if it was trained with them.",
        "A.Compose([A.CLAHE(p=1), A.Normalize(), ToTensorV2()])",
        "A.Compose([A.Normalize(), ToTensorV2()])",
    ),
    Rule(
        "TARE020",
        "normalize-before-tensor",
        "error",
        "Normalize before ToTensor",
        order.normalize_before_tensor,
        "Torchvision's Normalize takes a float tensor. In front of ToTensor it gets an image, and raises or does nothing useful.",
        f"v2.Compose([{_NORMALIZE}, v2.ToTensor()])",
        f"v2.Compose([v2.ToImage(), {_FLOAT}, {_NORMALIZE}])",
    ),
    Rule(
        "TARE021",
        "integers-normalised",
        "error",
        "An integer tensor into Normalize",
        order.integers_into_normalize,
        "PILToTensor and ToImage keep 0..255 integers. Normalize refuses them or, in other libraries, computes in integers.",
        f"v2.Compose([v2.PILToTensor(), {_NORMALIZE}])",
        f"v2.Compose([v2.PILToTensor(), {_FLOAT}, {_NORMALIZE}])",
    ),
    Rule(
        "TARE022",
        "colour-after-normalize",
        "error",
        "Colour augmentation after Normalize",
        order.photometric_after_normalize,
        "Brightness, contrast, hue and the like assume values in [0, 1] or 0..255 and clip to that range. Normalised values lie "
        "around 0, so half of every image is cut off.",
        f"v2.Compose([v2.ToImage(), {_FLOAT}, {_NORMALIZE}, v2.ColorJitter(0.4)])",
        f"v2.Compose([v2.ToImage(), v2.ColorJitter(0.4), {_FLOAT}, {_NORMALIZE}])",
    ),
    Rule(
        "TARE023",
        "clamped",
        "error",
        "Values cut off after Normalize",
        order.clamp_after_normalize,
        "Normalised values lie between about -2.1 and 2.6; clamp(0, 1) keeps those between the mean and one std above it.",
        "x = normalize(x).clamp(0, 1)",
        "x = normalize(x.clamp(0, 1))",
    ),
    Rule(
        "TARE024",
        "random-in-eval",
        "warning",
        "Random augmentation in evaluation",
        order.random_in_eval,
        "The training transform used for validation: the score is noisy and too low, and the same image is classified differently "
        "from call to call.",
        "val_transform = v2.Compose([v2.RandomResizedCrop(224), ...])",
        "val_transform = v2.Compose([v2.Resize(256), v2.CenterCrop(224), ...])",
    ),
    Rule(
        "TARE030",
        "grey-in-colour",
        "warning",
        "Grey copied to three channels, three constants",
        channels.grey_with_colour_constants,
        "Grayscale(3) and ImageNet's constants give every grey level a tint. It is common and mostly harmless when fine-tuning; a "
        "frozen network sees a colour cast.",
        f"v2.Grayscale(3), {_FLOAT}, {_NORMALIZE}",
        "v2.Normalize((0.449,) * 3, (0.226,) * 3)   # or timm.create_model(..., in_chans=1)",
    ),
    Rule(
        "TARE031",
        "channel-count",
        "error",
        "Constants or images of another channel count",
        channels.channel_count,
        "Three constants on a one-channel image are broadcast to three channels, silently; a network for three channels refuses one.",
        "Normalize with three constants on a one-channel image",
        _NORMALIZE,
    ),
    Rule(
        "TARE032",
        "alpha",
        "note",
        "Alpha reaches the network",
        channels.alpha,
        "A PNG with transparency has four channels. Without a conversion the fourth is passed on.",
        "x = torch.from_numpy(np.asarray(Image.open(path)))",
        "image = Image.open(path).convert('RGB')",
    ),
    Rule(
        "TARE033",
        "layout",
        "error",
        "Channels last where they come first",
        channels.layout,
        "PyTorch networks take (C, H, W), NumPy and Keras images are (H, W, C).",
        "A.Compose([A.Normalize()])",
        "A.Compose([A.Normalize(), ToTensorV2()])",
    ),
    Rule(
        "TARE034",
        "dtype",
        "warning",
        "Not float32",
        channels.dtype,
        "NumPy divides integers into float64, and torch keeps it: twice the memory, and an error at the first layer.",
        "x = torch.from_numpy(np.asarray(image) / 255)",
        "x = torch.from_numpy(np.asarray(image, np.float32) / 255)",
    ),
    Rule(
        "TARE035",
        "not-finite",
        "error",
        "NaN or Inf",
        channels.not_finite,
        "A range or std of zero somewhere: every later layer becomes NaN.",
        "x = (x - x.mean()) / x.std()   # of a constant channel",
        "x = (x - mean) / std",
    ),
    Rule(
        "TARE040",
        "impossible-std",
        "error",
        "A std of zero",
        channels.impossible_std,
        "A constant channel has a std of 0. Dividing by it gives NaN or infinity.",
        "v2.Normalize((0.5, 0.5, 0.0), (0.2, 0.2, 0.0))",
        "v2.Normalize((0.5, 0.5, 0.0), (0.2, 0.2, 1.0))",
    ),
    Rule(
        "TARE041",
        "tiny-std",
        "error",
        "Inputs beyond 1000 sigma",
        channels.tiny_std,
        "The std of a nearly constant channel turns its smallest change into thousands. A joint that never moved in the target's "
        "data, a band that is almost empty: one sample outside and the loss explodes.",
        "v2.Normalize((0.5, 0.5, 0.0), (0.2, 0.2, 1e-6))",
        "floor the std at 0.001",
    ),
    Rule(
        "TARE050",
        "stages-differ",
        "error",
        "Training and evaluation scale differently",
        order.stages_differ,
        "Two pipelines written at different times, one with Normalize and one without. Training looks fine, validation looks broken.",
        "train: ToTensor(), Normalize(...)   eval: ToTensor()",
        "train: ToTensor(), Normalize(...)   eval: ToTensor(), Normalize(...)",
    ),
    Rule(
        "TARE060",
        "held-out-statistics",
        "warning",
        "Statistics of validation or test data",
        statistics.held_out_statistics,
        "Mean and std computed before the split describe the data that the network is tested on, too. The effect on the score is "
        "small and the claim that the test data were unseen is gone.",
        "tare measure data/",
        "tare measure data/train",
    ),
    Rule(
        "TARE061",
        "declared-not-applied",
        "warning",
        "Statistics stated and not applied",
        statistics.declared_but_not_applied,
        "A configuration holds mean and std beside do_normalize: false, or a Normalize with p=0.5.",
        '{"do_normalize": false, "image_mean": [0.485, 0.456, 0.406]}',
        '{"do_normalize": true, "image_mean": [0.485, 0.456, 0.406]}',
    ),
    Rule(
        "TARE062",
        "few-samples",
        "warning",
        "Statistics of too few samples",
        statistics.uncertain_statistics,
        "The pixels of one image are alike: ten images say as much about the mean as ten numbers, not as a million.",
        "Normalize with the mean and std of 12 images",
        "tare transfer --strategy blend",
    ),
    Rule(
        "TARE070",
        "size",
        "warning",
        "Another input size",
        geometry.size,
        "Most networks accept any size and answer worse away from the one they were trained or tested at.",
        "v2.Resize((128, 128)) for a network tested at 224",
        "v2.Resize(256), v2.CenterCrop(224)",
    ),
    Rule(
        "TARE071",
        "crop",
        "warning",
        "Another crop",
        geometry.crop,
        "The share of the image that is kept decides how large objects appear. Networks differ (256, 248, 235, 224 for 224).",
        "v2.Resize(224), v2.CenterCrop(224)",
        "v2.Resize(256), v2.CenterCrop(224)",
    ),
    Rule(
        "TARE072",
        "interpolation",
        "warning",
        "Another interpolation",
        geometry.interpolation,
        "Each interpolation blurs and rings in its own way, and the network learned with one of them.",
        "v2.Resize(256)   # bilinear",
        "v2.Resize(256, interpolation=InterpolationMode.BICUBIC)",
    ),
    Rule(
        "TARE073",
        "antialias",
        "warning",
        "Resized without antialiasing",
        geometry.antialias,
        "PIL always filters before it shrinks; a tensor is only filtered with antialias=True.",
        "v2.Resize(224, antialias=False) on a tensor",
        "v2.Resize(224, antialias=True)",
    ),
    Rule(
        "TARE080",
        "unknown-spec",
        "warning",
        "Nobody stated what the network expects",
        geometry.unknown_spec,
        "A network without a configuration may have been trained with anything. ImageNet's constants are a guess, and tare does not "
        "guess.",
        "model = Net(); model.load_state_dict(...)",
        "tare check pipeline.py:transform --mean 0.5 --std 0.5",
    ),
)


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Everything that the rules find, the gravest first."""
    found = [finding for rule in RULES for finding in rule.findings(evidence)]
    yield from sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def rule_named(name: str) -> Rule:
    """The rule of a code (TARE003) or name (normalised-twice). Raises :class:`SpecError` with the closest match."""
    for rule in RULES:
        if name.upper() == rule.code or name == rule.name:
            return rule
    known = [word for rule in RULES for word in (rule.code, rule.name)]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    raise SpecError(
        "the code or name of a rule", f"{name!r}", f"did you mean {', '.join(close)}?" if close else "see `tare rule`"
    )
