# "The pretrained ViT from the Hub predicts the same class for every image."
# tare check docs/gallery/hf_processor_on_floats.py:transform --model hf:docs/gallery/vit
from torchvision.transforms import ToTensor
from transformers import ViTImageProcessor

processor = ViTImageProcessor.from_pretrained("docs/gallery/vit")
to_tensor = ToTensor()


def transform(image):
    return processor(to_tensor(image), return_tensors="pt")["pixel_values"][0]
