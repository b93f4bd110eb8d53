# "Training accuracy 95 %, validation accuracy 20 %. This is no overfitting, the validation set is part of the training set."
# tare check docs/gallery/one_stage_only.py:transforms_by_stage --model timm:resnet50.tv_in1k
from torchvision import transforms

transforms_by_stage = {
    "train": transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
        ]
    ),
    "val": transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    ),
}
