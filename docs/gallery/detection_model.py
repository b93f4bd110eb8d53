# "Faster R-CNN finds nothing in my images. I normalise as for every other model."
# tare check docs/gallery/detection_model.py:transform --model torchvision:FasterRCNN_ResNet50_FPN_Weights.COCO_V1
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)
