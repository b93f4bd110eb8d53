"""A network, its normalisation and its training objective as one Lightning module."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import lightning
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from tare.datasets.augmentation import Mixing
from tare.errors import TareError
from tare.system.seeds import derived, seed_all
from tare.tasks.task import Task
from tare.training.options import Training
from tare.training.parameter_groups import belongs, frozen_names, optimiser_of
from tare.training.schedule import Schedule

#: Returns the training batches of an epoch, a function of the epoch alone, so that a resumed run sees the same batches.
EpochBatches = Callable[[int], DataLoader[Any]]

# Steps between checks of the loss on an accelerator, which would have to wait for Python at each check.
_CHECK_EVERY = 50


class DivergedError(TareError):
    """The loss or the weights became NaN or infinite."""


class TransferModule(lightning.LightningModule):
    """Normalise, run the network and train it; batches are ``(images (N, C, H, W), labels (N,))``.

    ``task`` says what is learnt from the labels. ``head`` is the dotted name of the last layer, which trains alone in the first
    ``training.epochs_of_head`` epochs. ``class_weights`` are the weights of the classes in the loss.
    """

    class_weights: torch.Tensor | None
    _loss_sum: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        normaliser: nn.Module,
        training: Training,
        batches: EpochBatches,
        task: Task,
        head: str = "",
        *,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.normaliser, self.head = network, normaliser, head
        self.training_options, self.batches = training, batches
        self.task, self.metric = task, task.metric()
        self.frozen = frozen_names(network, head, training)
        self.head_epochs = training.epochs_of_head if head else 0
        weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        self.register_buffer("class_weights", weights, persistent=False)
        self.register_buffer("_loss_sum", torch.zeros(()), persistent=False)
        self._images = 0
        self._trained = self._trained_names()

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of the current epoch; the trainer calls this in every epoch."""
        return self.batches(self.current_epoch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map raw images to logits ``(N, K)``."""
        return self.task.restored(self.network(self.normaliser(images)), images)

    @property
    def head_alone(self) -> bool:
        """Whether this epoch trains the head alone."""
        return self._trainer is not None and self.current_epoch < self.head_epochs

    def train(self, mode: bool = True) -> TransferModule:
        """Set training mode; a part without trained weights stays in eval mode, with its batch norms."""
        super().train(mode)
        if mode:
            for layer in self._resting():
                layer.eval()
        return self

    def on_train_epoch_start(self) -> None:
        """Begin the sums of the epoch, and train what this epoch trains."""
        self._loss_sum.zero_()
        self._images = 0
        self._trained = self._trained_names()
        self.train()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed dropout and other random layers by epoch, so that a resumed run equals an uninterrupted run.

        Layers draw from Python's and NumPy's generators, too: stochastic depth, or the masks of transformers. Not sooner than at
        the first batch: to begin its batches a loader draws a number, before or after the start of the epoch.
        """
        del batch
        if batch_idx == 0:
            seed_all(derived(self.training_options.seed, self.current_epoch))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        """Return the loss of a batch; raises :class:`DivergedError` if it is NaN or infinite."""
        images, labels = self._mixed(*batch, index)
        smoothing = self.training_options.label_smoothing
        loss = self.task.loss(self(images), labels, self.class_weights, smoothing)
        self._note(loss.detach(), len(labels), index)
        return loss * self._of_group(index)

    def _of_group(self, index: int) -> float:
        """A factor of the loss: Lightning divides by ``accumulate``, and the last step of an epoch may have fewer batches."""
        most = self.training_options.accumulate
        if most == 1:
            return 1.0
        return most / min(most, self.trainer.num_training_batches - index // most * most)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Drop the body's gradients while the head trains alone; parallel processes have to compute them nevertheless."""
        del optimizer
        if self.head_alone and self.trainer.world_size > 1:
            for name, parameter in self.network.named_parameters():
                if not belongs(name, self.head):
                    parameter.grad = None

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: torch.optim.Optimizer | LightningOptimizer,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """Take a step, and free the gradients' memory; Lightning would keep it during the next forward pass."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        optimizer.zero_grad()

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        """Log the loss and the task's figure on validation samples."""
        images, labels = batch
        outputs, own = self(images), self._own(index, len(labels))
        outputs, labels = outputs[:own], labels[:own]
        if own:
            self.metric.update(outputs, labels)
        loss = self.task.loss(outputs, labels, None, 0.0) if own else outputs.new_zeros(())
        # As a float: of the whole numbers of several processes Lightning takes the mean as a whole number, too.
        self.log("val_loss", loss, batch_size=float(own), sync_dist=True)  # type: ignore[arg-type]
        self.log(self.task.epochs.column, self.metric, prog_bar=True, batch_size=own)

    def on_train_epoch_end(self) -> None:
        """Raise :class:`DivergedError` before NaN or infinity reaches a checkpoint."""
        self.mean_loss()
        for name, values in self.network.state_dict().items():
            # The sum is faster to check, but a sum of finite values may overflow.
            if values.is_floating_point() and not torch.isfinite(values.sum()) and not torch.isfinite(values).all():
                raise _diverged("finite weights", f"NaN or infinity in {name!r} after epoch {self.current_epoch}")

    def mean_loss(self) -> float:
        """Return the epoch's mean training loss in this process; raises :class:`DivergedError` if it is NaN or infinite."""
        mean = float(self._loss_sum) / max(1, self._images)
        if not math.isfinite(mean):
            raise _diverged("a finite loss", f"{mean} in epoch {self.current_epoch}, by image {self._images}")
        return mean

    def configure_optimizers(self) -> Any:
        """Return the optimiser and its schedule, which advance together."""
        options = self.training_options
        optimiser, heads = optimiser_of(self.network, self.head, options, self.frozen)
        steps = int(self.trainer.estimated_stepping_batches)
        head_steps = round(steps * self.head_epochs / (self.trainer.max_epochs or 1))
        plan = Schedule(steps, head_steps, options.warm_up)
        factors: list[Any] = [plan.head if is_head else plan.body for is_head in heads]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factors)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _own(self, index: int, count: int) -> int:
        """How many of the ``count`` samples of a validation batch count here.

        Parallel processes pass forward equally often, so Lightning repeats the first samples at the end of some.
        """
        loader: Any = self.trainer.val_dataloaders
        before = index * int(loader.batch_size)
        return min(count, max(0, len(range(self.global_rank, len(loader.dataset), self.trainer.world_size)) - before))

    def _mixed(self, images: torch.Tensor, labels: torch.Tensor, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        options = self.training_options
        if not options.augmenting.mixes:
            return images, labels
        classes: int = self.network.get_submodule(self.head).out_features  # type: ignore[assignment]
        mixing = Mixing(options.augmenting, classes, options.seed)
        return mixing(images, labels, self.current_epoch, index, self.global_rank)

    def _note(self, loss: torch.Tensor, count: int, index: int) -> None:
        if loss.device.type == "cpu" and not math.isfinite(loss):
            raise _diverged("a finite loss", f"{loss.item()} at epoch {self.current_epoch}, step {index}")
        self._images += count
        self._loss_sum += loss * count
        if loss.device.type != "cpu" and index % _CHECK_EVERY == 0:
            self.mean_loss()

    def _trained_names(self) -> frozenset[str]:
        """Return the names of the parameters that this epoch trains, and turn gradients off for the others if possible.

        Parallel processes need the gradients of the body even while the head trains alone.
        """
        alone = self.head_alone
        names = set()
        for name, parameter in self.network.named_parameters():
            trained = name not in self.frozen and not (alone and not belongs(name, self.head))
            parameter.requires_grad_(trained or (alone and name not in self.frozen and self.trainer.world_size > 1))
            names |= {name} if trained else set()
        return frozenset(names)

    def _resting(self) -> Iterator[nn.Module]:
        """Yield the parts of the network that have weights but no trained weights, and frozen batch norms."""
        trained = {id(parameter) for name, parameter in self.network.named_parameters() if name in self._trained}
        fixed = self.training_options.batchnorm == "frozen"
        for layer in self.network.modules():
            own = [id(parameter) for parameter in layer.parameters()]
            if (own and trained.isdisjoint(own)) or (fixed and isinstance(layer, _BatchNorm)):
                yield layer


def _diverged(expected: str, found: str) -> DivergedError:
    remedy = "lower --lr, or check the normalisation with another --strategy; a logarithm needs --interpolation bilinear"
    return DivergedError(expected, found, remedy)
