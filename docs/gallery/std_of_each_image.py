# "std = torch.stack([image.std(dim=(1, 2)) for image in images]).mean(0). Why does everyone get another std?"
# tare check docs/gallery/std_of_each_image.py:transform --model timm:resnet50.tv_in1k --data photos
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.4739, 0.4260, 0.3914], [0.1362, 0.1351, 0.1350]),
    ]
)
