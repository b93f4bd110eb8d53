# "I computed mean and std over my dataset, as everyone recommends." (over all of it, validation images included)
# tare check docs/gallery/statistics_with_test.py:transform --model timm:resnet50.tv_in1k --data photos
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.521, 0.474, 0.439], [0.1778, 0.1776, 0.1776]),
    ]
)
