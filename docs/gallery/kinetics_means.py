# "I subtract the Kinetics means as in the C3D code. The pretrained video network predicts the same class for every clip."
# tare check docs/gallery/kinetics_means.py:clip --model torchvision:R3D_18_Weights.KINETICS400_V1
import numpy as np
import torch
from torchvision import transforms


def floats(image):
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)


clip = transforms.Compose(
    [
        transforms.Resize((128, 171)),
        transforms.CenterCrop(112),
        floats,
        transforms.Normalize([114.75, 107.74, 99.48], [1, 1, 1]),
    ]
)
