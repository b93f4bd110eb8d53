# "Inception v3 is three points below the published accuracy, whatever I do."
# tare check docs/gallery/inception_weights.py:transform --model timm:inception_v3.tf_in1k
from torchvision import transforms
from torchvision.transforms import InterpolationMode

transform = transforms.Compose(
    [
        transforms.Resize(342, interpolation=InterpolationMode.BICUBIC),
        transforms.CenterCrop(299),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)
