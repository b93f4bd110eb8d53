# "Dark frames of the night camera are classified like daylight."
# tare check docs/gallery/min_max_of_each_image.py:transform --model timm:resnet50.tv_in1k
import numpy as np
import torch
from torchvision import transforms

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def transform(image):
    x = np.asarray(image.resize((224, 224)), np.float32)
    x = (x - x.min()) / (x.max() - x.min() + 1e-8)
    return transforms.Normalize(MEAN, STD)(torch.from_numpy(x).permute(2, 0, 1))
