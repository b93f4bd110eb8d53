# "I wrote the normalisation by hand and it looked right."
# tare check docs/gallery/missing_bracket.py:preprocess --model timm:resnet50.tv_in1k
import numpy as np

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def preprocess(image):
    image = image.convert("RGB").resize((224, 224))
    x = np.asarray(image) / 255 - MEAN / STD
    return x.transpose(2, 0, 1).astype(np.float32)
