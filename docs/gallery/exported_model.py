# "After export to ONNX the confidence drops. Export put the normalisation inside; is it still in my client?"
# tare check docs/gallery/exported_model.py:serve --model timm:resnet50.tv_in1k
from torchvision import transforms

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

client = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)
front_of_the_graph = transforms.Normalize(MEAN, STD)


def serve(image):
    return front_of_the_graph(client(image))
