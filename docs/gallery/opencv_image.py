# "torchvision's example image is classified with 0.99, my own loader gives 0.83."
# tare check docs/gallery/opencv_image.py:load --model torchvision:ResNet50_Weights.IMAGENET1K_V1
import cv2
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.ToPILImage(),
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)


def load(path):
    image = cv2.imread(path)
    return transform(image)
