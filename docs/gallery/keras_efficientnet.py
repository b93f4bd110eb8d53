# "ResNet learns my data, EfficientNet does not. Both get images rescaled by 1/255."
# tare check docs/gallery/keras_efficientnet.py:preprocess --model keras:EfficientNetB0
import numpy as np


def preprocess(image):
    return np.asarray(image.resize((224, 224)), np.float32) / 255.0
