"""Random fronts of the layers that the reader knows: what it states is what Keras computes, or it states nothing."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tare.input_spec.spec import InputSpec, Known, Unknown
from tare.readers.keras.file import spec_of_model_config
from tests.readers.keras.test_file import keras_of_test

#: Shapes of one sample; several edges are 3, so that an axis that is taken for another is not told by its length.
SHAPES = [(6, 5, 3), (3, 3, 3), (3, 3, 3), (5, 4, 1), (3, 6, 5), (4, 5, 4), (3, 3), (6, 3), (3, 5), (4,), (3,), (2, 4, 5, 3)]
MOST_STEPS = 6


@dataclass
class Front:
    """One random front. ``runs`` builds the same with flips where slices go backwards, which torch cannot compute."""

    keras: Any
    seed: int
    runs: bool
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.shape = self.rng.choice(SHAPES)
        self.start = self.keras.Input(self.shape)
        self.made = [self.start]
        self.constants = np.random.default_rng(self.seed)
        for _ in range(self.rng.randint(1, MOST_STEPS)):
            self.made.append(self.step(self.made[-1]))
        self.heads = [self.made[-1]]
        if self.rng.random() < 0.15:
            self.heads.append(self.rng.choice(self.made[-3:]))

    def array(self, *shape: int) -> Any:
        """Positive constants."""
        return self.constants.uniform(0.5, 2.0, shape).astype("float32").tolist()

    def step(self, x: Any, depth: int = 0) -> Any:
        """A random step; ``x`` itself where a step does not fit."""
        names = [name for name in dir(self) if name.startswith("do_")]
        name = self.rng.choice(names)
        try:
            made = getattr(self, name)(x, depth)
        except (ValueError, IndexError, KeyError, TypeError, RuntimeError):
            return x
        self.steps.append(name[3:])
        return made

    def seldom(self) -> None:
        """Pass over most of the steps that are never read, or few fronts of several steps would be."""
        if self.rng.random() < 0.8:
            raise ValueError

    def do_scale(self, x: Any, _: int) -> Any:
        return self.keras.layers.Rescaling(self.rng.choice([1 / 255, 0.5, 2.0]), offset=self.rng.choice([0, -1.0]))(x)

    def do_scale_each(self, x: Any, _: int) -> Any:
        scale: Any = self.array(x.shape[-1])
        kind: Any = self.rng.choice([list, np.array, lambda each: np.array(each).reshape([1] * (len(x.shape) - 1) + [-1])])
        return self.keras.layers.Rescaling(kind(scale), offset=self.rng.choice([0.0, kind(scale)]))(x)

    def do_scale_places(self, x: Any, _: int) -> Any:
        self.seldom()
        return self.keras.layers.Rescaling(np.array(self.array(x.shape[-2], 1)))(x)

    def do_normalise(self, x: Any, _: int) -> Any:
        axis = self.rng.choice([-1, -1, None, *range(1, len(x.shape)), -2])
        count = [] if axis is None or self.rng.random() < 0.2 else [x.shape[axis]]
        return self.keras.layers.Normalization(axis=axis, mean=self.array(*count), variance=self.array(*count))(x)

    def do_normalise_places(self, x: Any, _: int) -> Any:
        self.seldom()
        places = x.shape[1:3]
        return self.keras.layers.Normalization(axis=(1, 2), mean=self.array(*places), variance=self.array(*places))(x)

    def do_arithmetic(self, x: Any, _: int) -> Any:
        shape = self.rng.choice([[], [x.shape[-1]], [1, x.shape[-1]], [x.shape[-2], 1] if len(x.shape) > 2 else []])
        constant: Any = self.constants.uniform(0.5, 2.0, shape).astype("float32") if shape else self.rng.uniform(0.5, 2.0)
        ops = self.keras.ops
        makes: list[Any] = [
            lambda: x + constant, lambda: ops.add(constant, x), lambda: x - constant, lambda: -(ops.subtract(constant, x)),
            lambda: x * constant, lambda: x / constant,
        ]  # fmt: skip
        return self.rng.choice(makes)()

    def do_slice(self, x: Any, _: int) -> Any:
        whole, back = slice(None), slice(None, None, -1)
        cut: Any = self.rng.choice(
            [0, -1, slice(0, 1), slice(1, 2), slice(0, 2), slice(-1, None), slice(0, None), back, back, back]
        )
        place = self.rng.randrange(len(x.shape) + 1)
        if place == len(x.shape):
            return self.taken(x, (..., cut), -1)
        ending: Any = (...,) if self.rng.random() < 0.2 else (whole,) * self.rng.randint(0, len(x.shape) - place - 1)
        return self.taken(x, (whole,) * place + (cut, *ending), place)

    def taken(self, x: Any, index: tuple[Any, ...], axis: int) -> Any:
        if slice(None, None, -1) in index and self.runs:
            return self.keras.ops.flip(x, axis=axis)
        return x[index]

    def do_flip(self, x: Any, _: int) -> Any:
        axes = list(range(1, len(x.shape)))
        return self.keras.ops.flip(x, axis=self.rng.choice([-1, self.rng.choice(axes), tuple(axes), [axes[-1]]]))

    def do_join(self, x: Any, _: int) -> Any:
        layers, ops = self.keras.layers, self.keras.ops
        others = [x, *(each for each in self.made if each.shape == x.shape)]
        parts = [x, x] if self.rng.random() < 0.7 else [x, self.rng.choice(others)]
        axis = self.rng.choice([-1, *range(1, len(x.shape))])
        makes: list[Any] = [
            lambda: layers.Average()(parts), lambda: layers.Maximum()(parts), lambda: layers.Minimum()(parts),
            lambda: layers.Concatenate(axis=axis)(parts), lambda: layers.Concatenate(axis=axis)(parts),
            lambda: ops.concatenate(parts, axis=axis), lambda: ops.stack(parts, axis=axis), lambda: layers.Add()(parts),
        ]  # fmt: skip
        return self.rng.choice(makes)()

    def do_shuffle(self, x: Any, _: int) -> Any:
        places = list(range(x.shape[-1]))
        self.rng.shuffle(places)
        places = places[: self.rng.choice([len(places), len(places), 2])]
        if self.rng.random() < 0.4:
            return self.keras.ops.stack([x[..., place] for place in places], axis=self.rng.choice([-1, 1]))
        if self.rng.random() < 0.2:
            return self.keras.layers.Concatenate()([x[..., place] for place in places])
        return self.keras.layers.Concatenate()([x[..., place : place + 1] for place in places])

    def do_places(self, x: Any, _: int) -> Any:
        layers = self.keras.layers
        form = self.rng.choice(["channels_last", "channels_last", "channels_first"])
        kinds: dict[int, list[Any]] = {
            3: [lambda: layers.MaxPooling1D(2, data_format=form), lambda: layers.UpSampling1D(2), lambda: layers.Cropping1D(1)],
            4: [
                lambda: layers.AveragePooling2D(2, data_format=form), lambda: layers.UpSampling2D(2, data_format=form),
                lambda: layers.Cropping2D(1, data_format=form), lambda: layers.GlobalMaxPooling2D(data_format=form),
                lambda: layers.GlobalAveragePooling2D(data_format=form, keepdims=True), layers.RandomFlip,
            ],
            5: [lambda: layers.MaxPooling3D(2, data_format=form), lambda: layers.TimeDistributed(layers.AveragePooling2D(2))],
            2: [lambda: layers.RepeatVector(3), lambda: layers.Dropout(0.5)],
        }  # fmt: skip
        return self.rng.choice(kinds[len(x.shape)])()(x)

    def do_move(self, x: Any, _: int) -> Any:
        layers, order = self.keras.layers, list(range(1, len(x.shape)))
        self.rng.shuffle(order)
        kinds = [layers.Flatten(), layers.Permute(order), layers.Reshape([x.shape[each] for each in order])]
        return self.rng.choice([*kinds, layers.Reshape((-1, x.shape[-1]))])(x)

    def do_wrapped(self, x: Any, _: int) -> Any:
        layers = self.keras.layers
        axis = self.rng.randrange(1, len(x.shape) - 1)
        constants = [self.array(x.shape[axis + 1]) for _ in range(2)]
        inner = layers.Normalization(axis=axis, mean=constants[0], variance=constants[1])
        moves = layers.Permute(range(1, len(x.shape) - 1))
        return layers.TimeDistributed(self.rng.choice([inner, layers.Rescaling(0.5), moves]))(x)

    def do_sequence(self, x: Any, _: int) -> Any:
        parts = [self.keras.layers.Rescaling(0.5, offset=0.1), self.keras.layers.Identity()]
        return self.rng.choice([self.keras.Sequential, self.keras.layers.Pipeline])(parts)(x)

    def do_shared(self, x: Any, _: int) -> Any:
        layer = self.keras.layers.Rescaling(2.0, offset=-0.5)
        return layer(self.keras.layers.Rescaling(0.5)(layer(x)))

    def do_identity(self, x: Any, _: int) -> Any:
        self.seldom()
        return self.keras.layers.Identity()([x, self.rng.choice(self.made)])[0]

    def do_model(self, x: Any, depth: int) -> Any:
        if depth:
            raise ValueError
        inside = made = self.keras.Input(x.shape[1:])
        outside, self.made = self.made, [inside]
        for _ in range(self.rng.randint(1, 3)):
            made = self.step(made, depth + 1)
        self.made = outside
        model = self.keras.Model(inside, made)
        return model(model(x)) if made.shape == x.shape and self.rng.random() < 0.3 else model(x)

    def do_model_of_two(self, x: Any, depth: int) -> Any:
        if depth:
            raise ValueError
        layers, other = self.keras.layers, self.rng.choice(self.made)
        first, second = self.keras.Input(x.shape[1:], name="zed"), self.keras.Input(other.shape[1:], name="arm")
        made = [layers.Rescaling(0.5)(first), layers.Rescaling(3.0, offset=1.0)(second)]
        given: list[Any] = [x, other]
        if self.rng.random() < 0.3:
            made.reverse()
        names = ("zed", "arm")
        takes_names, gives_names, gets_names = (self.rng.random() < 0.4 for _ in range(3))
        if gets_names and not takes_names and x.shape != other.shape:
            raise ValueError  # Keras states shapes by the order of names, and computes by the names
        model = self.keras.Model(
            dict(zip(names, (first, second), strict=True)) if takes_names else [first, second],
            dict(zip(names, made, strict=True)) if gives_names else made,
        )
        results = model(dict(zip(names, given, strict=True)) if takes_names or gets_names else given)
        return self.rng.choice(list(results.values()) if gives_names else results)

    def model(self) -> Any:
        """The front before layers that learn, or as it is where its output has no axis for them."""
        heads = [self.keras.layers.Dense(1)(head) for head in self.heads if len(head.shape) > 1 and head.shape[-1]]
        return self.keras.Model(self.start, heads if heads and self.rng.random() < 0.9 else self.heads)


def stated(spec: InputSpec, colour: Any) -> Any:
    """What the specification says of ``colour``, in the order that it states; None if it says nothing."""
    if not all(isinstance(each, Known) for each in (spec.scale, spec.mean, spec.std)):
        return None
    mean, std = (np.array(spec.require(name)) for name in ("mean", "std"))
    if isinstance(spec.channels, Known) and spec.channels.value == "BGR":
        colour = colour[::-1]
    found = re.search(r"in the order \((.*)\)", spec.channels.reason) if isinstance(spec.channels, Unknown) else None
    if found is not None:
        colour = colour[[int(each) for each in found[1].split(",") if each.strip()]]
    return (spec.require("scale") * colour - mean) / std


def fits(made: Any, wanted: Any) -> bool:
    """Whether ``made`` holds the values ``wanted`` and no others, in this order along the last axis if that holds them."""
    near = np.isclose(made[..., None], wanted, rtol=2e-4, atol=2e-4)
    if not near.any(-1).all() or not near.reshape(-1, len(wanted)).any(0).all():
        return False
    flat = made.reshape(-1, made.shape[-1])
    is_by_channel = made.shape[-1] == len(wanted) and np.allclose(flat, flat[:1], rtol=1e-4, atol=1e-4)
    return not is_by_channel or bool(np.allclose(flat[0], wanted, rtol=2e-4, atol=2e-4))


def checked(keras: Any, seed: int) -> str:
    """``read``, ``refused``, or what is wrong with the specification of one random front."""
    saved, running = Front(keras, seed, runs=False), Front(keras, seed, runs=True)
    if all(head is saved.start for head in saved.heads):
        return "refused"
    assert saved.steps == running.steps
    spec = spec_of_model_config(json.loads(saved.model().to_json()), f"seed {seed}", lambda _: None)
    shape = saved.shape
    axis = 0 if len(shape) == 3 and shape[0] in (1, 3) and shape[-1] not in (1, 3) else len(shape) - 1
    outputs = keras.Model(running.start, running.heads)
    for colour in np.random.default_rng(seed).uniform(20.0, 250.0, (2, shape[axis])):
        if isinstance(spec.mean, Known) and len(spec.mean.value) == 1:
            colour[:] = colour[0]  # one constant for all values, and no statement of which axis holds the channels
        wanted = stated(spec, colour)
        if wanted is None:
            return "refused"
        sample = np.broadcast_to(colour.reshape([-1 if place == axis else 1 for place in range(len(shape))]), shape)
        for made in outputs(sample[None].astype("float32"), training=False):
            values = keras.ops.convert_to_numpy(made).astype(np.float64)
            if not fits(values, wanted):
                return (
                    f"seed {seed}, {shape}, {saved.steps}: {spec.channels}, {wanted}, and keras computes {np.unique(values)[:9]}"
                )
    return "read"


def test_a_random_front_is_read_as_keras_computes_it_or_not_at_all() -> None:
    keras = keras_of_test()
    found = [checked(keras, seed) for seed in range(70)]
    assert [each for each in found if each not in ("read", "refused")] == []
    assert found.count("read") > len(found) // 4
