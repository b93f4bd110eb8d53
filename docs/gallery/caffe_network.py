# "Confidence .83 where caffe's own tools give .999. I do subtract the mean."
# tare check docs/gallery/caffe_network.py:preprocess --model keras:VGG16
import numpy as np

MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red


def preprocess(image):
    x = np.asarray(image.resize((224, 224)), np.float32)
    return x - MEAN[::-1]
