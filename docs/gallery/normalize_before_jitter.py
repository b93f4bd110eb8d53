# "Colour jitter makes my training much worse, even a little of it."
# tare check docs/gallery/normalize_before_jitter.py:train_transform --model timm:resnet50.tv_in1k --stage train
from torchvision import transforms

train_transform = transforms.Compose(
    [
        transforms.RandomResizedCrop(224),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        transforms.ColorJitter(brightness=0.2, contrast=0.2),
    ]
)
