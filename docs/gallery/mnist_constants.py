# "Transferring a ResNet to MNIST: which mean and std? I took MNIST's."
# tare check docs/gallery/mnist_constants.py:transform --model timm:resnet18.tv_in1k --size 224
from torchvision import transforms

transform = transforms.Compose(
    [
        transforms.Resize((224, 224)),
        transforms.Grayscale(num_output_channels=3),
        transforms.ToTensor(),
        transforms.Normalize((0.1307,), (0.3081,)),
    ]
)
