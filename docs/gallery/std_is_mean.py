# "The released checkpoint does not reach the released accuracy."
# tare check docs/gallery/std_is_mean.py:transform --model timm:resnet50.tv_in1k
from torchvision import transforms

mean = std = [0.485, 0.456, 0.406]
transform = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(mean=mean, std=std),
    ]
)
