"""The training recipe of segmentation_models_pytorch: the Lightning module of its example of several classes (CamVid).

It is written as the example has it: normalisation in ``forward``, the counts of every step by ``smp.metrics.get_stats``, their
IoU at the end of each epoch, Adam with a cosine over the steps, ``log_every_n_steps=1``, and Lightning's own checkpoint. The
network and the loss are those of the other loops, and no bar is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import segmentation_models_pytorch as smp
import torch
from torch import nn

from benchmarks.training_loops import LEARNING_RATE, MEAN, STD, Work


class _Recipe(lightning.LightningModule):
    def __init__(self, work: Work, network: nn.Module) -> None:
        super().__init__()
        self.work, self.model, self.classes = work, network, len(work.task.names)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) * 255)
        self.outputs: dict[str, list[dict[str, torch.Tensor]]] = {"train": [], "valid": []}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.model((images - self.mean) / self.std)  # type: ignore[no-any-return]

    def shared_step(self, batch: tuple[torch.Tensor, torch.Tensor], stage: str) -> dict[str, torch.Tensor]:
        images, masks = batch
        logits = self.forward(images).contiguous()
        loss = self.work.loss(logits, masks)
        found = logits.softmax(dim=1).argmax(dim=1)
        counts = smp.metrics.get_stats(found, masks, mode="multiclass", num_classes=self.classes)
        result = {"loss": loss, **dict(zip(("tp", "fp", "fn", "tn"), counts, strict=True))}
        self.outputs[stage].append(result)
        return result

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> dict[str, torch.Tensor]:
        del index
        return self.shared_step(batch, "train")

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> dict[str, torch.Tensor]:
        del index
        return self.shared_step(batch, "valid")

    def on_train_epoch_end(self) -> None:
        self.shared_epoch_end("train")

    def on_validation_epoch_end(self) -> None:
        self.shared_epoch_end("valid")

    def shared_epoch_end(self, stage: str) -> None:
        tp, fp, fn, tn = (torch.cat([step[name] for step in self.outputs[stage]]) for name in ("tp", "fp", "fn", "tn"))
        figures = {
            f"{stage}_per_image_iou": smp.metrics.iou_score(tp, fp, fn, tn, reduction="micro-imagewise"),
            f"{stage}_dataset_iou": smp.metrics.iou_score(tp, fp, fn, tn, reduction="micro"),
        }
        self.log_dict(figures, prog_bar=True)
        self.outputs[stage].clear()

    def configure_optimizers(self) -> Any:
        optimiser = torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps, eta_min=1e-5)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step", "frequency": 1}}


def train(work: Work, network: nn.Module, folder: Path) -> None:
    """Train ``network`` for an epoch as the recipe does."""
    trainer = lightning.Trainer(
        max_epochs=1,
        log_every_n_steps=1,
        default_root_dir=folder,
        accelerator="cpu" if work.device.type == "cpu" else "gpu",
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(_Recipe(work, network), train_dataloaders=work.batches(), val_dataloaders=work.validation())
