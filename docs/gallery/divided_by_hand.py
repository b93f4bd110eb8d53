# "Fine-tuning works in Keras; the same data in PyTorch stays at chance level."
# tare check docs/gallery/divided_by_hand.py:transform --model timm:resnet50.tv_in1k
from torchvision import transforms

load = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()])
normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def transform(image):
    x = load(image) / 255.0
    return normalize(x)
