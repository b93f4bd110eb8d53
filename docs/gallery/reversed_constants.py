# "I copied the BGR constants from another repository. Accuracy is a few points below the paper's."
# tare check docs/gallery/reversed_constants.py:transform --model timm:resnet50.tv_in1k
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.406, 0.456, 0.485], [0.225, 0.224, 0.229]),
    ]
)
