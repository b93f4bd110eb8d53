# "A.Normalize(max_pixel_value=1.0) because my images should be in [0, 1]; the loss is NaN after a few steps."
# tare check docs/gallery/albumentations_max_1.py:transform --model timm:resnet50.tv_in1k
import albumentations as A
from albumentations.pytorch import ToTensorV2

transform = A.Compose(
    [
        A.SmallestMaxSize(256),
        A.CenterCrop(224, 224),
        A.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), max_pixel_value=1.0),
        ToTensorV2(),
    ]
)
