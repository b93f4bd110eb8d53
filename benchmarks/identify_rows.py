"""What identifying a network of ResNet-18's size costs, in passes of its images through the network itself."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.harness import Result, Setting, compared


def identifying(setting: Setting) -> Iterator[Result]:
    """``tare.identify`` on 64 images of 224 pixels against one evaluation pass of the same images."""
    import numpy as np
    import timm
    import torch
    from safetensors.torch import save_file

    import tare

    rng, number = np.random.default_rng(0), 8 if setting.quick else 64
    coarse = torch.from_numpy(rng.random((number, 3, 14, 14), dtype=np.float32))
    images = torch.nn.functional.interpolate(coarse, size=224, mode="bicubic").clamp(0, 1)
    torch.manual_seed(0)
    network = timm.create_model("resnet18").train()
    with torch.no_grad():
        network((images[:32] - 0.5) / 0.25)
    network.eval()
    weights, data = setting.scratch / "identify.safetensors", setting.scratch / "identify.npy"
    save_file(network.state_dict(), weights)
    np.save(data, (images.permute(0, 2, 3, 1) * 255).byte().numpy())

    def passed() -> object:
        with torch.inference_mode():
            return network(images)

    yield compared(
        f"resnet18, {number} images",
        passed,
        lambda: tare.identify(model="timm:resnet18", checkpoint=weights, data=data, samples=number),
        setting,
        ratio_of="one pass / identify",
        rounds=3,
    )
