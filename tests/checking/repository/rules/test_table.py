"""Each mistake that code shows, and what looks like it and is right."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

from textwrap import dedent

import pytest

from tare.checking.repository.api import examined
from tare.checking.repository.result import CodeFinding
from tare.code.files.document import Document

TORCH = (
    "import torch, torchvision\nfrom torchvision import datasets, models, transforms\nfrom torchvision import transforms as T\n"
)
IMAGENET = "T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])"
HALVES = "T.Normalize([0.5] * 3, [0.5] * 3)"
#: What turns the order of channels round.
TURNED = (
    *("x[:, :, [2, 1, 0]]", "x[..., (2, 1, 0)]", "x[:, :, (2, 1, 0)]", "x[..., ::-1].copy()", "np.array(x[..., [2, 1, 0]])"),
    *(
        "np.flip(x, -1)",
        "np.flip(x, axis=2)",
        "cv2.merge(cv2.split(x)[::-1])",
        "np.stack([x[..., 2], x[..., 1], x[..., 0]], axis=-1)",
    ),
    *("x.take([2, 1, 0], axis=2)", "x.transpose(2, 0, 1)[[2, 1, 0]].transpose(1, 2, 0)"),
)
TF = (
    "import tensorflow as tf\nfrom tensorflow.keras.applications import *\n"
    "from tensorflow.keras.preprocessing.image import ImageDataGenerator\n"
)

FASTAI = "from fastai.vision.all import *\ndata = ImageDataLoaders.from_folder(path{})\nlearn = vision_learner(data, {}, metrics=accuracy)\n"
#: A dataset that brings images into a range by hand, and the network that it is for.
BY_HAND = (
    "import numpy as np, pydicom\nfrom PIL import Image\nclass D(torch.utils.data.Dataset):\n    def __getitem__(self, i):\n"
    "        p = self.files[i]\n        image = {}\n        return torch.from_numpy(image)\n"
    "net = models.resnet18(pretrained=True)\nfor x in torch.utils.data.DataLoader(D()):\n    net(x)\n"
)

PROCESSOR = (
    "from transformers import AutoImageProcessor, AutoModel, Trainer\np = AutoImageProcessor.from_pretrained('{}')\n"
    "net = AutoModel.from_pretrained('{}')\n"
)
#: A pretrained network and an image as it was read; the image is to be fed.
CALLED = (
    TORCH + "import numpy as np\nfrom PIL import Image\nnet = models.resnet18(weights='DEFAULT')\n"
    "x = torch.from_numpy(np.array(Image.open(p))).float()\n"
)
BLUE = CALLED + "import cv2\nx = torch.from_numpy(cv2.imread(p)).float()\n"

#: Code of a finding -> programs that have it, by what is special about them.
WRONG: dict[str, dict[str, str]] = {
    "TARE100": {
        "of grey images": TORCH + "T.Normalize((0.1307,), (0.3801,))",
        "std": TORCH + "T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])",
        "mean": TORCH + "T.Normalize([0.485, 0.456, 0.456], [0.229, 0.224, 0.225])",
        "by name": TORCH + "STD = [0.229, 0.244, 0.225]\nT.Normalize([0.485, 0.456, 0.406], STD)",
        "albumentations": "import albumentations as A\nA.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.255))",
        "functional": TORCH
        + "import torchvision.transforms.functional as F\nF.normalize(x, [0.485, 0.456, 0.406], [0.229, 0.244, 0.225])",
        "of 0..255": "# transforms\nimg_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.575], to_rgb=True)",
        "a dictionary": TORCH + "stats = {'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.255]}",
        "a buffer": TORCH + "class N(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.register_buffer('mean', torch.tensor([0.485, 0.456, 0.406]))\n"
        "        self.register_buffer('std', torch.tensor([0.229, 0.224, 0.255]))\n    def forward(self, x):\n"
        "        return (x - self.mean) / self.std",
        "arithmetic": "import numpy as np\nstd = np.array([0.229, 0.224, 0.255])\ny = (x - np.array([0.485, 0.456, 0.406])) / std",
    },
    "TARE006": {
        "a call": TORCH + "T.Normalize([0.229, 0.224, 0.225], [0.485, 0.456, 0.406])",
        "unpacked": TORCH + "std, mean = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]\nT.Normalize(mean, std)",
        "display": "def show(x, std=[0.485, 0.456, 0.406], mean=[0.229, 0.224, 0.225]):\n    # transforms\n    import torch\n"
        "    return torch.tensor(std) * x + torch.tensor(mean)",
    },
    "TARE007": {
        "a call": TORCH + "T.Normalize([0.485, 0.456, 0.406], [0.485, 0.456, 0.406])",
        "a processor": "from transformers import ViTImageProcessor\n"
        "ViTImageProcessor(image_mean=[0.485, 0.456, 0.406], image_std=[0.485, 0.456, 0.406])",
    },
    "TARE020": {"a Compose": TORCH + f"T.Compose([{IMAGENET}, T.ToTensor()])"},
    "TARE022": {"jitter": TORCH + f"T.Compose([T.ToTensor(), {IMAGENET}, T.ColorJitter(0.4)])"},
    "TARE003": {
        "a Compose": TORCH + f"T.Compose([T.ToTensor(), {IMAGENET}, {HALVES}])",
        "a loader": TORCH + f"d = datasets.ImageFolder('a', T.Compose([T.ToTensor(), {IMAGENET}]))\n"
        "for x, y in torch.utils.data.DataLoader(d):\n"
        "    x = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)",
        "before a processor": PROCESSOR.format(*["facebook/dinov2-base"] * 2) + TORCH + "from PIL import Image\n"
        f"y = p(T.Compose([T.ToTensor(), {IMAGENET}])(Image.open(a)))",
    },
    "TARE016": {
        "Albumentations": "import albumentations as A\nt = A.Compose([A.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])",
        "by hand": CALLED + "x = (x / 255 - torch.tensor([123.675, 116.28, 103.53])) / torch.tensor([58.395, 57.12, 57.375])",
        "after ToTensor": TORCH + "T.Compose([T.ToTensor(), T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])",
    },
    "TARE024": {
        "a name": TORCH + "val_transform = T.Compose([T.RandomResizedCrop(224), T.ToTensor()])",
        "a hook of Lightning": TORCH
        + "class M:\n    def __init__(self):\n        self.t = T.Compose([T.RandomCrop(9), T.ToTensor()])\n"
        "    def val_dataloader(self):\n        return torch.utils.data.DataLoader(datasets.ImageFolder('a', self.t))",
        "a key": TORCH + "t = {'train': None, 'test': T.Compose([T.RandomHorizontalFlip(), T.ToTensor()])}",
        "a function": TORCH + "def get_val_transform():\n    return T.Compose([T.ColorJitter(0.2), T.ToTensor()])",
        "a branch": TORCH
        + "def build(split):\n    if split == 'train':\n        return None\n    elif split in ('val', 'test'):\n"
        "        return T.Compose([T.RandomRotation(10), T.ToTensor()])",
        "a switch": TORCH
        + "def build(is_train):\n    if is_train:\n        t = None\n    else:\n        t = T.Compose([T.RandomCrop(9)])\n    return t",
        "a dataset": TORCH
        + "t = T.Compose([T.RandomHorizontalFlip(), T.ToTensor()])\nval_set = datasets.ImageFolder('val', transform=t)",
        "a dataset of one's own": TORCH + "class D:\n    def __init__(self, t): self.t = t\n"
        "t = T.Compose([T.RandomHorizontalFlip()])\nval_set = D(t)",
        "a function of one's own": TF
        + "import random\ndef flip(image):\n    if random.random() < 0.5:\n        image = image[:, ::-1]\n"
        "    return image\ng = ImageDataGenerator(preprocessing_function=flip)\nval = g.flow_from_directory('val')",
        "a function that calls one": TF + "def noise(x):\n    return x + np.random.normal(size=x.shape)\n"
        "def prepare(x):\n    return noise(x) / 255\ndef load(mode):\n    g = ImageDataGenerator(preprocessing_function=prepare)\n"
        "    if mode == 'val':\n        return g.flow_from_directory('a')",
        "mapped": TF + "def augment(x, y):\n    return tf.image.random_flip_left_right(x), y\n"
        "val_ds = tf.keras.utils.image_dataset_from_directory('val')\nval_ds = val_ds.map(augment).batch(9)",
        "given to fit": TF + "def augment(x, y):\n    return tf.image.random_crop(x, (9, 9, 3)), y\n"
        "model = tf.keras.Sequential([tf.keras.layers.Conv2D(9, 3)])\nmodel.fit(load('a'), validation_data=load('b').map(augment).batch(9))",
        "a lambda": TF + "test_ds = load('test').map(lambda x, y: (tf.image.random_brightness(x, 0.2), y))",
        "a part of a split": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9), T.ToTensor()]))\n"
        "train_set, val_set = torch.utils.data.random_split(d, [8, 2])\nloader = torch.utils.data.DataLoader(val_set)",
        "a subset": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9), T.ToTensor()]))\n"
        "test_set = torch.utils.data.Subset(d, indices)\nloader = torch.utils.data.DataLoader(test_set, batch_size=9)",
        "a split of a module": TORCH + "class M:\n    def setup(self):\n"
        "        d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9), T.ToTensor()]))\n"
        "        self.train_set, self.val_set = torch.utils.data.random_split(d, [8, 2])\n    def val_dataloader(self):\n"
        "        return torch.utils.data.DataLoader(self.val_set)",
        "a sampler": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9), T.ToTensor()]))\n"
        "valid_loader = torch.utils.data.DataLoader(d, sampler=sampler)",
        "blur": TORCH + "val_transform = T.Compose([T.GaussianBlur(3), T.ToTensor()])",
        "albumentations": "import albumentations as A\nval_transform = A.Compose([A.HorizontalFlip(), A.Normalize()])",
        "one of": "import albumentations as A\nval_transform = A.Compose([A.OneOf([A.Blur(), A.CLAHE()]), A.Normalize()])",
        "a generator": TF + "d = ImageDataGenerator(rotation_range=9)\nvalidation_generator = d.flow_from_directory('val')",
        "a subset of a generator": TF
        + "d = ImageDataGenerator(zoom_range=0.1, validation_split=0.2)\nx = d.flow_from_directory('a', subset='validation')",
    },
    "TARE005": {
        "one channel": TORCH + "import timm\nnet = timm.create_model('efficientnet_b4', pretrained=True, in_chans=1)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize([0.5], [0.5])])",
        "a first layer of another network": TORCH + "class Grey(torch.nn.Module):\n    def __init__(self):\n"
        "        self.net = models.resnet34()\n        self.net.conv1 = torch.nn.Conv2d(1, 64, 7)\n"
        f"net = models.resnet18(weights='DEFAULT')\nt = T.Compose([T.ToTensor(), {HALVES}])",
        "torchvision": TORCH + f"net = models.resnet50(pretrained=True)\nt = T.Compose([T.ToTensor(), {HALVES}])",
        "weights": TORCH
        + f"net = models.resnet50(weights=models.ResNet50_Weights.DEFAULT)\nt = T.Compose([T.ToTensor(), {HALVES}])",
        "clip": TORCH + f"import clip\nnet, _ = clip.load('ViT-B/32')\nt = T.Compose([T.ToTensor(), {IMAGENET}])",
        "open_clip": TORCH
        + "import open_clip\nnet, _, _ = open_clip.create_model_and_transforms('ViT-B-32', pretrained='openai')\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "by its name in a module": TORCH + f"name = 'resnet18'\nnet = models.__dict__[name](pretrained=True)\n"
        f"t = T.Compose([T.ToTensor(), {HALVES}])",
        "by its attribute": TORCH
        + f"net = getattr(models, 'resnet18')(pretrained=True)\nt = T.Compose([T.ToTensor(), {HALVES}])",
        "pretrainedmodels": TORCH + "import pretrainedmodels\nnet = pretrainedmodels.inceptionv4(pretrained='imagenet')\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "faces": TORCH + "from facenet_pytorch import InceptionResnetV1\nnet = InceptionResnetV1(pretrained='vggface2')\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "clip, whose own transform nobody uses": TORCH + "import clip\nnet, preprocess = clip.load('ViT-B/32')\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "a processor": PROCESSOR.format("google/vit-base-patch16-224", "facebook/dinov2-base"),
        "beside a processor that is only saved": TORCH
        + PROCESSOR.format(*["google/vit-base-patch16-224"] * 2).replace("p = ", "proc = ")
        + f"t = T.Compose([T.ToTensor(), {IMAGENET}])\nTrainer(net, processing_class=proc).train()",
        "a preset": "import timm\nnet = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)\n"
        "t = timm.data.create_transform(224)",
        "a preset with constants": "import timm\nfrom timm.data import create_transform\n"
        "net = timm.create_model('resnet50', pretrained=True)\nt = create_transform(224, mean=(0.5,) * 3, std=(0.5,) * 3)",
        "by hand": CALLED + "x = x / 127.5 - 1\nnet.eval().to('cpu')(x)",
        "a video": TORCH + "net = torchvision.models.video.r3d_18(weights='DEFAULT')\n"
        f"t = T.Compose([T.Lambda(lambda x: x / 255.0), {IMAGENET}])",
        "one number": TORCH
        + "net = models.resnet18(weights='DEFAULT')\nt = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])",
        "timm": TORCH + f"import timm\nnet = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "a hub": TORCH + "from transformers import ViTModel\nnet = ViTModel.from_pretrained('google/vit-base-patch16-224')\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "fastai": FASTAI.format(", batch_tfms=[*aug_transforms(), Normalize.from_stats([0.5] * 3, [0.5] * 3)]", "resnet34"),
        "fastai, by the name of its constants": FASTAI.format(
            ", batch_tfms=[Normalize.from_stats(*imagenet_stats)]", "'vit_base_patch16_224.augreg_in21k'"
        ),
        "a branch": TORCH + "def main(arch):\n    if arch == 'a':\n        net = models.resnet18(pretrained=True)\n    else:\n"
        f"        net = None\n    if arch in ('a', 'b'):\n        t = T.Compose([T.ToTensor(), {HALVES}])\n    else:\n"
        f"        t = T.Compose([T.ToTensor(), {IMAGENET}])",
    },
    "TARE004": {
        "torchvision": TORCH
        + "net = models.resnet18(pretrained=True)\ntrain = datasets.ImageFolder('a', T.Compose([T.Resize(9), T.ToTensor()]))",
        "fastai": FASTAI.format(", item_tfms=Resize(224)", "resnet34, normalize=False"),
        "fastai without its learner": FASTAI.replace("learn = vision_learner", "import timm\nlearn = Learner").format(
            "", "timm.create_model('resnet34', pretrained=True)"
        ),
        "a bare step": TORCH + "net = models.resnet18(pretrained=True)\ntrain = datasets.ImageFolder('a', T.ToTensor())",
        "a hub": TORCH + "net = torch.hub.load('facebookresearch/deit:main', 'deit_tiny_patch16_224', pretrained=True)\n"
        "t = T.Compose([T.Resize(9), T.ToTensor()])",
        "an encoder": TORCH
        + "import segmentation_models_pytorch as smp\nnet = smp.Unet('resnet34')\nt = T.Compose([T.ToTensor()])",
        "by hand": TORCH + BY_HAND.format("np.array(Image.open(p), dtype=np.float32).transpose(2, 0, 1) / 255.0"),
        "by a function": TORCH + BY_HAND.format("torchvision.transforms.functional.to_tensor(Image.open(p))"),
        "from arrays": TORCH
        + "net = models.resnet18(pretrained=True)\nt = T.Compose([T.ToPILImage(), T.Resize(9), T.ToTensor()])",
        "in place": TORCH + "import cv2\nimport numpy as np\nclass D(torch.utils.data.Dataset):\n    def __getitem__(self, i):\n"
        "        image = cv2.imread(self.files[i])[:, :, ::-1].astype(np.float32)\n        image /= 255\n"
        "        return torch.from_numpy(image.transpose(2, 0, 1))\nnet = models.vgg16(pretrained=True)\nd = D()",
        "of medicine": TORCH + BY_HAND.format("np.stack([pydicom.dcmread(p).pixel_array / 255.0] * 3)"),
    },
    "TARE101": {
        "a generator": TF + "net = VGG16(weights='imagenet')\ng = ImageDataGenerator(rescale=1. / 255)",
        "inside": TF
        + "net = tf.keras.applications.EfficientNetB0()\ndef load(image):\n    return tf.cast(image, tf.float32) / 255.0",
        "a layer": TF + "net = tf.keras.applications.MobileNetV2()\nx = tf.keras.layers.Rescaling(1 / 255)(inputs)",
        "signed for caffe": TF + "net = tf.keras.applications.ResNet50()\ndef load(image):\n    return image / 127.5 - 1",
        "another preprocess_input": TF + "net = tf.keras.applications.MobileNetV2()\n"
        "g = ImageDataGenerator(preprocessing_function=tf.keras.applications.vgg16.preprocess_input)",
        "for the model that was trained and loaded": TF + "net = MobileNetV2(weights='imagenet')\nnet.fit(x)\n"
        "def load(path):\n    return tf.keras.utils.img_to_array(tf.keras.utils.load_img(path)) / 255.0\n"
        "tf.keras.models.load_model('a.h5').predict(load(p))",
        "for a model that is called": TF + "net = tf.keras.Model(x, MobileNetV2(weights='imagenet')(x))\n"
        "def load(path):\n    return tf.keras.utils.img_to_array(tf.keras.utils.load_img(path)) / 255.0\nnet(load(p))",
        "a star import, in a function": TF + "def build():\n    return MobileNetV2(weights='imagenet')\n"
        "def data():\n    return ImageDataGenerator(rescale=1. / 255).flow_from_directory('a')\nbuild().fit(data())",
        "together": TF + "from tensorflow.keras.applications.vgg16 import preprocess_input\n"
        "g = ImageDataGenerator(rescale=1 / 255, preprocessing_function=preprocess_input)",
        "divided after": TF + "from tensorflow.keras.applications.vgg16 import preprocess_input\ny = preprocess_input(x) / 255",
        "as a type": TF
        + "def load(p):\n    return tf.image.convert_image_dtype(tf.io.decode_jpeg(tf.io.read_file(p)), tf.float32)\n"
        "net = MobileNetV2(weights='imagenet')\nnet.fit(tf.data.Dataset.list_files('a').map(load))",
        "beside another scaling": TF + "from tensorflow.keras.applications.inception_v3 import preprocess_input\n"
        "base = InceptionV3(weights='imagenet', include_top=False)\nmodel = tf.keras.Model(base.input, base.output)\n"
        "model.fit(ImageDataGenerator(rescale=1. / 255).flow_from_directory('a'))\nmodel.predict(preprocess_input(x))",
        "a map beside another scaling": TF + "from tensorflow.keras.applications.inception_v3 import preprocess_input\n"
        "base = InceptionV3(weights='imagenet', include_top=False)\nmodel = tf.keras.Sequential()\nmodel.add(base)\n"
        "ds = tf.keras.utils.image_dataset_from_directory('a').map(lambda x, y: (x / 255., y)).prefetch(1)\n"
        "model.fit(ds)\nmodel.predict(preprocess_input(x))",
        "the last import": "from keras.applications.vgg16 import VGG16, preprocess_input\n"
        "from keras.applications.inception_v3 import InceptionV3, preprocess_input\n"
        "model = VGG16(weights='imagenet')\nmodel.predict(preprocess_input(x))",
        "another name": "from keras.applications.mobilenet_v2 import preprocess_input as prepare\n"
        "from keras.applications import ResNet50\nmodel = ResNet50(weights='imagenet')\nmodel.predict(prepare(x))",
        "as read": TF + "base = VGG16(weights='imagenet', include_top=False)\nmodel = tf.keras.Sequential([base])\n"
        "model.fit(ImageDataGenerator(horizontal_flip=True).flow_from_directory('a'))",
        "as a dataset reads": TF
        + "base = MobileNetV2(weights='imagenet', include_top=False)\nmodel = tf.keras.Sequential([base])\n"
        "model.fit(tf.keras.utils.image_dataset_from_directory('a').cache())",
        "as OpenCV reads": TF + "import cv2, numpy as np\nclass G(tf.keras.utils.Sequence):\n    def __getitem__(self, i):\n"
        "        return np.stack([cv2.resize(cv2.imread(p), (9, 9)) for p in self.files[i]])\n"
        "model = ResNet50(weights='imagenet')\nmodel.fit(G())",
        "divided before": TF + "from tensorflow.keras.applications.vgg16 import preprocess_input\ny = preprocess_input(x / 255.)",
    },
    "TARE011": {
        "a point": TF + "g = ImageDataGenerator(rescale = 1/.255)",
        "a digit": TF + "g = ImageDataGenerator(rescale=1. / 225)",
    },
    "TARE102": {
        "imread": "import cv2\ngrey = cv2.cvtColor(cv2.imread(p), cv2.COLOR_RGB2GRAY)",
        "of a camera": "import cv2\ncap = cv2.VideoCapture(0)\nok, frame = cap.read()\ngrey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)",
        "after a crop": "import cv2\ndef f(image):\n    return cv2.cvtColor(image, cv2.COLOR_RGB2HSV)\nf(cv2.resize(cv2.imread(p)[1:, 2:], (9, 9)))",
    },
    "TARE008": {
        "by hand": BLUE + "x = (x / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])",
        "by hand, into a network": BLUE
        + "x = x / 255\nx = (x - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])\nnet(x)",
        "albumentations": "import cv2\nimport albumentations as A\nt = A.Compose([A.Resize(9, 9), A.Normalize()])\n"
        "image = cv2.imread(p)\nx = t(image=image)['image']",
        "by way of Pillow": TORCH + f"import cv2\nfrom PIL import Image\nt = T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "x = t(Image.fromarray(cv2.resize(cv2.imread(p), (9, 9))))",
        "a dataset": TORCH + "import cv2\nclass D:\n    def __init__(self, t): self.t = t\n    def __getitem__(self, i):\n"
        f"        return self.t(cv2.imread(self.paths[i]))\nd = D(T.Compose([T.ToTensor(), {IMAGENET}]))",
    },
    "TARE103": {
        "positional": "import cv2\nx = cv2.imread(p, cv2.COLOR_BGR2RGB)",
        "keyword": "from cv2 import imread, COLOR_BGR2GRAY\nx = imread(p, flags=COLOR_BGR2GRAY)",
    },
    "TARE104": {"a text": TORCH + "d = datasets.ImageFolder('a', transform=t['train'] if train else 'test')"},
    "TARE002": {
        "by hand": CALLED + "x = x / 255\nx = x / 255.0",
        "after a resize that scales": TORCH + "import skimage.transform\nfrom PIL import Image\nimport numpy as np\n"
        "x = skimage.transform.resize(np.array(Image.open(p)), (9, 9)) / 255",
        "before Albumentations": "import albumentations as A, cv2\nt = A.Compose([A.Resize(9, 9), A.Normalize()])\n"
        "x = t(image=cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB) / 255.0)['image']",
        "before a processor": PROCESSOR.format(*["facebook/dinov2-base"] * 2)
        + "import numpy as np\nfrom PIL import Image\ny = p(np.array(Image.open(a)) / 255.0, return_tensors='pt')",
        "a step": TORCH + "def load(path):\n    return T.ToTensor()(path) / 255",
        "a pipeline": TORCH + "t = T.Compose([T.Resize(9), T.ToTensor()])\ny = t(x) / 255.0",
        "a layer and a map": TF
        + "ds = tf.keras.utils.image_dataset_from_directory('a')\nds = ds.map(lambda x, y: (x / 255., y))\n"
        "model = tf.keras.Sequential([tf.keras.layers.Rescaling(1. / 255), tf.keras.layers.Conv2D(9, 3)])\nmodel.fit(ds)",
        "a layer and a generator": TF + "g = ImageDataGenerator(rescale=1. / 255)\nmodel = tf.keras.Sequential()\n"
        "model.add(tf.keras.layers.Rescaling(1. / 255))\nmodel.fit(g.flow_from_directory('a'))",
        "a loader": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.ToTensor()]))\n"
        "for images, labels in torch.utils.data.DataLoader(d):\n    images = images / 255",
    },
    "TARE001": {
        "a type without a scale": TORCH + "from torchvision.transforms import v2\n"
        "t = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32), v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])",
        "a dataset of tensors": TORCH
        + "from torchvision.io import read_image\nclass D:\n    def __init__(self, transform=None):\n"
        "        self.transform = transform\n    def __getitem__(self, i):\n        x = read_image(self.paths[i]).float()\n"
        f"        if self.transform:\n            x = self.transform(x)\n        return x\nd = D(T.Compose([T.Resize(9), {IMAGENET}]))",
        "fed as read": CALLED + "net(x)",
        "by hand": CALLED + "x = (x - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])",
        "a function": CALLED + "import torchvision.transforms.functional as F\n"
        "x = F.normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])",
        "a step": CALLED + f"x = {IMAGENET}(x)",
    },
    "TARE042": {"the means of Caffe": CALLED + "x = x - torch.tensor([103.939, 116.779, 123.68])\nnet(x)"},
    "TARE107": {"ImageNet and CIFAR-10": TORCH + "T.Normalize([0.485, 0.456, 0.406], [0.2023, 0.1994, 0.2010])"},
    "TARE105": {
        "never fitted": TF + "g = ImageDataGenerator(featurewise_center=True)\nmodel.fit(g.flow_from_directory('a'))",
        "rescaled after": TF + "g = ImageDataGenerator(rescale=1 / 255, featurewise_center=True)\ng.fit(np.load('a.npy'))\n"
        "model.fit(g.flow(x))",
    },
    "TARE050": {
        "a function with a switch": TORCH + "def get(train):\n    if train:\n"
        f"        return T.Compose([T.ToTensor(), {HALVES}])\n    return T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "train_set = datasets.ImageFolder('a', transform=get(True))\ntest_set = datasets.ImageFolder('b', transform=get(False))",
        "one file": TORCH
        + f"train_transform = T.Compose([T.ToTensor(), {IMAGENET}])\nval_transform = T.Compose([T.ToTensor(), {HALVES}])",
        "a bare step": TORCH + f"train = datasets.ImageFolder('train', transform=T.Compose([T.ToTensor(), {IMAGENET}]))\n"
        "test = datasets.ImageFolder('test', transform=T.ToTensor())",
        "a pipeline without Normalize": TORCH + f"train_tf = T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "test_tf = T.Compose([T.Resize(9), T.ToTensor()])",
        "keys": TORCH + f"t = {{'train': T.Compose([T.ToTensor(), {IMAGENET}]), 'val': T.Compose([T.ToTensor()])}}",
        "datasets of one's own": TORCH + "class D:\n    def __init__(self, t): self.t = t\n"
        f"train_set = D(T.Compose([T.ToTensor(), {IMAGENET}]))\ntest_set = D(T.ToTensor())",
    },
    "TARE009": {
        "lists": TORCH + "means, stds = [], []\nfor path in images:\n    image = np.array(Image.open(path))\n"
        "    means.append(image.mean((0, 1)))\n    stds.append(image.std((0, 1)))\nstd = np.mean(stds, axis=0)",
        "a loop": TORCH
        + "mean = 0.\nstd = 0.\nfor images, _ in loader:\n    mean += images.mean(2).sum(0)\n    std += images.std(2).sum(0)\n"
        "mean /= n\nstd /= n",
    },
    "TARE106": {
        "a Normalize that is to undo": TORCH + f"t = T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "u = T.Normalize([-0.485, -0.456, -0.406], [1 / 0.229, 1 / 0.224, 1 / 0.225])",
        "a picture": TORCH + f"t = T.Compose([T.ToTensor(), {HALVES}])\nimport numpy as np\n"
        "shown = x * np.array([0.229, 0.224, 0.225]) + np.array([0.485, 0.456, 0.406])",
    },
    "TARE044": {
        "in a Normalize": TORCH
        + "def stats(x):\n    return x.mean((0, 2, 3)), x.var((0, 2, 3))\nm, v = stats(torch.load('a'))\nt = T.Normalize(m, v)",
        "of the library": TORCH
        + "def stats(images):\n    mean = images.mean((0, 2, 3))\n    std = images.var((0, 2, 3))\n    return mean, std",
        "a sum": TORCH
        + "def stats(loader):\n    std = 0\n    for x in loader:\n        std += x.var(2).sum(0)\n    return std / len(loader)",
        "no root": TORCH + "def stats(loader):\n    mean = total / n\n    std = (sqr / n) - mean ** 2\n    return mean, std",
    },
    "TARE060": {
        "each its own": "def load():\n    # mean=\n    x_train = (x_train - x_train.mean()) / x_train.std()\n"
        "    x_test = (x_test - np.mean(x_test)) / (np.std(x_test) + 1e-7)\n    return x_train, x_test",
        "before the split": "X = StandardScaler().fit_transform(X)\na, b, c, d = train_test_split(X, y)",
        "before the split, by name": "scaler = MinMaxScaler()\nscaled = scaler.fit_transform(df[columns])\na, b = train_test_split(scaled)",
        "twice": "scaler = StandardScaler()\na = scaler.fit_transform(X_train)\nb = scaler.fit_transform(X_test)",
    },
}

#: What looks like the mistake of a code and is right, or cannot be told.
RIGHT: dict[str, dict[str, str]] = {
    "TARE001": {
        "a type with a scale": TORCH + "from torchvision.transforms import v2\n"
        "t = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.485] * 3, [0.229] * 3)])",
        "constants for 0..255": TORCH + "from torchvision.transforms import v2\n"
        "t = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32), v2.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])",
        "a dataset that divides": TORCH + "from torchvision.io import read_image\nclass D:\n    def __init__(self, transform):\n"
        "        self.transform = transform\n    def __getitem__(self, i):\n        return self.transform(read_image(self.paths[i]) / 255)\n"
        f"d = D(T.Compose([T.Resize(9), {IMAGENET}]))",
        "a reader that is not known": CALLED + "net(load(p))",
        "values that may be scaled": CALLED + "if x.max() > 1:\n    x = x / 255\nnet(x)",
        "a first layer of one's own": CALLED + "net.conv1 = torch.nn.Conv2d(3, 64, 7)\nnet(x)",
        "random weights": CALLED.replace("weights='DEFAULT'", "") + "net(x)",
        "16 bits": CALLED + "import cv2\nx = cv2.imread(p, cv2.IMREAD_UNCHANGED)\nnet(x)",
    },
    "TARE042": {"caffe's own network": CALLED + "y = x - torch.tensor([103.939, 116.779, 123.68])"},
    "TARE107": {
        "CIFAR-10 with a std of images": TORCH + "T.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])",
        "no mean": TORCH + "T.Normalize([0.0] * 3, [0.229, 0.224, 0.225])",
        "one's own std": TORCH + "T.Normalize([0.485, 0.456, 0.406], [0.3, 0.31, 0.32])",
    },
    "TARE100": {
        "of grey images": TORCH + "T.Normalize((0.1307,), (0.3081,))",
        "of grey images of one's own": TORCH + "T.Normalize((0.1307,), (0.35,))",
        "right": TORCH + IMAGENET,
        "rounded": TORCH + "T.Normalize([0.48, 0.45, 0.40], [0.23, 0.22, 0.22])",
        "published with another digit": TORCH + "T.Normalize([0.420, 0.411, 0.296], [0.213, 0.156, 0.143])",
        "another dataset": TORCH + "T.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])",
        "two differ": TORCH + "T.Normalize([0.485, 0.456, 0.406], [0.229, 0.244, 0.255])",
        "a comment": TORCH + "# T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])",
        "a text": TORCH + "note = 'T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])'",
        "other numbers": TORCH + "steps = [0.229, 0.224, 0.255]",
    },
    "TARE006": {
        "undone": TORCH + "T.Normalize([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], [1 / 0.229, 1 / 0.224, 1 / 0.225])"
    },
    "TARE007": {"halves": TORCH + HALVES, "mnist": TORCH + "T.Normalize((0.1307,), (0.3081,))"},
    "TARE020": {
        "right": TORCH + f"T.Compose([T.ToTensor(), {IMAGENET}])",
        "one's own step first": TORCH + f"T.Compose([mine(), {IMAGENET}, T.ToTensor()])",
        "one's own Normalize": TORCH + "from mine import Normalize\nT.Compose([Normalize([0.5], [0.5]), T.ToTensor()])",
    },
    "TARE022": {"before": TORCH + f"T.Compose([T.ColorJitter(0.4), T.ToTensor(), {IMAGENET}])"},
    "TARE003": {
        "undone first": TORCH
        + f"T.Compose([T.Normalize([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], [1 / 0.229, 1 / 0.224, 1 / 0.225]), {HALVES}])",
        "one of two branches": TORCH + f"n = {IMAGENET} if a else {HALVES}\nT.Compose([T.ToTensor(), n])",
    },
    "TARE016": {
        "max_pixel_value 1": "import albumentations as A\n"
        "t = A.Compose([A.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375], max_pixel_value=1.0)])",
        "not scaled": TORCH + "T.Compose([T.PILToTensor(), T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])",
        "digital numbers": TORCH + "T.Compose([T.ToTensor(), T.Normalize([775.0, 1081.0, 1229.0], [1282.0, 1270.0, 1399.0])])",
        "one's own step": TORCH
        + "T.Compose([T.ToTensor(), mine, T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])",
    },
    "TARE024": {
        "a function for training": TF
        + "import random\ndef flip(image):\n    if random.random() < 0.5:\n        image = image[:, ::-1]\n"
        "    return image\ng = ImageDataGenerator(preprocessing_function=flip)\ntrain = g.flow_from_directory('a')",
        "a function with a switch": TF
        + "TRAIN = flag()\ndef prepare(x):\n    if TRAIN:\n        x = tf.image.random_flip_left_right(x)\n"
        "    return x\nval_ds = load('val').map(prepare)",
        "a function that is never called": TF
        + "import random\ndef prepare(x):\n    def flip(x):\n        return random.random()\n"
        "    return x\nval_ds = load('val').map(prepare)",
        "a seed": TF
        + "def prepare(x):\n    return tf.image.stateless_random_flip_left_right(x, seed=(1, 2))\nval_ds = load('val').map(prepare)",
        "a map that is averaged over": TF
        + "# test-time augmentation\ndef augment(x):\n    return tf.image.random_flip_left_right(x)\n"
        "test_ds = load('test').map(augment)",
        "a map for training": TF
        + "def augment(x):\n    return tf.image.random_flip_left_right(x)\nval_ds, rest = split(load('a'))\n"
        "train_ds = rest.map(augment)\nmodel.fit(train_ds, validation_data=val_ds)",
        "mapped over both": TF
        + "def augment(x):\n    return tf.image.random_flip_left_right(x)\ntrain_ds = load('train').map(augment)\n"
        "val_ds = load('val').map(lambda x: x / 255)",
        "a dataset for training, in a program that evaluates": TORCH + "def build(train):\n    if train:\n"
        "        return T.Compose([T.RandomCrop(9), T.ToTensor()])\n    return T.Compose([T.ToTensor()])\ndef make(root, train):\n"
        "    return datasets.ImageFolder(root, transform=build(train))\ndef loaders():\n    train_dataset = make('a', train=True)\n"
        "    test_dataset = make('b', train=False)\n    return train_dataset, test_dataset\ndef evaluate():\n    return loaders()\n"
        "if args.mode == 'evaluate':\n    evaluate()",
        "a switch turned round": TORCH + "def get_train_transforms():\n    return T.Compose([T.RandomCrop(224), T.ToTensor()])\n"
        "def run(skip_training=False):\n    if not skip_training:\n        d = datasets.ImageFolder('a', transform=get_train_transforms())",
        "named by nothing": TORCH + "def get_train(n):\n    return T.Compose([T.RandomCrop(n), T.ToTensor()])\n"
        "def get_inference():\n    return T.Compose([T.RandomCrop(224), T.ToTensor()])\nx = get_train(9)",
        "training": TORCH + "train_transform = T.Compose([T.RandomResizedCrop(224)])",
        "certain": TORCH
        + "val_transform = T.Compose([T.RandomHorizontalFlip(p=1.0), T.RandomRotation((90, 90)), T.CenterCrop(9)])",
        "never": "import albumentations as A\nval_transform = A.Compose([A.HorizontalFlip(p=0)])",
        "test-time augmentation": TORCH + "tta_test_transform = T.Compose([T.RandomHorizontalFlip()])",
        "both": TORCH
        + "def build(is_train):\n    ops = [T.RandomHorizontalFlip()] if is_train else []\n    t = T.Compose(ops)\nval_transform = None",
        "rest after return": TORCH
        + "def build(train=True):\n    if not train:\n        return None\n    return T.Compose([T.RandomCrop(9)])\n"
        "def test():\n    build()",
        "unknown options": TORCH + "def fit(transforms, test_transforms=None):\n    if test_transforms is None:\n"
        "        test_transforms = transforms\n    test_dataset = datasets.ImageFolder('a', transform=test_transforms)\n"
        "options = {'transforms': T.Compose([T.RandomCrop(9)]), 'test_transforms': T.Compose([T.CenterCrop(9)])}\nfit(**options)",
        "a list named for training": TORCH + "def create_ovo_transforms():\n    train_transforms = [T.RandomRotation(9)]\n"
        "    val_transforms = [T.ToTensor()]\n    return T.Compose(train_transforms), T.Compose(val_transforms)",
        "a list of a branch, named for training": TORCH + "def create(size, grey):\n    first = [T.Resize(size)]\n    if grey:\n"
        "        first.append(T.Grayscale())\n    train_transforms = first + [T.RandomRotation(9)]\n    val_transforms = first + [T.ToTensor()]\n"
        "    return T.Compose(train_transforms), T.Compose(val_transforms)\ndef evaluate():\n    return create(9, x)",
        "a part that gets its own later": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9)]))\n"
        "train_set, val_set = torch.utils.data.random_split(d, [8, 2])\nval_set.dataset.transform = T.CenterCrop(9)",
        "a part whose places another dataset takes": TORCH
        + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9)]))\n"
        "train_set, val_tmp = torch.utils.data.random_split(d, [8, 2])\n"
        "val_set = torch.utils.data.Subset(datasets.ImageFolder('a', transform=T.Compose([T.ToTensor()])), val_tmp.indices)\n"
        "loader = torch.utils.data.DataLoader(val_set)",
        "a part that nothing loads": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9)]))\n"
        "train_set, val_set = torch.utils.data.random_split(d, [8, 2])\nloader = torch.utils.data.DataLoader(train_set)",
        "a part for training": TORCH + "d = datasets.ImageFolder('a', transform=T.Compose([T.RandomCrop(9)]))\n"
        "train_set, rest = torch.utils.data.random_split(d, [8, 2])",
        "averaged on purpose": TORCH + "CFG = {'tta': 7}\nval_transform = T.Compose([T.RandomResizedCrop(9)])",
        "a generator without chance": TF + "d = ImageDataGenerator(rescale=1 / 255)\nval_gen = d.flow_from_directory('val')",
        "two generators": TF + "d = ImageDataGenerator(rotation_range=9)\ntrain_gen = d.flow_from_directory('train')",
    },
    "TARE005": {
        "one channel": TORCH + "import timm\nnet = timm.create_model('efficientnet_b4', pretrained=True, in_chans=1)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize([0.449], [0.226])])",
        "four channels": TORCH + "import timm\nnet = timm.create_model('efficientnet_b4', pretrained=True, in_chans=4)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize([0.5] * 4, [0.5] * 4)])",
        "a first layer in a class": TORCH + "class Net(torch.nn.Module):\n    def __init__(self):\n"
        "        self.net = models.resnet18(weights='DEFAULT')\n        self.net.conv1 = torch.nn.Conv2d(1, 64, 7)\n"
        "Net()\nt = T.Compose([T.ToTensor(), T.Normalize([0.5], [0.5])])",
        "a first layer of one's own": TORCH + "net = models.resnet18(weights='DEFAULT')\nnet.conv1 = torch.nn.Conv2d(1, 64, 7)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize([0.5], [0.5])])",
        "right": TORCH + f"net = models.resnet50(pretrained=True)\nt = T.Compose([T.ToTensor(), {IMAGENET}])",
        "fastai": FASTAI.format(", batch_tfms=[*aug_transforms(), Normalize.from_stats(*imagenet_stats)]", "resnet34"),
        "fastai's learner": FASTAI.format("", "resnet34"),
        "fastai, of one's own data": FASTAI.format(", batch_tfms=[Normalize.from_stats(*cifar_stats)]", "resnet34"),
        "from scratch": TORCH + f"net = models.resnet50()\nt = T.Compose([T.ToTensor(), {HALVES}])",
        "another version": TORCH + f"net = models.efficientnet_v2_l(weights='DEFAULT')\nt = T.Compose([T.ToTensor(), {HALVES}])",
        "its own data": TORCH + "net = models.resnet50(pretrained=True)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))])",
        "the transform that comes with a network": TORCH + "import clip\nnet, preprocess = clip.load('ViT-B/32')\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])\nd = D(preprocess)",
        "the processor of another network of the program": PROCESSOR.format("google/vit-base-patch16-224", "facebook/dinov2-base")
        + "other = AutoModel.from_pretrained('google/vit-base-patch16-224')",
        "two processors": PROCESSOR.format("google/vit-base-patch16-224", "facebook/dinov2-base")
        + "right = AutoImageProcessor.from_pretrained('facebook/dinov2-base')",
        "a processor that is told constants": PROCESSOR.format("google/vit-base-patch16-224", "facebook/dinov2-base").replace(
            "-224')", "-224', image_mean=mean, image_std=std)", 1
        ),
        "a processor with the same constants": PROCESSOR.format("microsoft/resnet-50", "facebook/dinov2-base"),
        "a processor whose constants are read": PROCESSOR.format("google/vit-base-patch16-224", "google/vit-base-patch16-224")
        + f"from torchvision import transforms as T\nt = T.Compose([T.ToTensor(), T.Normalize(p.image_mean, p.image_std)])\nu = T.Compose([T.ToTensor(), {IMAGENET}])",
        "a preset with the network's own": "import timm\nnet = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)\n"
        "t = timm.data.create_transform(**timm.data.resolve_model_data_config(net))",
        "a preset that is told": "import timm\nnet = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)\n"
        "t = timm.data.create_transform(224, mean=[0.5] * 3, std=[0.5] * 3)",
        "by hand": CALLED + "x = (x / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])\nnet(x)",
        "by hand, a dataset's own": CALLED + "x = (x / 255 - np.array([0.3, 0.4, 0.5])) / np.array([0.2, 0.2, 0.2])\nnet(x)",
        "by hand, weights of one's own": CALLED + "net.load_state_dict(torch.load('a.pt'))\nx = x / 127.5 - 1\nnet(x)",
        "from the network": TORCH + "import timm\nnet = timm.create_model('vit_base_patch16_224', pretrained=True)\n"
        f"c = timm.data.resolve_data_config({{}}, model=net)\nt = T.Compose([T.ToTensor(), T.Normalize(c['mean'], c['std'])])\nu = T.Compose([T.ToTensor(), {IMAGENET}])",
        "a branch of its own": TORCH
        + "def main(arch):\n    if arch == 'a':\n        net = models.resnet18(pretrained=True)\n    if arch == 'b':\n"
        f"        t = T.Compose([T.ToTensor(), {HALVES}])\n    else:\n        t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "in and else": TORCH + "from transformers import ViTModel\ndef main(kind):\n    if kind == 'b':\n"
        "        net = ViTModel.from_pretrained('google/vit-base-patch16-224')\n    else:\n        net = models.resnet50(weights='DEFAULT')\n"
        f"    if kind in ['a', 'b']:\n        t = T.Compose([T.ToTensor(), {HALVES}])\n    else:\n        t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "a checkpoint of its own": TORCH + f"net = models.resnet50(pretrained=True)\nnet.load_state_dict(torch.load('a.pt'))\n"
        f"t = T.Compose([T.ToTensor(), {HALVES}])",
        "networks beside each other": TORCH + "from transformers import ViTModel\n"
        "nets = {'a': models.resnet50(pretrained=True), 'b': ViTModel.from_pretrained('google/vit-base-patch16-224')}\n"
        f"t = T.Compose([T.ToTensor(), {IMAGENET}])",
        "a default that nobody uses": TORCH + "class Data:\n    def __init__(self, mean=[0.5] * 3, std=[0.5] * 3):\n"
        "        self.t = T.Compose([T.ToTensor(), T.Normalize(mean, std)])\nclass Net:\n    def __init__(self):\n"
        "        self.net = models.resnet50(pretrained=True)",
        "maybe pretrained": TORCH
        + f"def f(flag):\n    net = models.resnet50(pretrained=flag)\n    t = T.Compose([T.ToTensor(), {HALVES}])",
    },
    "TARE004": {
        "normalised later": TORCH + "net = models.resnet18(pretrained=True)\nt = T.Compose([T.ToTensor()])\ny = normalize(t(x))",
        "from scratch": TORCH + "net = models.resnet18()\nt = T.Compose([T.ToTensor()])",
        "by hand, and normalised": TORCH + BY_HAND.format("(np.array(Image.open(p), np.float32) / 255 - MEAN) / STD"),
        "by hand, and normalised elsewhere": TORCH
        + BY_HAND.format("np.array(Image.open(p), np.float32) / 255").replace(
            "    net(x)\n", "    net((x - mean[:, None]) / std[:, None])\n"
        ),
        "a mask by hand": TORCH + BY_HAND.format("None\n        mask = np.array(Image.open(p)) / 255"),
        "an encoder from scratch": TORCH + "import segmentation_models_pytorch as smp\n"
        "net = smp.Unet('resnet34', encoder_weights=None)\nt = T.Compose([T.ToTensor()])",
        "a hub without weights": TORCH + "net = torch.hub.load('facebookresearch/deit:main', 'deit_tiny_patch16_224')\n"
        "t = T.Compose([T.Resize(9), T.ToTensor()])",
        "trained with values of 0..1": TORCH
        + "import timm\nnet = timm.create_model('mobilevitv2_050', pretrained=True)\nt = T.Compose([T.ToTensor()])",
        "a detector": TORCH + "net = models.detection.fasterrcnn_resnet50_fpn(pretrained=True)\nt = T.Compose([T.ToTensor()])",
    },
    "TARE101": {
        "scaled back": TF + "import numpy as np\nnet = ConvNeXtTiny(weights='imagenet')\ndef jitter(images):\n"
        "    x = np.clip(images / 255.0, 0.0, 1.0).astype('float32')\n    x = tf.image.random_hue(x, 0.05).numpy()\n"
        "    return np.clip(x * 255.0, 0.0, 255.0)\nnet.predict(jitter(images))",
        "a class that nothing names": TF + "class ZeroOne:\n    def preprocess(self, image):\n        return image / 255.0\n"
        "class Other:\n    def preprocess(self, image):\n        return image\n"
        "model = VGG16(weights='imagenet')\nmodel.predict(Other().preprocess(x))",
        "right": TF + "net = tf.keras.applications.MobileNetV2()\ndef load(image):\n    return image / 127.5 - 1",
        "its own": TF
        + "net = VGG16()\ng = ImageDataGenerator(preprocessing_function=tf.keras.applications.vgg16.preprocess_input)",
        "raw for one that scales itself": TF + "net = tf.keras.applications.EfficientNetB0()\ng = ImageDataGenerator()",
        "from scratch": TF + "net = tf.keras.applications.VGG16(weights=None)\ng = ImageDataGenerator(rescale=1 / 255)",
        "without its preprocessing": TF
        + "net = tf.keras.applications.MobileNetV3Small(include_preprocessing=False)\nx = image / 127.5 - 1",
        "as read, for one that scales itself": TF + "base = EfficientNetB0(include_top=False)\n"
        "model = tf.keras.Sequential([base])\nmodel.fit(tf.keras.utils.image_dataset_from_directory('a'))",
        "as read, and scaled in the model": TF + "base = MobileNetV2(include_top=False)\n"
        "model = tf.keras.Sequential([tf.keras.layers.Rescaling(1 / 127.5, -1), base])\n"
        "model.fit(tf.keras.utils.image_dataset_from_directory('a'))",
        "brought back in the model": TF + "from tensorflow.keras.applications.vgg16 import preprocess_input\n"
        "x = tf.keras.Input((9, 9, 3))\nmodel = tf.keras.Model(x, VGG16(include_top=False)(preprocess_input(x * 255)))\n"
        "model.fit(ImageDataGenerator(rescale=1. / 255).flow_from_directory('a'))",
        "where the other way failed": TF
        + "from tensorflow.keras.applications.vgg16 import preprocess_input\ndef load(x):\n    try:\n"
        "        x = preprocess_input(x)\n    except ValueError:\n        x = x / 255.0\n    return x",
        "for models that were loaded": TF + "net = MobileNetV2(weights='imagenet')\nown = tf.keras.models.load_model('a.h5')\n"
        "def load(path):\n    return tf.keras.utils.img_to_array(tf.keras.utils.load_img(path)) / 255.0\n"
        "def main():\n    own.predict(load(p))\nload(q)\nnet.predict(other)",
        "another model": TF
        + "from tensorflow.keras.applications.vgg16 import preprocess_input\nbase = VGG16(include_top=False)\n"
        "own = tf.keras.Sequential([tf.keras.layers.Dense(2)])\n"
        "own.fit(ImageDataGenerator(rescale=1. / 255).flow_from_directory('a'))\nbase.predict(preprocess_input(x))",
        "a mask": TF + "net = VGG16()\ndef load(mask):\n    return mask / 255",
        "for the screen": TF + "import matplotlib.pyplot as plt\nnet = VGG16()\nplt.imshow(image / 255)",
        "normalised after": TF + "net = VGG16()\nx = (image / 255 - mean) / std",
        "channel by channel": TF
        + "net = VGG16()\ndef prepare(x):\n    x /= 255.\n    x[..., 0] -= mean[0]\n    x[..., 0] /= std[0]\n    return x",
        "kept on disk": TF + "net = VGG16()\ndef enhance_and_save(image):\n    write(image)\n    return image / 255.0",
        "a reduction": TF + "import numpy as np\nnet = VGG16()\ndef light(image):\n    return np.mean(image) / 255.0",
        "guarded": TF
        + "net = VGG16()\ndef load(image):\n    if image.max() > 1.0:\n        image = image / 255.0\n    return image",
        "looked up by the same key": TF + "from tensorflow.keras.applications.densenet import preprocess_input as d\n"
        "P, N = {'a': d}, {'a': DenseNet121, 'b': EfficientNetB0}\ndef build(arch):\n    f = P.get(arch)\n    x = f(inputs) if f else inputs\n"
        "    return N[arch](weights='imagenet')(x)",
        "one's own preprocess_input": TF + "def preprocess_input(x):\n    return x\ny = preprocess_input(x / 255)",
        "torchvision's EfficientNet": TORCH
        + f"net = models.efficientnet_b0(weights='DEFAULT')\nt = T.Compose([T.ToTensor(), {IMAGENET}])",
    },
    "TARE011": {
        "right": TF + "g = ImageDataGenerator(rescale=1. / 255)",
        "a near one": TF + "g = ImageDataGenerator(rescale=1 / 256)",
        "none": TF + "g = ImageDataGenerator(rescale=1)",
        "signed": TF + "g = ImageDataGenerator(rescale=1 / 127.5)",
    },
    "TARE102": {
        "right": "import cv2\ngrey = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2GRAY)",
        "converted": "import cv2\nx = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB)\ny = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)",
        "unknown": "import cv2\ndef f(image):\n    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)",
        "the same exchange": "import cv2\nx = cv2.cvtColor(cv2.imread(p), cv2.COLOR_RGB2BGR)",
        "alpha alone": "import cv2\nx = cv2.cvtColor(cv2.imread(p), cv2.COLOR_RGB2RGBA)",
        "packed": "import cv2\nx = cv2.cvtColor(cv2.imread(p), cv2.COLOR_RGB2BGR565)",
        **{
            f"after {turned}": f"import cv2, numpy as np\nx = cv2.imread(p)\nx = {turned}\ny = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)"
            for turned in TURNED
        },
    },
    "TARE008": {
        "converted": "import cv2\nimport albumentations as A\nt = A.Compose([A.Normalize()])\n"
        "image = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB)\nx = t(image=image)['image']",
        "reversed": "import cv2\nimport albumentations as A\nt = A.Compose([A.Normalize()])\nx = t(image=cv2.imread(p)[:, :, ::-1])",
        **{
            f"after {turned}": f"import cv2, numpy as np\nimport albumentations as A\nt = A.Compose([A.Normalize()])\nx = cv2.imread(p)\nx = {turned}\ny = t(image=x)"
            for turned in TURNED
        },
        **{
            f"by hand after {turned}": TORCH
            + f"import cv2, numpy as np\nx = cv2.imread(p)\nx = torch.from_numpy(({turned}) / 255)\nx = (x - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])"
            for turned in TURNED
        },
        "one branch converts": "import cv2\nimport albumentations as A\nt = A.Compose([A.Normalize()])\nimage = cv2.imread(p)\n"
        "if rgb:\n    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)\nx = t(image=image)",
        "the same for all channels": TORCH + f"import cv2\nt = T.Compose([T.ToTensor(), {HALVES}])\nx = t(cv2.imread(p))",
        "a step of one's own": TORCH
        + f"import cv2\nt = T.Compose([T.Lambda(swap), T.ToTensor(), {IMAGENET}])\nx = t(cv2.imread(p))",
        "grey": TORCH + f"import cv2\nt = T.Compose([T.ToTensor(), {IMAGENET}])\nx = t(cv2.imread(p, 0))",
    },
    "TARE103": {"right": "import cv2\nx = cv2.imread(p, cv2.IMREAD_GRAYSCALE)", "unknown": "import cv2\nx = cv2.imread(p, flag)"},
    "TARE104": {"a transform": TORCH + "d = datasets.ImageFolder('a', transform=t['train' if train else 'test'])"},
    "TARE002": {
        "scaled once": TORCH + "y = T.PILToTensor()(x) / 255",
        "guarded": TORCH + "x = T.ToTensor()(y)\nif x.max() > 1:\n    x = x / 255",
        "a layer, and a map for people": TF + "ds = tf.keras.utils.image_dataset_from_directory('a')\n"
        "shown = ds.map(lambda x, y: (x / 255., y))\n"
        "model = tf.keras.Sequential([tf.keras.layers.Rescaling(1. / 255), tf.keras.layers.Conv2D(9, 3)])\nmodel.fit(ds)",
        "one's own": TORCH + "t = T.Compose([T.ToTensor(), lambda x: x * 255])\ny = t(x) / 255",
    },
    "TARE105": {
        "fitted": TF + "g = ImageDataGenerator(featurewise_center=True)\ng.fit(x)\nmodel.fit(g.flow(x))",
        "off": TF + "g = ImageDataGenerator(featurewise_center=False)\nmodel.fit(g.flow(x))",
        "of each image": TF + "g = ImageDataGenerator(samplewise_center=True)\nmodel.fit(g.flow(x))",
        "fitted by a function": TF + "g = ImageDataGenerator(featurewise_center=True)\ndef prepare(gen):\n    gen.fit(x)\n"
        "prepare(g)\nmodel.fit(g.flow(x))",
        "fitted on what was scaled": TF + "g = ImageDataGenerator(rescale=1 / 255, featurewise_center=True)\n"
        "g.fit(np.load('a.npy') / 255)\nmodel.fit(g.flow(x))",
    },
    "TARE050": {
        "the same": TORCH
        + f"train_transform = T.Compose([T.ToTensor(), {IMAGENET}])\nval_transform = T.Compose([T.ToTensor(), {IMAGENET}])",
        "normalised later": TORCH + f"train_tf = T.Compose([T.ToTensor(), {IMAGENET}])\ntest_tf = T.Compose([T.ToTensor()])\n"
        f"norm = {IMAGENET}\ny = net(norm(test_tf(x)))",
        "for its labels": TORCH + f"train = datasets.ImageFolder('a', transform=T.Compose([T.ToTensor(), {IMAGENET}]))\n"
        "test = datasets.CIFAR100('b', transform=T.ToTensor())\nx = concatenate([test.data])\n"
        "loader = torch.utils.data.DataLoader(train)\nother = torch.utils.data.DataLoader(Own(x))",
        "for people": TORCH + f"train_tf = T.Compose([T.ToTensor(), {IMAGENET}])\nraw_test_tf = T.Compose([T.ToTensor()])",
        "a branch each": TORCH + f"n = {IMAGENET} if a else {HALVES}\ntrain_transform = T.Compose([T.ToTensor(), n])\n"
        "val_transform = T.Compose([T.ToTensor(), n])",
    },
    "TARE009": {
        "lists of folds": TORCH + "means, stds = [], []\nfor fold in range(5):\n    means.append(scores.mean())\n"
        "    stds.append(scores.std())\nprint(np.mean(means), np.mean(stds))",
        "lists that are kept": TORCH + "means, stds = [], []\nfor image in images:\n    means.append(image.mean())\n"
        "    stds.append(image.std())\nplot(means, stds)",
        "of a metric": TORCH + "std = 0.\nfor loss in losses:\n    std += loss.std()\nstd /= n",
        "of variances": TORCH
        + "import math\nfor x in loader:\n    mean += x.mean()\n    std += x.std() ** 2\nstd = math.sqrt(std / n)",
    },
    "TARE106": {
        "undone by Normalize": TORCH + f"t = T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "u = T.Normalize([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], [1 / 0.229, 1 / 0.224, 1 / 0.225])",
        "undone in two steps": TORCH + f"t = T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "u = T.Compose([T.Normalize([0.0] * 3, [1 / 0.229, 1 / 0.224, 1 / 0.225]), T.Normalize([-0.485, -0.456, -0.406], [1.0] * 3)])",
        "the same": TORCH + f"t = T.Compose([T.ToTensor(), {IMAGENET}])\nimport numpy as np\n"
        "shown = x * np.array([0.229, 0.224, 0.225]) + np.array([0.485, 0.456, 0.406])",
        "two pipelines": TORCH + f"t = T.Compose([T.ToTensor(), {HALVES}])\nu = T.Compose([T.ToTensor(), {IMAGENET}])\n"
        "import numpy as np\nshown = x * np.array([0.229, 0.224, 0.225]) + np.array([0.485, 0.456, 0.406])",
    },
    "TARE044": {
        "rooted later": TORCH
        + "def stats(loader):\n    std = 0\n    for x in loader:\n        std += x.var(2).sum(0)\n    return torch.sqrt(std / n)",
        "a variance by its name": TORCH + "def stats(images):\n    var = images.var((0, 2, 3))\n    return var",
        "rooted": TORCH + "def stats(loader):\n    std = (sqr / n) - mean ** 2\n    std = std ** 0.5\n    return mean, std",
    },
    "TARE060": {
        "after the split": "a, b = train_test_split(X)\na = StandardScaler().fit_transform(a)",
        "the training part split again": "X_train = StandardScaler().fit_transform(X_train)\na, b = train_test_split(X_train)",
        "something else is split": "Z = StandardScaler().fit_transform(X)\na, b = train_test_split(X)",
        "those of training": "def load():\n    # mean=\n    x_test = (x_test - np.mean(x_train)) / np.std(x_train)\n"
        "    x_train = (x_train - x_train.mean()) / x_train.std()\n    return x_train, x_test",
        "transformed": "scaler = StandardScaler()\na = scaler.fit_transform(X_train)\nb = scaler.transform(X_test)",
        "no scaler": "encoder = LabelEncoder()\na = encoder.fit_transform(y_train)\nb = encoder.fit_transform(y_test)",
    },
}


def found(text: str, path: str = "main.py") -> list[CodeFinding]:
    return examined([Document(path, "python", dedent(text))])


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in WRONG.items() for case in cases])
def test_a_mistake_is_found(code: str, case: str) -> None:
    assert code in {each.code for each in found(WRONG[code][case])}


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in RIGHT.items() for case in cases])
def test_what_looks_like_it_is_right(code: str, case: str) -> None:
    assert [(each.code, each.message) for each in found(RIGHT[code][case]) if each.fails] == []


def test_every_mistake_has_something_that_looks_like_it() -> None:
    assert set(WRONG) == set(RIGHT)


@pytest.mark.parametrize("code", WRONG)
def test_a_finding_says_what_stands_there_and_what_to_do_in_one_line(code: str) -> None:
    for text in WRONG[code].values():
        for each in found(text):
            assert "\n" not in each.message + each.remedy
            assert each.message
            assert each.remedy
            assert not each.message.endswith(".")
            assert each.place.path == "main.py"
            assert each.source == dedent(text).split("\n")[each.place.line - 1]


EDITED = {
    "TARE100": ["std", "mean", "by name", "albumentations", "arithmetic"],
    "TARE006": ["a call"],
    "TARE007": ["a call"],
    "TARE102": ["imread"],
    "TARE011": ["a point", "a digit"],
}


@pytest.mark.parametrize(("code", "case"), [(code, case) for code, cases in EDITED.items() for case in cases])
def test_edits_make_the_finding_go_away(code: str, case: str) -> None:
    text = WRONG[code][case]
    (first, *_) = [each for each in found(text) if each.code == code]
    assert first.edits
    lines = text.split("\n")
    for edit in sorted(first.edits, key=lambda each: (each.place.line, each.place.column), reverse=True):
        line = lines[edit.place.line - 1]
        lines[edit.place.line - 1] = line[: edit.place.column - 1] + edit.text + line[edit.place.end_column - 1 :]
    assert [each.code for each in found("\n".join(lines)) if each.fails] == []


def test_evidence_leads_from_the_constants_to_the_network() -> None:
    documents = [
        Document("constants.py", "python", "MEAN = STD = [0.5, 0.5, 0.5]\n"),
        Document(
            "nets.py", "python", "from torchvision import models\ndef build():\n    return models.resnet50(pretrained=True)\n"
        ),
        Document(
            "main.py",
            "python",
            "from torchvision import transforms\nfrom constants import MEAN, STD\nfrom nets import build\nnet = build()\n"
            "t = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])\n",
        ),
    ]
    (each,) = examined(documents)
    assert (each.code, str(each.place)) == ("TARE005", "main.py:5:48")
    assert [(step.place.path, step.place.line) for step in each.evidence] == [
        ("constants.py", 1),
        ("nets.py", 3),
    ]


def test_one_place_with_several_networks_is_one_finding() -> None:
    text = (
        TORCH + f"nets = models.resnet18(pretrained=True), models.vgg16(pretrained=True)\nt = T.Compose([T.ToTensor(), {HALVES}])"
    )
    (each,) = found(text)
    assert "resnet18 and vgg16 were trained" in each.message


def test_tests_of_code_are_not_judged() -> None:
    text = TORCH + "import pytest\nval_transform = T.Compose([T.RandomCrop(9)])\ndef test_it(): pass\n"
    assert found(text, "tests/test_it.py") == []
    assert found(text, "it.py") != []


def test_a_serving_file_that_scales_otherwise_is_found() -> None:
    train = "import tensorflow as tf\ndef load(image):\n    return image / 127.5 - 1\nds.map(load)\nmodel.fit(ds)\n"
    serve = (
        "import tensorflow as tf\nmodel = tf.keras.models.load_model('m')\ndef f(image):\n    return model.predict(image / {})\n"
    )
    for divisor, codes in (("255", ["TARE050"]), ("127.5 - 1", [])):
        documents = [Document("train.py", "python", train), Document("serve.py", "python", serve.format(divisor))]
        assert [each.code for each in examined(documents)] == codes


def test_of_networks_that_share_a_scaling_the_one_that_wants_another_is_named_where_it_is_made() -> None:
    data = "def normalize(image):\n    return image.astype('float32') / 127.5 - 1\n"
    net = TF + (
        "def get(kind):\n    if kind == 'mobile':\n        return MobileNetV2(weights='imagenet')\n    elif kind == 'res':\n"
        "        return ResNet50(weights='imagenet')\n"
    )
    train = "from net import get\nfrom data import normalize\nget(kind).fit(ds.map(normalize))\n"
    (each,) = program(net=net, data=data, train=train)
    assert (each.code, each.place.path, each.place.line) == ("TARE101", "net.py", 8)
    assert [step.place.path for step in each.evidence] == ["data.py"]
    assert each.message.startswith("ResNet50 wants")
    assert each.message.endswith("as MobileNetV2 wants")


@pytest.mark.parametrize(("used", "number"), [("transformer", 1), ("normalize", 0)])
def test_a_block_that_is_called_often_hides_nothing_unless_it_may_normalise(used: str, number: int) -> None:
    block = f"def block(x, {used}):\n    y = tf.keras.layers.LayerNormalization()(x)\n    return Add()([x, Dense(8)(y)])\n"
    text = (
        TF
        + block
        + "net = MobileNetV2()\ndef load_image(image):\n    return image / 255\nds.map(load_image)\n"
        + "block(x, 1)\n" * 200
    )
    assert len(found(text)) == number


def test_a_checkpoint_is_fed_as_its_training_says() -> None:
    net = "from transformers import AutoModel\ndef make():\n    return AutoModel.from_pretrained('google/siglip-base-patch16-224')\n"
    train = TORCH + (
        "from transformers import AutoProcessor\nfrom net import make\np = AutoProcessor.from_pretrained('google/siglip-base-patch16-224')\n"
        "model = make()\nt = T.Compose([T.ToTensor(), T.Normalize(p.image_mean, p.image_std)])\nloss.backward()\n"
    )
    test = TORCH + (
        f"from net import make\nmodel = make()\nmodel.load_state_dict(torch.load('a.pt'))\nt = T.Compose([T.ToTensor(), {IMAGENET}])\n"
    )
    (each,) = program(net=net, train=train, test=test)
    assert (each.code, each.place.path) == ("TARE005", "test.py")
    assert program(net=net, test=test) == []


def test_a_service_is_not_judged_by_one_of_two_trainings() -> None:
    service = "def predict(image):\n    image = image / 255\n    return tf.keras.models.load_model('a').predict(image)\n"
    caffe = TF + "net = ResNet50()\nx = tf.keras.applications.resnet50.preprocess_input(images)\nnet.fit(x)\n"
    inside = TF + "net = ConvNeXtTiny()\nnet.fit(images)\n"
    assert [each.code for each in program(caffe=caffe, serve=TF + service)] == ["TARE050"]
    assert program(caffe=caffe, inside=inside, serve=TF + service) == []
    assert program(caffe=caffe, serve=TF + service.replace("image = image /", "old = image /")) == []


def program(**texts: str) -> list[CodeFinding]:
    """What is found in a program of several files, by their names."""
    return examined([Document(f"{name}.py", "python", dedent(text)) for name, text in texts.items()])


def test_a_dataset_in_another_file_and_a_network_in_a_third() -> None:
    data, rest = BY_HAND.format("np.array(Image.open(p), dtype=np.float32) / 255.0").split("net = ")
    model = "class Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.b = models.resnet18(pretrained=True)\n"
    main = "import torch\nfrom data import D\nfrom model import Net\nnet = Net()\nfor x in torch.utils.data.DataLoader(D()):\n    net(x)\n"
    (each,) = program(data=TORCH + data, model=TORCH + model, main=main)
    assert rest
    assert (each.code, each.place.path) == ("TARE004", "data.py")


def test_pipelines_that_a_file_has_made_belong_to_the_program_that_imports_them() -> None:
    pipelines = TORCH + f"data_transforms = {{'train': T.Compose([T.ToTensor(), {HALVES}])}}"
    main = (
        "from torchvision import datasets, models\nfrom pipelines import data_transforms\ndef main():\n"
        "    net = models.resnet50(weights='DEFAULT')\n    d = datasets.ImageFolder('a', transform=data_transforms['train'])\nmain()\n"
    )
    assert [(each.code, each.place.path) for each in program(pipelines=pipelines, main=main)] == [("TARE005", "pipelines.py")]


def test_constants_of_a_configuration_reach_the_pipeline() -> None:
    config = "data:\n  mean: [0.5, 0.5, 0.5]\n  std: [0.5, 0.5, 0.5]\nmodel: {}\n"
    main = TORCH + (
        "import timm, yaml\nwith open('config.yaml') as f:\n    cfg = yaml.safe_load(f)\n"
        "net = timm.create_model(cfg['model'], pretrained=True)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize(cfg['data']['mean'], cfg['data']['std'])])\n"
    )
    for name, codes in (("resnet50", ["TARE005"]), ("vit_base_patch16_224.augreg_in21k", [])):
        documents = [Document("config.yaml", "configuration", config.format(name)), Document("main.py", "python", main)]
        assert [each.code for each in examined(documents)] == codes


def test_constants_by_the_names_of_libraries() -> None:
    text = TORCH + (
        "import timm\nfrom timm.data import IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD\n"
        "net = timm.create_model('resnet50', pretrained=True)\n"
        "t = T.Compose([T.ToTensor(), T.Normalize(IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD)])"
    )
    assert [each.code for each in found(text)] == ["TARE005"]


def test_scaling_network_and_service_in_three_files() -> None:
    data = (
        "from tensorflow.keras.preprocessing.image import ImageDataGenerator, load_img\nimport numpy as np\n"
        "def prepared(path):\n    return np.expand_dims(np.array(load_img(path)).astype('float32') / 255.0, 0)\n"
        "def generators():\n    return ImageDataGenerator(rescale=1. / 255)\n"
    )
    model = (
        "from tensorflow.keras.applications import ResNet50\nclass M:\n    def __init__(self, use=True):\n        self.use = use\n"
        "    def build(self):\n        return ResNet50(weights='imagenet' if self.use else None, include_top=False)\n"
    )
    app = (
        "import tensorflow as tf\nfrom data import prepared\nfrom model import M\nm = M()\n"
        "m.net = tf.keras.models.load_model('m.h5')\ndef predict(p):\n    return m.net.predict(prepared(p))\n"
    )
    train = "from data import generators\nfrom model import M\nM().build().fit(generators().flow_from_directory('a'))\n"
    seen = program(data=data, model=model, app=app, train=train)
    assert [(each.code, each.place.path, each.place.line) for each in seen] == [
        ("TARE101", "data.py", 4),
        ("TARE101", "data.py", 6),
    ]


@pytest.mark.parametrize(("divisor", "codes"), [(" / 255", ["TARE002"]), ("", [])])
def test_what_was_scaled_before_it_was_saved_is_scaled_again(divisor: str, codes: list[str]) -> None:
    prepare = (
        "import cv2, numpy as np\nimages = []\nfor p in paths:\n    images.append(cv2.imread(p) / 255.0)\n"
        "np.save('data/x.npy', np.array(images))\n"
    )
    train = f"import numpy as np\n# Normalize\nx = np.load('../data/x.npy'){divisor}\nmodel.fit(x)\n"
    assert [each.code for each in program(prepare=prepare, train=train)] == codes


def test_a_service_without_the_normalize_of_training_is_found() -> None:
    train = TORCH + f"train_tf = T.Compose([T.ToTensor(), {IMAGENET}])\nloss.backward()\n"
    serve = (
        TORCH + "net = models.resnet18()\nnet.load_state_dict(torch.load('a.pt'))\nt = T.Compose([T.Resize(9), T.ToTensor()])\n"
    )
    (each,) = program(train=train, serve=serve)
    assert (each.code, each.place.path) == ("TARE050", "serve.py")
    assert "train.py" in each.message
    assert program(train=train, serve=serve + "y = net((t(x) - mean) / std)\n") == []


TRAINED = TORCH + (
    f"net = models.resnet18(weights='DEFAULT')\nd = datasets.ImageFolder('a', T.Compose([T.ToTensor(), {IMAGENET}]))\n"
    "for x, y in torch.utils.data.DataLoader(d):\n    loss = net(x).sum()\n    loss.backward()\n"
)
OWN = "import numpy as np, torch\nfrom PIL import Image\nfrom torchvision import models\nx = np.array(Image.open(p).convert('RGB')){}\n"
WITH_CHECKPOINT = "net = models.resnet18()\nnet.load_state_dict(torch.load('a.pt'))\nnet.eval()(torch.from_numpy(x).float())\n"
EXPORTED = "import onnxruntime\nonnxruntime.InferenceSession('a.onnx').run(None, {'input': x.astype(np.float32)})\n"


@pytest.mark.parametrize("served", [WITH_CHECKPOINT, EXPORTED, "torch.load('net.pt').eval()(torch.from_numpy(x).float())\n"])
@pytest.mark.parametrize(
    ("scaling", "codes"),
    [
        (" / 255", ["TARE050"]),
        (" / 127.5 - 1", ["TARE050"]),
        (" / 255 * 1.0 - [0.485, 0.456, 0.406]", ["TARE050"]),
        ("\nx = (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]", []),
        ("\nx = (x - [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]", []),
        (".mean(0)", []),
        (" / 255\nx[..., 0] = (x[..., 0] - 0.485) / 0.229\nx[..., 1] = (x[..., 1] - 0.456) / 0.224", []),
        (" / 255\nx[..., 0] -= 0.485\nx[..., 0] /= 0.229", []),
    ],
)
def test_a_service_that_scales_by_hand_is_compared_with_training(served: str, scaling: str, codes: list[str]) -> None:
    found = program(train=TRAINED, serve=OWN.format(scaling) + served)
    assert [each.code for each in found] == codes
    assert all(each.place.path == "serve.py" and "train.py" in each.message for each in found)


def test_albumentations_and_torchvision_with_the_same_constants_do_the_same() -> None:
    train = (
        "import albumentations as A\nfrom albumentations.pytorch import ToTensorV2\n"
        "train_tf = A.Compose([A.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]), ToTensorV2()])\nloss.backward()\n"
    )
    serve = TORCH + f"test_tf = T.Compose([T.ToTensor(), {IMAGENET}])\n"
    assert program(train=train, serve=serve) == []
    (each,) = program(train=train, serve=train.replace("train_tf", "test_tf").replace("std=[0", "max_pixel_value=1.0, std=[0"))
    assert each.code == "TARE050"
    assert "of values up to 1" in each.message
    assert "of values up to 255" in each.message


def test_a_service_is_not_judged_where_two_trainings_differ() -> None:
    serve = OWN.format(" / 255") + EXPORTED
    assert program(train=TRAINED, other=TRAINED.replace(IMAGENET, HALVES).replace("'DEFAULT'", "None"), serve=serve) == []


def test_a_class_with_a_network_of_its_own_is_not_blamed_for_another() -> None:
    own = TF + (
        "class Simple:\n    def data(self):\n        return ImageDataGenerator(rescale=1. / 255)\n    def build(self):\n"
        "        self.model = tf.keras.Sequential([tf.keras.layers.Conv2D(32, 3)])\n"
    )
    pretrained = TF + (
        "class Large:\n    def data(self):\n        return ImageDataGenerator(rescale=1. / 255)\n    def build(self):\n"
        "        self.model = VGG19(weights='imagenet')\n"
    )
    tuning = "from own import Simple\nfrom pretrained import Large\nfor each in (Simple(), Large()):\n    each.data()\n    each.build()\n"
    assert [(each.code, each.place.path) for each in program(own=own, pretrained=pretrained, tuning=tuning)] == [
        ("TARE101", "pretrained.py")
    ]
