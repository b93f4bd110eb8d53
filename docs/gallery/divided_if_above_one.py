# "A few frames of my video come out white."
# tare check docs/gallery/divided_if_above_one.py:transform --model timm:resnet50.tv_in1k
import numpy as np
import torch
from torchvision import transforms

normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def transform(image):
    x = torch.from_numpy(np.asarray(image.resize((224, 224)), np.float32)).permute(2, 0, 1)
    if x.max() > 1:  # 8-bit image
        x = x / 255
    return normalize(x)
