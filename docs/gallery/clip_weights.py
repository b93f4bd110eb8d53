# "Zero-shot accuracy of CLIP is lower than in the paper. I use the usual ImageNet preprocessing."
# tare check docs/gallery/clip_weights.py:transform --model timm:vit_base_patch32_clip_224.openai
from torchvision import transforms
from torchvision.transforms import InterpolationMode

transform = transforms.Compose(
    [
        transforms.Resize(248, interpolation=InterpolationMode.BICUBIC),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)
