# "TypeError: img should be Tensor Image. Got <class 'PIL.Image.Image'>"
# tare check docs/gallery/normalize_before_to_tensor.py:transform --model timm:resnet50.tv_in1k
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        transforms.ToTensor(),
    ]
)
