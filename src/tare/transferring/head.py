"""Checks of a network's head before it is trained: what it gives, and that it is what learns."""

from __future__ import annotations

from typing import Any

import torch

from tare.errors import ModelError
from tare.folding.first_layers import evaluating
from tare.input_spec.geometry import NOUNS, InputGeometry
from tare.networks.network import Network
from tare.tasks.task import Task
from tare.training.options import Training


def check_head(network: Network, takes: InputGeometry, task: Task, training: Training) -> None:
    """Raise :class:`ModelError` for a network that cannot be taught the task by its head, as it is used and as it trains."""
    _check_answer(network, takes, task, training.protocol)
    if training.protocol != "probe":
        _check_learning(network, takes, training)


@torch.inference_mode()
def _check_answer(network: Network, takes: InputGeometry, task: Task, protocol: str) -> None:
    """Raise :class:`ModelError` unless the network gives one number an output: its last linear layer may not be the last.

    A probe, and targets whose unit is undone in the head, need a network that gives what its head gives.
    """
    outputs = (len(task.names), *(takes.shape if task.dense else ()))
    with evaluating(network.module):
        answer = network.module(torch.zeros(2, network.channels, *takes.shape))
    shape = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
    if shape != (2, *outputs):
        raise ModelError(
            f"one number for each of {len(task.names)} {task.noun}: shape {(2, *outputs)} for two {NOUNS[takes.kind]}",
            f"{shape} with a new layer at {network.head!r}",
            "name a classifier whose last linear layer gives its logits",
        )
    by_head = f"--task {task.name}" if task.is_scaled_in_head else "--protocol probe" if protocol == "probe" else ""
    if by_head and not network.dense and not _ends_in_head(network, takes):
        raise ModelError(
            f"a network whose last operation is its head, for {by_head}",
            f"more after {network.head!r}, or the head called more than once",
            f"let the network return what {network.head!r} gives"
            + ("" if task.is_scaled_in_head else ", or use --protocol finetune"),
        )


def _ends_in_head(network: Network, takes: InputGeometry) -> bool:
    """Whether the network gives what its head gives, wherever that lies: a sigmoid or a ReLU shows far from zero alone.

    Inputs and outputs are cloned, since the network may change either in place.
    """
    head, given = network.classifier, list[torch.Tensor]()
    inputs = torch.zeros(2, network.channels, *takes.shape)
    handle = head.register_forward_hook(lambda _, __, output: given.append(output.clone()))
    bias, kept = head.bias, head.bias.detach().clone()
    try:
        with evaluating(network.module):
            for moved in (0.0, 1000.0, -1000.0):
                bias.copy_(kept + moved)
                given.clear()
                answer = network.module(inputs.clone())
                if len(given) != 1 or not torch.equal(given[0].reshape(answer.shape), answer):
                    return False
        return True
    finally:
        handle.remove()
        bias.copy_(kept)


def _check_learning(network: Network, takes: InputGeometry, training: Training) -> None:
    """Raise :class:`ModelError` for a network that gives more than one tensor as it trains, or does not use the head it trains.

    What fails on two samples of zeros is left to the training.
    """
    answer = _answer_in_training(network, takes)
    if answer is not None and not isinstance(answer, torch.Tensor):
        found, remedy = f"{type(answer).__name__} in training mode", "let it return the logits alone"
        raise ModelError("a network that gives one tensor, as it trains and as it is used", found, remedy)
    if answer is None or not (training.epochs_of_head or training.freeze == "body"):
        return
    if not _learns(answer, [weight for weight in network.last_layer.parameters() if weight.requires_grad]):
        remedy = "define the layer that gives the answer last" + ("" if training.freeze == "body" else ", or use --head-epochs 0")
        found = f"{network.head!r}, which its answer does not depend on"
        raise ModelError("a network whose last layer is its head, which is trained alone at first", found, remedy)


def _learns(answer: torch.Tensor, weights: list[torch.nn.Parameter]) -> bool:
    """Whether the answer depends on weights; also where that cannot be told."""
    try:
        found = torch.autograd.grad(answer.sum(), weights, allow_unused=True) if answer.requires_grad else ()
    except RuntimeError:  # such as of a value that was changed in place
        return True
    return not weights or any(each is not None for each in found)


def _answer_in_training(network: Network, takes: InputGeometry) -> Any:
    """What the network gives for two samples of zeros as it trains, which changes no buffer of it; None if it fails."""
    module = network.module
    modes = [(layer, layer.training) for layer in module.modules()]
    kept = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        module.train()
        with torch.enable_grad():
            return module(torch.zeros(2, network.channels, *takes.shape))
    except (Exception, SystemExit):  # such as a batch norm for several devices, which refuses the CPU
        return None
    finally:
        for layer, mode in modes:
            layer.training = mode
        with torch.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)


def check_dense(network: Network, task: Task) -> None:
    """Raise :class:`ModelError` for a network of one output a pixel and a task of one a sample."""
    if network.dense and not task.dense:
        found = f"{network.reference}, which ends in the convolution {network.head!r}"
        raise ModelError(f"a network that ends in a linear layer, for --task {task.name}", found, "name another network")
