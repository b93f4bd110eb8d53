# "I load images as floats in [0, 1]; with albumentations the network does not learn."
# tare check docs/gallery/albumentations_on_floats.py:transform --model timm:resnet50.tv_in1k
import albumentations as A
import numpy as np
from albumentations.pytorch import ToTensorV2

augment = A.Compose([A.SmallestMaxSize(256), A.CenterCrop(224, 224), A.Normalize(), ToTensorV2()])


def transform(image):
    x = np.asarray(image).astype(np.float32) / 255
    return augment(image=x)["image"]
