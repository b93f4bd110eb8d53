"""Which names of calls the tables of libraries know."""

from __future__ import annotations

import re
from functools import lru_cache

from tare.code.interpreter.vocabulary import Vocabulary
from tare.code.libraries.openness import NAMES as OPEN_NAMES
from tare.code.libraries.pipelines import CONTAINER_NAMES, STEP_NAMES

_OTHER = frozenset(
    [
        "/",
        "*",
        "-",
        "+",
        "normalize",
        "preprocess_input",
        "imread",
        "cvtColor",
        "ImageDataGenerator",
        "flow_from_directory",
        "flow",
        "flow_from_dataframe",
        "Rescaling",
        "Lambda",
        "map",
        "fit",
        "predict",
        "predict_on_batch",
        "forward",
        "forward_features",
        "encode_image",
        "get_image_features",
        "random_split",
        "create_model",
        "from_pretrained",
        "load",
        "fit_transform",
        "load_state_dict",
        "load_weights",
        "create_transform",
        "imshow",
        "()",
        "ImageFolder",
        "DataLoader",
        "div_",
        "image_dataset_from_directory",
        "div",
        "mul",
        "mul_",
        "multiply",
        "subtract",
        "true_divide",
        "divide",
        "to_tensor",
        "get_model",
        "fit_generator",
        "evaluate_generator",
        "predict_generator",
        "add",
        "save",
        *("transform_input", "do_rescale", "do_normalize", "rescale_factor", "image_mean", "image_std"),
        "save_model",
        "save_weights",
        "export",
        "dynamo_export",
        "load_model",
        "load_from_checkpoint",
        "InferenceSession",
        "ModelCheckpoint",
        "load_img",
        "img_to_array",
        "evaluate",
        "convert_image_dtype",
        "blobFromImage",
        "blobFromImages",
        "from_stats",
        "vision_learner",
        "cnn_learner",
        "unet_learner",
        "create_cnn",
        "Learner",
        "Unet",
        "UnetPlusPlus",
        "MAnet",
        "Linknet",
        "FPN",
        "PSPNet",
        "PAN",
        "DeepLabV3",
        "DeepLabV3Plus",
        "UPerNet",
        "Model",
        "get_preprocessing_fn",
        "run",
        "create_model_and_transforms",
        "create_model_from_pretrained",
        "Subset",
        "resample",
        "Wav2Vec2FeatureExtractor",
        "transcribe",
        "inference",
        "encode_batch",
        "classify_batch",
        "extract_features",
    ]
)
#: Datasets of torchvision that take a transform.
DATASETS = frozenset(
    [
        "ImageFolder",
        "DatasetFolder",
        "CIFAR10",
        "CIFAR100",
        "MNIST",
        "FashionMNIST",
        "STL10",
        "SVHN",
        "Flowers102",
        "Food101",
        "OxfordIIITPet",
    ]
)
_NETWORK = re.compile(
    r"(?i)^(resne|wide_resnet|vgg|densenet|mobilenet|efficientnet|inception|googlenet|squeezenet|shufflenet|mnasnet|regnet|alexnet|"
    r"vit_|mvit_|r3d_|r2plus1d_|mc3_|s3d|deeplabv3_|fcn_res|lraspp|swin|convnext|maxvit|xception|nasnet|pnasnet|se_resne|senet|dpn|polynet)"
)


@lru_cache(maxsize=16_384)
def interesting(last: str) -> bool:
    """Whether a call with this last name says something about preprocessing or networks."""
    return (
        last in CONTAINER_NAMES
        or last in STEP_NAMES
        or last in _OTHER
        or last in DATASETS
        or last in OPEN_NAMES
        or _NETWORK.match(last) is not None
    )


#: A file without any of these words says nothing about preprocessing, and is not even parsed.
RELEVANT = Vocabulary(
    (
        "transforms",
        "torchvision",
        "Normalize",
        "Compose",
        "imread",
        "Image.open",
        "load_img",
        "cvtColor",
        "MEAN",
        "image_mean",
        "from_pretrained",
        "create_model",
        "albumentations",
        "applications",
        "preprocess_input",
        "ImageDataGenerator",
        "Rescaling",
        "rescale",
        "127.5",
        "_learner(",
        ".normalize(",
        "Scaler(",
        "OmegaConf.load",
        "hydra.main",
        "whisper.load_model",
        "FeatureExtractor",
        "/yamnet/",
        "panns_inference",
        "get_array_of_samples",
        "hub.load(",
        "clip.load(",
        "blobFromImage",
        "onnx.export(",
        "tare.export(",
        "torch.jit.",
    ),
    {
        "255": re.compile(r"\b255\b"),
        "_mean": re.compile(r"_mean[ \t]*="),
        "mean": re.compile(r"(?<![.\w])mean[ \t]*[-+]?="),
        "yaml.": re.compile(r"yaml\.\w*load\("),
        "librosa.load": re.compile(r"\blibrosa\.load"),
        "torchaudio.": re.compile(r"\btorchaudio\."),
        "WhisperModel": re.compile(r"\bWhisperModel\("),
        "wavfile.read": re.compile(r"\bwavfile\.read"),
    },
)

#: A function without any of these words says nothing itself.
MATTERS = Vocabulary(
    (
        *(each for each in RELEVANT.texts if each not in ("Normalize", "image_mean", "from_pretrained")),
        "mean",
        "Normaliz",
        "Normalis",
        "pretrained",
        "weights",
        "timm",
        "models.",
        "augment",
        "Dataset",
        "ImageFolder",
        "random_split",
        "fit_transform",
        "load_state_dict",
        "convert_image_dtype",
        "to_tensor",
        "transform(",
        "read_image",
        "decode_image",
        "decode_jpeg",
        "imdecode",
        "VideoCapture",
        "img_to_array",
        "json.load(",
        "resample",
        "waveform",
        "sampling_rate",
        "sample_rate",
        "transcribe",
        "np.int16",
        "frombuffer",
    ),
    {
        **{word: pattern for word, pattern in RELEVANT.patterns.items() if "mean" not in word},
        "32768": re.compile(r"\b32768"),
        "std": re.compile(r"std\b"),
        "0.": re.compile(r"(?<=[\[(])0\.\d"),
        "10": re.compile(r"10\d\.\d"),
        "11": re.compile(r"11\d\.\d"),
        "12": re.compile(r"12\d\.\d"),
        "toml": re.compile(r"toml\w*\.load\("),
    },
)
