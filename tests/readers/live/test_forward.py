"""The way of a network's input to its first layers, told from the source of its forward."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from tare.readers.live.forward import Route, route_of_input


class Norm(nn.Module):
    """The layer that is looked for; it has nothing to follow."""

    forward: Any = nn.Identity.forward


class Net(nn.Module):
    """A network with a norm and a body, whose forward each test writes."""

    flag = True

    def __init__(self, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.norm = Norm() if norm is None else norm
        self.body, self.other, self.none = nn.Linear(3, 3), nn.Linear(3, 3), None
        self.layers = nn.ModuleList([self.norm, self.body])
        self.on, self.off = True, False


class Plain(Net):
    def forward(self, x: Any) -> Any:
        return self.body(self.norm(x))


class ByStatements(Net):
    def forward(self, pixel_values: Any = None, labels: Any = None, **others: Any) -> Any:
        if pixel_values is None:
            raise ValueError(others)
        count, *_ = pixel_values.shape
        assert pixel_values.max() <= 1
        if pixel_values.ndim == 3:
            pixel_values = pixel_values[None]
        made = self.prepared(pixel_values.to(torch.float32))
        found = {"logits": self.body(made), "count": count}
        if labels is not None:
            found["loss"] = (found["logits"] - labels).mean()
        return found

    def prepared(self, values: Tensor) -> Any:
        norm = self.norm
        return norm(values) if self.norm is not None else values


class BySuper(Plain):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu"):
            return super().forward(*args, **kwargs)


class ByImage(Net):
    @torch.no_grad()
    def forward(self, images: Any, sizes: Any = None) -> Any:
        for image, size in zip(images, sizes or images, strict=True):
            assert image.shape == size.shape
        return self.body(torch.stack([self.norm(image) for image in images]))


class InALoop(Net):
    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


class ByFlags(Net):
    def forward(self, x: Any) -> Any:
        if self.on and not self.off and self.none is None and not torch.compiler.is_compiling():
            x = self.norm(x)
        x = self.other(x) if self.off else x
        return self.body(x)


class OutOfABatch(Net):
    def forward(self, batch: dict[str, Any]) -> Any:
        return self.body(self.norm(batch["image"])) + self.other(batch.get("age", 0).shape[0])


class Keeps(Net):
    def forward(self, x: Any) -> Any:
        try:
            y = (z := self.norm(x.clone().detach().contiguous().cuda()))
        finally:
            del x
        while y is None:
            y = z
        return self.body(y)


def route_of(network: nn.Module) -> Route:
    return route_of_input(network, lambda layer: isinstance(layer, Norm))


@pytest.mark.parametrize("kind", [Plain, ByStatements, BySuper, InALoop, ByFlags, OutOfABatch, Keeps])
def test_the_input_is_followed_to_the_layer_that_takes_it(kind: type[Net]) -> None:
    network = kind()
    route = route_of(network)
    assert [name for name, _ in route.layers] == ["norm", "body"]
    assert route.layers[0][1] is network.norm
    assert (route.decided, route.end) == (True, "the input is given to 'body'")


def test_images_of_a_list_are_given_one_by_one() -> None:
    route = route_of(ByImage())
    assert [name for name, _ in route.layers] == ["norm"]
    assert route.end == "the input is used in torch.stack([self.norm(image) for image in images])"


def test_containers_and_wrappers_are_seen_through() -> None:
    for network in (
        nn.Sequential(nn.Identity(), nn.Sequential(Plain())),
        nn.DataParallel(Plain()),
        cast(nn.Module, torch.compile(Plain(), backend="eager")),
        nn.Sequential(nn.DataParallel(nn.Sequential(Norm(), nn.Linear(3, 3)))),
    ):
        (_, norm), (_, body) = route_of(network).layers
        assert isinstance(norm, Norm)
        assert isinstance(body, nn.Linear)


class Switched(Net):
    def forward(self, x: Any, switch: bool = True) -> Any:
        if switch:
            x = self.norm(x)
        return self.body(x)


class InTraining(Net):
    def forward(self, x: Any) -> Any:
        return self.body(x if self.training else self.norm(x))


class ByClassFlag(Net):
    def forward(self, x: Any) -> Any:
        if not self.flag:
            x = x / 255
        return self.norm(x)


class ByBreak(Net):
    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            if x.shape[0] > 1:
                continue
            x = layer(x)
        return self.other(x)


class Twice(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(x), self.body(x)


class Stored(Net):
    def forward(self, x: Any) -> Any:
        self.last = x
        return self.norm(x)


class WrittenTo(Net):
    def forward(self, x: Any) -> Any:
        x[:, 0] = 0
        return self.norm(x)


class ByFunction(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(torch.div(x, 255))


class ByNamesake(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(torch.float(x))  # type: ignore[operator]


class MadeOfIt(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(x), [abs, x.div][0](255)


class Integers(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(x.to(torch.uint8))


class SomeChannels(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(x[:, :3])


class Closure(Net):
    def forward(self, x: Any) -> Any:
        def scaled() -> Any:
            return x / 255

        return self.norm(x) if scaled is None else self.norm(scaled())


class ByLambda(Net):
    def forward(self, x: Any) -> Any:
        made: Any = lambda: x / 255  # noqa: E731
        return self.norm(made())


class Unfollowed(Net):
    def forward(self, x: Any) -> Any:
        chosen = self.norm if x is None else self.body
        return chosen(x)


class Recursive(Net):
    def forward(self, x: Any) -> Any:
        return self.forward(self.norm(x)) if self.training else self.again(x)

    def again(self, x: Any) -> Any:
        return self.forward(x)


class ByItself(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(x)

    def __call__(self, x: Any) -> Any:
        return super().__call__(x / 255)


def decorated(function: Any) -> Any:
    return lambda self, x: function(self, x / 255)


class Decorated(Net):
    @decorated
    def forward(self, x: Any) -> Any:
        return self.norm(x)


class Untouched(Net):
    def forward(self, x: Any) -> Any:
        return self.norm(torch.zeros(x.shape))


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (Switched, "the input is given to 'norm' and to 'body'"),
        (InTraining, "the input is given to 'norm' and to 'body'"),
        (ByClassFlag, "the input is used in x / 255"),
        (ByBreak, "the input is given to 'norm' and to 'body' and to 'other'"),
        (Twice, "the input is given to 'norm' and to 'body'"),
        (Stored, "the input is used in self.last = ..."),
        (WrittenTo, "the input is used in x[:, 0] = ..."),
        (ByFunction, "the input is used in torch.div(x, 255)"),
        (ByNamesake, "the input is used in torch.float(x)"),
        (MadeOfIt, "the input is used in x.div"),
        (Integers, "the input is used in x.to(torch.uint8)"),
        (SomeChannels, "the input is used in x[:, :3]"),
        (Closure, "the input is used in def scaled() -> Any: return x / 255"),
        (ByLambda, "the input is used in lambda: x / 255"),
        (Unfollowed, "the input is used in chosen(x)"),
        (Recursive, "the forward of the Recursive cannot be followed"),
        (ByItself, "the ByItself has a __call__ of its own"),
        (Decorated, "the forward of the Decorated cannot be followed: it is no function of its own"),
        (Untouched, "no layer is seen to take the input"),
    ],
)
def test_what_is_done_to_the_input_ends_the_route_undecided(kind: type[Net], end: str) -> None:
    route = route_of(kind())
    assert (route.layers, route.decided, route.end) == ((), False, end)


def test_a_forward_without_source_and_a_replaced_one_are_not_followed() -> None:
    space: dict[str, Any] = {"Net": Net}
    exec("class Made(Net):\n    def forward(self, x):\n        return self.norm(x)", space)  # noqa: S102
    assert route_of(space["Made"]()).end == "the forward of the Made cannot be followed: its source is not at hand"
    network = Plain()
    network.forward = lambda x: network.norm(x / 255)  # type: ignore[method-assign]
    assert route_of(network).end == "the forward of the Plain cannot be followed"


def test_a_hook_in_front_of_a_layer_ends_the_route() -> None:
    network = Plain()
    network.norm.register_forward_pre_hook(lambda _, args: (args[0] / 255,))
    assert route_of(network) == Route((), "'norm' has a forward pre-hook", decided=False)


def test_nothing_is_run_and_a_large_network_is_one_layer() -> None:
    class Fails(Net):
        @property
        def strange(self) -> Any:
            raise AssertionError

        def forward(self, x: Any) -> Any:
            if self.strange:
                return self.body(self.norm(x))
            raise AssertionError

    assert [name for name, _ in route_of(Fails()).layers] == ["norm", "body"]
    network = nn.Sequential(models.resnet18(), Norm())
    assert [name for name, _ in route_of(network).layers] == ["0"]
