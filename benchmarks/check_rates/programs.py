"""Programs with one known mistake, and the same with its remedy: what code alone shows, library by library."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

from dataclasses import dataclass

_TORCH = "import torch\nfrom torchvision import datasets, models, transforms as T\n"
_KERAS = (
    "import tensorflow as tf\nfrom tensorflow.keras.applications import MobileNetV2, EfficientNetB0, VGG16, mobilenet_v2, vgg16\n"
    "from tensorflow.keras.preprocessing.image import ImageDataGenerator\n"
)
_SOUND = (
    "import librosa, torch, torchaudio, numpy as np, soundfile as sf\nfrom scipy.io import wavfile\nimport tensorflow_hub as hub\n"
    "from transformers import Wav2Vec2Processor, WhisperFeatureExtractor, ASTForAudioClassification, ASTFeatureExtractor\n"
)
_CV = "import cv2\nimport albumentations as A\n"
_FASTAI = "from fastai.vision.all import *\n"
_MEAN, _STD = "[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]"
_IMAGENET = f"T.Normalize({_MEAN}, {_STD})"
#: An image as it was read, and a network of torchvision.
_CALLED = (
    _TORCH
    + "from PIL import Image\nimport numpy as np\nnet = models.resnet50(weights='DEFAULT')\nx = torch.tensor(np.array(Image.open(p))).float()\n"
)
#: An image as it was read, and ImageNet's constants.
_READ = (
    "import numpy as np\nfrom PIL import Image\nMEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])\n"
    "x = np.array(Image.open(p).convert('RGB'), dtype=np.float32)\n"
)
_HALVES = "T.Normalize([0.5] * 3, [0.5] * 3)"


@dataclass(frozen=True, slots=True)
class Mistake:
    """``program`` has ``{}`` where ``wrong`` is the mistake and ``right`` its remedy; ``codes`` are to be found and no others.

    ``named`` if the two are values that may stand under a name in another file; ``settings`` is the text of a config.yaml beside it.
    """

    name: str
    codes: tuple[str, ...]
    program: str
    wrong: str
    right: str
    named: bool = False
    settings: str = ""


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "a slip in the std",
        ("TARE100",),
        _TORCH + f"t = T.Compose([T.ToTensor(), T.Normalize({_MEAN}, {{}})])",
        "[0.229, 0.224, 0.255]",
        _STD,
        True,
    ),
    Mistake(
        "a slip in the mean, albumentations",
        ("TARE100",),
        _CV + "t = A.Compose([A.Normalize(mean={}, std=(0.229, 0.224, 0.225))])",
        "(0.485, 0.456, 0.456)",
        "(0.485, 0.456, 0.406)",
        True,
    ),
    Mistake(
        "a slip in arithmetic",
        ("TARE100",),
        "import numpy as np\nx = (image / 255 - np.array([0.485, 0.456, 0.406])) / np.array({})",
        "[0.229, 0.244, 0.225]",
        _STD,
        True,
    ),
    Mistake(
        "mean and std exchanged",
        ("TARE006",),
        _TORCH + "t = T.Compose([T.ToTensor(), T.Normalize({})])",
        f"{_STD}, {_MEAN}",
        f"{_MEAN}, {_STD}",
    ),
    Mistake(
        "the mean as std", ("TARE007",), _TORCH + f"t = T.Compose([T.ToTensor(), T.Normalize({_MEAN}, {{}})])", _MEAN, _STD, True
    ),
    Mistake("normalised twice", ("TARE003",), _TORCH + f"t = T.Compose([T.ToTensor(), {_IMAGENET}{{}}])", f", {_IMAGENET}", ""),
    Mistake(
        "Normalize before ToTensor",
        ("TARE020",),
        _TORCH + "t = T.Compose([{}])",
        f"{_IMAGENET}, T.ToTensor()",
        f"T.ToTensor(), {_IMAGENET}",
    ),
    Mistake(
        "colour jitter after Normalize",
        ("TARE022",),
        _TORCH + "train_transform = T.Compose([{}])",
        f"T.ToTensor(), {_IMAGENET}, T.ColorJitter(0.4)",
        f"T.ColorJitter(0.4), T.ToTensor(), {_IMAGENET}",
    ),
    Mistake(
        "constants of 0..255 on values of 0..1",
        ("TARE016",),
        _TORCH + "t = T.Compose([T.ToTensor(), T.Normalize({})])",
        "[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]",
        f"{_MEAN}, {_STD}",
    ),
    Mistake(
        "another network's constants",
        ("TARE005",),
        _TORCH + "net = models.resnet18(pretrained=True)\nt = T.Compose([T.ToTensor(), {}])",
        _HALVES,
        _IMAGENET,
    ),
    Mistake(
        "another network's constants, timm",
        ("TARE005",),
        _TORCH
        + "import timm\nnet = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)\nt = T.Compose([T.ToTensor(), {}])",
        _IMAGENET,
        _HALVES,
    ),
    Mistake(
        "another network's constants, fastai",
        ("TARE005",),
        _FASTAI
        + "data = ImageDataLoaders.from_folder(path, batch_tfms=[{}])\nlearn = vision_learner(data, resnet34, metrics=accuracy)",
        "Normalize.from_stats([0.5] * 3, [0.5] * 3)",
        "Normalize.from_stats(*imagenet_stats)",
    ),
    Mistake(
        "another network's processor",
        ("TARE005",),
        "from transformers import AutoImageProcessor, AutoModel\nprocess = AutoImageProcessor.from_pretrained({})\nnet = AutoModel.from_pretrained('facebook/dinov2-base')\ny = net(**process(image, return_tensors='pt'))",
        "'google/vit-base-patch16-224'",
        "'facebook/dinov2-base'",
        True,
    ),
    Mistake(
        "not normalised",
        ("TARE004",),
        _TORCH + "net = models.resnet18(pretrained=True)\nt = T.Compose([T.ToTensor(){}])",
        "",
        f", {_IMAGENET}",
    ),
    Mistake(
        "not normalised, fastai",
        ("TARE004",),
        _FASTAI + "data = ImageDataLoaders.from_folder(path)\nlearn = vision_learner(data, resnet34{})",
        ", normalize=False",
        "",
    ),
    Mistake(
        "random crop in evaluation",
        ("TARE024",),
        _TORCH + f"val_transform = T.Compose([{{}}, T.ToTensor(), {_IMAGENET}])",
        "T.RandomResizedCrop(224)",
        "T.Resize(256), T.CenterCrop(224)",
    ),
    Mistake(
        "a part for validation of a random dataset",
        ("TARE024",),
        _TORCH
        + f"data = datasets.ImageFolder('a', transform=T.Compose([{{}}T.ToTensor(), {_IMAGENET}]))\ntrain_set, val_set = torch.utils.data.random_split(data, [9, 1])\nval_loader = torch.utils.data.DataLoader(val_set)",
        "T.RandomHorizontalFlip(), ",
        "",
    ),
    Mistake(
        "random options in evaluation, Keras",
        ("TARE024",),
        _KERAS + "g = ImageDataGenerator(validation_split=0.2{})\nval = g.flow_from_directory('a', subset='validation')",
        ", rotation_range=20",
        "",
    ),
    Mistake(
        "evaluation normalises otherwise",
        ("TARE050",),
        _TORCH + f"train_transform = T.Compose([T.ToTensor(), {_IMAGENET}])\nval_transform = T.Compose([T.ToTensor(), {{}}])",
        _HALVES,
        _IMAGENET,
    ),
    Mistake(
        "0..1 for a network of -1..1",
        ("TARE101",),
        _KERAS
        + "g = ImageDataGenerator({})\nnet = MobileNetV2(weights='imagenet')\nmodel = tf.keras.Sequential([net])\nmodel.fit(g.flow_from_directory('a'))",
        "rescale=1 / 255",
        "preprocessing_function=mobilenet_v2.preprocess_input",
    ),
    Mistake(
        "0..1 for a network that scales itself",
        ("TARE101",),
        _KERAS
        + "g = ImageDataGenerator({})\nnet = EfficientNetB0(weights='imagenet')\nmodel = tf.keras.Sequential([net])\nmodel.fit(g.flow_from_directory('a'))",
        "rescale=1 / 255",
        "",
    ),
    Mistake(
        "preprocess_input and rescale",
        ("TARE101",),
        _KERAS + "g = ImageDataGenerator(preprocessing_function=vgg16.preprocess_input{})",
        ", rescale=1 / 255",
        "",
    ),
    Mistake(
        "images as read, for a network of -1..1",
        ("TARE101",),
        _KERAS
        + "ds = tf.keras.utils.image_dataset_from_directory('a')\nnet = MobileNetV2(weights='imagenet')\nmodel = tf.keras.Sequential([{}net])\nmodel.fit(ds)",
        "",
        "tf.keras.layers.Rescaling(1 / 127.5, offset=-1), ",
    ),
    Mistake(
        "scaled before the model and in it",
        ("TARE002",),
        _KERAS
        + "ds = tf.keras.utils.image_dataset_from_directory('a'){}\nmodel = tf.keras.Sequential([tf.keras.layers.Rescaling(1 / 255), tf.keras.layers.Conv2D(9, 3)])\nmodel.fit(ds)",
        ".map(lambda x, y: (x / 255.0, y))",
        "",
    ),
    Mistake("divided by 255 after ToTensor", ("TARE002",), _TORCH + "x = T.ToTensor()(image){}", " / 255", ""),
    Mistake(
        "a factor with a slip",
        ("TARE011",),
        _KERAS + "g = ImageDataGenerator(rescale={})\nmodel.fit(g.flow_from_directory('a'))",
        "1 / 225",
        "1 / 255",
        True,
    ),
    Mistake(
        "a grey value of BGR by the code for RGB",
        ("TARE102",),
        _CV + "x = cv2.cvtColor(cv2.imread(p), {})",
        "cv2.COLOR_RGB2GRAY",
        "cv2.COLOR_BGR2GRAY",
    ),
    Mistake(
        "a code of cvtColor as a flag of imread",
        ("TARE103",),
        _CV + "x = {}",
        "cv2.imread(p, cv2.COLOR_BGR2RGB)",
        "cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB)",
    ),
    Mistake(
        "blue first into ImageNet's constants",
        ("TARE008",),
        _CV + "t = A.Compose([A.Normalize()])\nimage = {}\nx = t(image=image)['image']",
        "cv2.imread(p)",
        "cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB)",
    ),
    Mistake(
        "a text where a transform belongs",
        ("TARE104",),
        _TORCH
        + f"t = {{'train': T.Compose([T.ToTensor(), {_IMAGENET}]), 'test': T.Compose([T.ToTensor(), {_IMAGENET}])}}\nd = datasets.ImageFolder('a', transform={{}})".replace(
            "{'train'", "{{'train'"
        ).replace("])}\n", "])}}\n"),
        "t['train'] if train else 'test'",
        "t['train' if train else 'test']",
    ),
    Mistake(
        "an option whose statistics nothing takes",
        ("TARE105",),
        _KERAS + "g = ImageDataGenerator(featurewise_center=True)\n{}model.fit(g.flow_from_directory('a'))",
        "",
        "g.fit(images)\n",
    ),
    Mistake(
        "statistics from before rescale",
        ("TARE105",),
        _KERAS
        + "import numpy as np\ng = ImageDataGenerator(featurewise_std_normalization=True{})\ng.fit(np.load('a.npy'))\nmodel.fit(g.flow(x))",
        ", rescale=1 / 255",
        "",
    ),
    Mistake(
        "undone with other constants",
        ("TARE106",),
        _TORCH + f"import numpy as np\nt = T.Compose([T.ToTensor(), {_HALVES}])\nshown = {{}}",
        f"x * np.array({_STD}) + np.array({_MEAN})",
        "x * 0.5 + 0.5",
    ),
    Mistake(
        "the mean of one set and the std of another",
        ("TARE107",),
        _TORCH + f"t = T.Compose([T.ToTensor(), T.Normalize({_MEAN}, {{}})])",
        "[0.2023, 0.1994, 0.2010]",
        _STD,
        True,
    ),
    Mistake(
        "0..255 into a network",
        ("TARE001",),
        _CALLED + "y = net({})",
        "x",
        f"(x / 255 - torch.tensor({_MEAN})) / torch.tensor({_STD})",
    ),
    Mistake(
        "the means of Caffe alone",
        ("TARE042",),
        _CALLED + "x = {}\ny = net(x)",
        "x - torch.tensor([103.939, 116.779, 123.68])",
        f"(x / 255 - torch.tensor({_MEAN})) / torch.tensor({_STD})",
    ),
    Mistake(
        "the mean of the stds of images",
        ("TARE009",),
        _TORCH + "mean, std, n = 0.0, 0.0, 0\nfor images, _ in loader:\n    {}\nprint(mean, std)",
        "mean += images.mean(2).sum(0)\n    std += images.std(2).sum(0)\nmean /= n\nstd /= n",
        "mean += images.sum((0, 2))\n    square += (images**2).sum((0, 2))\nmean /= n\nstd = torch.sqrt(square / n - mean**2)",
    ),
    Mistake(
        "constants in a configuration that nothing reads",
        ("TARE061",),
        _TORCH
        + "import yaml\nconfig = yaml.safe_load(open('config.yaml'))\nt = T.Compose([T.Resize(config['size']), T.ToTensor(){}])",
        "",
        ", T.Normalize(config['mean'], config['std'])",
        settings="size: 224\nmean: [0.31, 0.32, 0.33]\nstd: [0.21, 0.22, 0.23]\n",
    ),
    Mistake(
        "the variance as std",
        ("TARE044",),
        _TORCH + "mean = images.mean((0, 2, 3))\nstd = images.{}((0, 2, 3))\nprint(mean, std)",
        "var",
        "std",
    ),
    Mistake(
        "test data standardised by themselves",
        ("TARE060",),
        "from sklearn.preprocessing import StandardScaler\nscaler = StandardScaler()\na = scaler.fit_transform(X_train)\nb = scaler.{}(X_test)",
        "fit_transform",
        "transform",
    ),
    Mistake(
        "librosa's default rate",
        ("TARE108",),
        _SOUND
        + "process = Wav2Vec2Processor.from_pretrained('facebook/wav2vec2-base-960h')\ny, sr = librosa.load(p{})\nx = process(y, sampling_rate=16000)",
        "",
        ", sr=16000",
    ),
    Mistake(
        "resampled to another rate",
        ("TARE108",),
        _SOUND
        + "net = torchaudio.pipelines.HUBERT_BASE.get_model()\nw, sr = torchaudio.load(p)\nw = torchaudio.functional.resample(w, sr, {})\ny, _ = net.extract_features(w)",
        "8000",
        "16000",
        True,
    ),
    Mistake(
        "resampled from another rate",
        ("TARE108",),
        _SOUND + "y, _ = librosa.load(p)\ny = librosa.resample(y, orig_sr={}, target_sr=16000)",
        "44100",
        "22050",
        True,
    ),
    Mistake(
        "not standardised, as the network wants it",
        ("TARE004",),
        _SOUND
        + "from transformers import Wav2Vec2ForCTC, Wav2Vec2FeatureExtractor\nnet = Wav2Vec2ForCTC.from_pretrained('facebook/wav2vec2-xls-r-300m')\nextract = Wav2Vec2FeatureExtractor(sampling_rate=16000, do_normalize={})",
        "False",
        "True",
        True,
    ),
    Mistake(
        "integers of 16 bits",
        ("TARE109",),
        _SOUND
        + "yamnet = hub.load('https://tfhub.dev/google/yamnet/1')\nx = np.frombuffer(chunk, dtype=np.int16).astype(np.float32){}\nscores, _, _ = yamnet(x)",
        "",
        " / 32768",
    ),
    Mistake(
        "the integers of a file",
        ("TARE109",),
        _SOUND
        + "process = WhisperFeatureExtractor.from_pretrained('openai/whisper-small')\ny, sr = sf.read(p, dtype={})\nx = process(y, sampling_rate=16000)",
        "'int16'",
        "'float32'",
    ),
    Mistake("divided by 32768 again", ("TARE109",), _SOUND + "y, sr = torchaudio.load(p)\ny = y{}", " / 32768", ""),
    Mistake(
        "AudioSet's std without the factor of two",
        ("TARE043",),
        _SOUND
        + "net = ASTForAudioClassification.from_pretrained('MIT/ast-finetuned-audioset-10-10-0.4593')\nx = (torchaudio.compliance.kaldi.fbank(w) + 4.2677393) / {}",
        "4.5689974",
        "9.137995",
        True,
    ),
    Mistake(
        "AudioSet's constants on decibels",
        ("TARE016",),
        _SOUND + "mel = torchaudio.transforms.MelSpectrogram(16000)(w)\nx = ({} + 4.2677393) / (2 * 4.5689974)",
        "torchaudio.transforms.AmplitudeToDB()(mel)",
        "torch.log(mel)",
    ),
    Mistake(
        "features of an extractor normalised again",
        ("TARE003",),
        _SOUND + "extract = ASTFeatureExtractor()\nx = extract(w, sampling_rate=16000).input_values\nx = {}",
        "(x + 4.2677393) / (2 * 4.5689974)",
        "x",
    ),
    Mistake(
        "a bracket is missing",
        ("TARE046",),
        _READ + "x = x / 255\nx = {}",
        "x - MEAN / STD",
        "(x - MEAN) / STD",
    ),
    Mistake(
        "the mean for 0..255 and the std for 0..1",
        ("TARE016",),
        _READ + "x = (x - MEAN * 255) / {}",
        "STD",
        "(STD * 255)",
    ),
    Mistake(
        "8 bits divided as 16",
        ("TARE011",),
        _CV + "x = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB) / {}",
        "65535",
        "255",
        True,
    ),
    Mistake(
        "normalised again, by a network of one's own",
        ("TARE003",),
        _TORCH
        + f"from PIL import Image\nt = T.Compose([T.ToTensor(){{}}])\nnet = torch.nn.Sequential({_IMAGENET}, models.resnet18(weights='DEFAULT'))\ny = net(t(Image.open(p))[None])",
        f", {_IMAGENET}",
        "",
    ),
    Mistake(
        "a mean for 0..1 in blobFromImage",
        ("TARE016",),
        _CV + "x = cv2.dnn.blobFromImage(cv2.imread(p), 1 / 255, (224, 224), {}, swapRB=True)",
        "(0.485, 0.456, 0.406)",
        "(123.675, 116.28, 103.53)",
        True,
    ),
    Mistake(
        "a mean of red first in blobFromImage",
        ("TARE008",),
        _CV + "x = cv2.dnn.blobFromImage(cv2.imread(p), 1.0, (224, 224), (123.68, 116.779, 103.939){})",
        "",
        ", swapRB=True",
    ),
    Mistake(
        "a mean of blue first in blobFromImage",
        ("TARE015",),
        _CV + "x = cv2.dnn.blobFromImage(cv2.imread(p), 1.0, (224, 224), {}, swapRB=True)",
        "(103.939, 116.779, 123.68)",
        "(123.68, 116.779, 103.939)",
        True,
    ),
    Mistake(
        "constants in reversed order",
        ("TARE015",),
        _TORCH + "t = T.Compose([T.ToTensor(), T.Normalize({})])\nd = datasets.ImageFolder('a', t)",
        "[0.406, 0.456, 0.485], [0.225, 0.224, 0.229]",
        f"{_MEAN}, {_STD}",
    ),
    Mistake(
        "the squares of the std",
        ("TARE044",),
        _TORCH + f"t = T.Compose([T.ToTensor(), T.Normalize({_MEAN}, {{}})])",
        "[0.052441, 0.050176, 0.050625]",
        _STD,
        True,
    ),
    Mistake(
        "divided by 255 by a step after ToTensor",
        ("TARE002",),
        _TORCH + f"t = T.Compose([T.Resize(256), T.ToTensor(){{}}, {_IMAGENET}])\nd = datasets.ImageFolder('a', t)",
        ", T.Lambda(lambda x: x / 255.0)",
        "",
    ),
    Mistake(
        "multiplied by 255 by a step before Normalize",
        ("TARE001",),
        _TORCH + f"t = T.Compose([T.Resize(256), T.ToTensor(){{}}, {_IMAGENET}])",
        ", T.Lambda(lambda x: x.mul(255))",
        "",
    ),
    Mistake(
        "normalised again, after transforms() of weights",
        ("TARE003",),
        _TORCH + "w = models.ResNet18_Weights.DEFAULT\nt = T.Compose([w.transforms(){}])\nd = datasets.ImageFolder('a', t)",
        f", {_IMAGENET}",
        "",
    ),
    Mistake(
        "normalised again, after create_transform",
        ("TARE003",),
        _TORCH
        + "import timm\nfrom PIL import Image\nnet = timm.create_model('resnet50', pretrained=True).eval()\nconfig = timm.data.resolve_model_data_config(net)\n"
        f"t = timm.data.create_transform(**config)\nnorm = {_IMAGENET}\nx = t(Image.open(p).convert('RGB'))\nnet({{}}[None])",
        "norm(x)",
        "x",
    ),
)
