# "The validation score changes from run to run although the seed of the network is fixed."
# tare check docs/gallery/random_crop_in_validation.py:val_transform --model timm:resnet50.tv_in1k
from torchvision import transforms

train_transform = transforms.Compose(
    [
        transforms.RandomResizedCrop(224),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)
val_transform = train_transform
