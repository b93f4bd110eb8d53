# "With ToTensor and the constants of the Detectron configuration every image gives the same features."
# tare check docs/gallery/raw_constants_after_to_tensor.py:transform --model timm:resnet50.tv_in1k
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]),
    ]
)
