"""Calls: the repository's functions and classes are followed, everything else is kept as a call."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from tare.code.interpreter.frame import DEEPEST_CALL, Frame, Run
from tare.code.interpreter.source import Spot
from tare.code.interpreter.syntax.arguments import option
from tare.code.interpreter.syntax.builtins import of_builtin, of_method
from tare.code.interpreter.syntax.changes.arrays import change, changed_parameters, reaches_out
from tare.code.interpreter.syntax.changes.attributes import set_attribute, set_unknown
from tare.code.interpreter.syntax.loading import of_loading
from tare.code.interpreter.syntax.making import made
from tare.code.interpreter.values import (
    UNKNOWN,
    Call,
    Choice,
    Class,
    Function,
    Instance,
    Items,
    Library,
    Literal,
    ModuleOf,
    Parameter,
    Table,
    Value,
    alternatives,
    joined,
    named,
    narrowed,
    softened,
)

#: Decorators that keep what a function returned.
_CACHING = re.compile(r"(functools\.)?(cache|lru_cache)(\(.*\))?", re.DOTALL)
Args = tuple[Value, ...]
Keywords = Mapping[str, Value]


def call(frame: Frame, callee: Value, args: Args, keywords: Keywords, spot: Spot, *, spread: bool = False) -> Value:
    """What a call returns."""
    if isinstance(callee, Function):
        return _function(frame, callee, args, keywords, spot, spread)
    if isinstance(callee, Class):
        return instance(frame, callee, args, keywords, spot, spread)
    if isinstance(callee, Instance):
        return _object(frame, callee, args, keywords, spot)
    if isinstance(callee, Library):
        found = of_builtin(frame, callee.name, args, keywords, spot, spread=spread)
        if found is None:
            found = of_loading(frame, callee.name, args, keywords, spot)
        return made(frame, callee.name, args, spot.node, keywords=keywords, spread=spread) if found is None else found
    if isinstance(callee, Call):
        return _symbol(frame, callee, args, keywords, spot, spread)
    return made(frame, "()", args, spot.node, callee, keywords=keywords, spread=spread)


def _symbol(frame: Frame, callee: Call, args: Args, keywords: Keywords, spot: Spot, spread: bool) -> Value:
    if callee.function == "functools.partial" and callee.args:
        return call(frame, callee.args[0], (*callee.args[1:], *args), {**callee.keywords, **keywords}, spot, spread=spread)
    if not callee.function.startswith("@"):
        return made(frame, "()", args, spot.node, callee, keywords=keywords, spread=spread)
    name = callee.function[1:]
    found = of_method(frame, callee.receiver, name, args, keywords, spot, spread=spread)
    if found is None:
        found = made(frame, f".{name}", args, spot.node, callee.receiver, keywords=keywords, spread=spread)
    return found


def _function(frame: Frame, callee: Function, args: Args, keywords: Keywords, spot: Spot, spread: bool = False) -> Value:
    if args or keywords or spread or not frame.run.matters(callee.node) or not _is_cached(callee):
        return _followed(frame, callee, args, keywords, spot, spread)
    found = frame.run.engine.once(callee)
    frame.run.use(found)
    return narrowed(found, frame.decisions)


def _is_cached(callee: Function) -> bool:
    """Whether a function of a module keeps what it returned (``functools.cache``, ``functools.lru_cache``)."""
    decorators = getattr(callee.node, "decorator_list", ())
    is_of_module = callee.bound is None and len(callee.closure) <= 1
    return is_of_module and any(_CACHING.fullmatch(ast.unparse(each)) for each in decorators)


def _followed(frame: Frame, callee: Function, args: Args, keywords: Keywords, spot: Spot, spread: bool) -> Value:
    if callee.node in frame.nodes or len(frame.nodes) >= DEEPEST_CALL or not _may_enter(frame, callee, args):
        value = made(frame, f"user.{callee.name}", args, spot.node, keywords=keywords)
        _forget(frame, callee, args, keywords)
        return value
    if callee.bound is not None and callee.kind != "staticmethod":
        args = (callee.bound, *args)
    names = bound_arguments(callee, args, keywords, softly=False, spread=spread)
    return run_function(frame, callee, names)


def _may_enter(frame: Frame, callee: Function, args: Args) -> bool:
    run, always = frame.run, False
    if not run.matters(callee.node):
        known = run.reaching.get(callee.node)
        always = run.reaching[callee.node] = reaches_out(callee.source, callee.node) if known is None else known
    return run.may_enter(callee, args, always=always)


#: What a function may change in place.
_CHANGEABLE = frozenset((Call, Choice, Class, Instance, Items, ModuleOf, Table))


def _forget(frame: Frame, callee: Function, args: Args, keywords: Keywords) -> None:
    """What a function that is not followed changes of its arguments is not known afterwards."""
    # Most functions that are not followed get nothing that can be changed.
    if not any(type(each) in _CHANGEABLE for each in (*args, *keywords.values())):
        return
    changing = changed_parameters(callee.node)
    if not changing:
        return
    given = callee.node.args
    names = [each.arg for each in (*given.posonlyargs, *given.args)]
    if callee.bound is not None and callee.kind != "staticmethod":
        args = (callee.bound, *args)
    for name, value in (*zip(names, args, strict=False), *keywords.items()):
        if name in changing and name != "self":
            for _, each in alternatives(value):
                change(frame, each, UNKNOWN)
                for attribute_name in changing[name]:
                    set_attribute(frame, each, attribute_name, UNKNOWN, callee.node)


def run_function(frame: Frame, callee: Function, names: dict[str, Value]) -> Value:
    """Carry out a function whose parameters have these values, and return what it returns."""
    frame.run.entered.add(callee.node)
    inner = Frame(
        frame.run,
        callee.source,
        names,
        callee.closure,
        frame.decisions,
        (*frame.within, callee.name),
        (*frame.nodes, callee.node),
        f"{callee.source.path}:{callee.name}",
    )
    run, key = frame.run, (frame.run.entry, callee.node)
    before = run.steps
    if isinstance(callee.node, ast.Lambda):
        return run.engine.evaluate(inner, callee.node.body)
    run.engine.execute(inner, callee.node.body)
    run.spent[key] = run.spent.get(key, 0) + run.steps - before
    inner.returned()
    for name in inner.again:
        if name[0] == ".":
            frame.note_again(name)
    if inner.shared:
        _share(frame, inner, callee)
    if inner.alive and not inner.returns:
        return Literal(None)
    return joined(inner.returns) if len(inner.returns) != 1 else inner.returns[0][1]


def _share(frame: Frame, inner: Frame, callee: Function) -> None:
    """Give a module the values that a function of it gave its variables."""
    of_module: Mapping[str, Value] = callee.closure[-1] if callee.closure else {}
    path, run = callee.source.path, frame.run
    new = {name: inner.names[name] for name in inner.shared if name in inner.names}
    new = {name: value for name, value in new.items() if of_module.get(name) is not value}
    # While a program itself is carried out, one statement comes after the other.
    is_in_order = not frame.arms and not frame.loops and not frame.nodes
    if run.entry == path and not frame.arms and not frame.loops and isinstance(of_module, dict):
        of_module.update({name: value for name, value in new.items() if not isinstance(value, Literal) or name not in of_module})
        return
    if is_in_order and run.entry != path:
        for name, value in new.items():
            if not isinstance(value, Literal):
                run.write(run.module_of(path), name, value)
    if new:
        run.engine.share(path, callee.name, new)


def bound_arguments(callee: Function, args: Args, keywords: Keywords, *, softly: bool, spread: bool = False) -> dict[str, Value]:
    """The values of a function's parameters; ``softly`` if the caller is not known, so that a default may be replaced.

    With ``spread`` there are arguments that are not known, and a parameter that is not given otherwise may be any of them.
    """
    given = callee.node.args
    positional = [*given.posonlyargs, *given.args]
    names: dict[str, Value] = {}
    for each in (*positional, *given.kwonlyargs):
        default = callee.defaults.get(each.arg)
        if spread and not softly:
            names[each.arg] = UNKNOWN
        elif default is None:
            names[each.arg] = Parameter(each.arg, Spot(callee.source, each)) if softly else UNKNOWN
        else:
            names[each.arg] = softened(default) if softly else default
    for parameter, value in zip(positional, args, strict=False):
        names[parameter.arg] = named(value, parameter.arg) if parameter.arg != "self" else value
    if given.vararg:
        names[given.vararg.arg] = UNKNOWN if softly else Items(tuple(args[len(positional) :]))
    names |= {key: value for key, value in keywords.items() if key in names}
    if given.kwarg:
        rest = {key: value for key, value in keywords.items() if key not in names}
        names[given.kwarg.arg] = UNKNOWN if softly else Table({**rest})
    return names


def instance(frame: Frame, cls: Class, args: Args, keywords: Keywords, spot: Spot, spread: bool = False) -> Value:
    """A new object of a class of the repository, after its ``__init__``."""
    new = Instance(cls, frame.run.new_key())
    new.made = made(frame, f"new.{cls.name}", args, spot.node, new, keywords=keywords)
    frame.run.log.append(new.made)
    frame.run.instances.setdefault(cls.node, []).append(new)
    maker = method(frame, cls, "__new__")
    if maker is not None:
        _set_in(frame, maker, new)
    begin = method(frame, cls, "__init__")
    if begin is not None and (is_plain_layer(frame.run, cls) or not frame.run.may_enter(begin)):
        return new
    if begin is not None and begin.node not in frame.nodes and len(frame.nodes) < DEEPEST_CALL:
        run_function(frame, begin, bound_arguments(begin, (new, *args), keywords, softly=False, spread=spread))
    elif begin is None:
        fields = [
            each.target.id for each in cls.node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        ]
        for name, value in [*zip(fields, args, strict=False), *keywords.items()]:
            frame.run.write(new, name, named(value, name))
        after = method(frame, cls, "__post_init__")
        if after is not None and after.node not in frame.nodes and len(frame.nodes) < DEEPEST_CALL:
            run_function(frame, after, bound_arguments(after, (new,), {}, softly=False))
    return new


def _set_in(frame: Frame, maker: Function, new: Instance) -> None:
    """The attributes that ``__new__`` sets of objects are not known, since it may give any object."""
    for each in ast.walk(maker.node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
            frame.run.write(new, each.attr, UNKNOWN)
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in ("setattr", "vars"):
            set_unknown(frame, new)


#: What a layer or module may say that matters; one without such a word is only layers.
_SAYS = re.compile(
    r"pretrained|timm|models\.|applications|Normali[sz]|normalize|255|preprocess|transform|weights|mean|get_|build|create|load"
)
_LAYERS = ("Module", "Layer", "Model", "LightningModule", "Sequential")


def is_plain_layer(run: Run, cls: Class) -> bool:
    """Whether a class is a network's part that says nothing of its inputs: following it only costs time."""
    if cls.node not in run.plain:
        run.plain[cls.node] = _is_plain_layer(cls)
    return run.plain[cls.node]


def is_layer(cls: Class) -> bool:
    """Whether a class is a network or a part of one."""
    return any(isinstance(base, Library) and base.name.rpartition(".")[2] in _LAYERS for base in cls.bases)


def _is_plain_layer(cls: Class) -> bool:
    return is_layer(cls) and _SAYS.search(cls.source.segment(cls.node)) is None


def method(frame: Frame, cls: Class, name: str) -> Function | None:
    """A method of a class or of one of its bases in the repository."""
    found = class_attribute(frame, cls, name)
    return found if isinstance(found, Function) else None


def class_attribute(frame: Frame, cls: Class, name: str) -> Value | None:
    """An attribute of a class or of its bases in the repository."""
    found = frame.run.heap.of_class(cls, name, frame.run.entry)
    return None if found is None else narrowed(found, frame.decisions)


def _object(frame: Frame, callee: Instance, args: Args, keywords: Keywords, spot: Spot) -> Value:
    act = method(frame, callee.cls, "__call__") or (method(frame, callee.cls, "forward") if is_layer(callee.cls) else None)
    if act is not None:
        bound = Function(act.node, act.source, act.name, act.defaults, act.closure, callee, act.kind)
        return _function(frame, bound, args, keywords, spot)
    return made(frame, "()", args, spot.node, callee, keywords=keywords)


def attribute(frame: Frame, owner: Value, name: str, spot: Spot) -> Value:
    """An attribute of a value."""
    if isinstance(owner, Library):
        return Library(f"{owner.name}.{name}")
    if isinstance(owner, Instance):
        return _of_instance(frame, owner, name, spot)
    if isinstance(owner, Class):
        return class_attribute(frame, owner, name) or UNKNOWN
    if isinstance(owner, ModuleOf):
        return _of_module(frame, owner, name)
    if isinstance(owner, Choice):
        return joined([(decisions, attribute(frame, each, name, spot)) for decisions, each in owner.options])
    return _of_another(frame, owner, name, spot)


def _of_another(frame: Frame, owner: Value, name: str, spot: Spot) -> Value:
    run = frame.run
    own = run.read(owner, name) if owner in run.heap.names else None
    found = (
        own
        or (held_by(owner) if name == "transforms" else _transform_of(owner) if name == "transform" else None)
        or _entry(owner, name)
        or (option(run.options, owner, name) if run.options else None)
    )
    if found is None:
        return Call(f"@{name}", (), {}, spot, owner, frame.decisions, frame.within, run.entry)
    return narrowed(found, frame.decisions)


def _entry(owner: Value, name: str) -> Value | None:
    """An entry of a dictionary that is asked for as an attribute, which only one in the dress of an object can be."""
    return owner.entries.get(name) if isinstance(owner, Table) and not owner.spread else None


def _of_instance(frame: Frame, owner: Instance, name: str, spot: Spot) -> Value:
    own = frame.run.read(owner, name)
    if own is not None:
        return narrowed(own, frame.decisions)
    found = class_attribute(frame, owner.cls, name)
    if isinstance(found, Function) and found.kind != "staticmethod":
        bound = Function(found.node, found.source, found.name, found.defaults, found.closure, owner, found.kind)
        return _function(frame, bound, (), {}, spot) if found.kind in ("property", "cached_property") else bound
    if found is not None:
        return found
    return Call(f"@{name}", (), {}, spot, owner, frame.decisions, frame.within, frame.run.entry)


#: Pipelines that hold the list of steps that they are given, and no copy of it.
_HOLDING = frozenset(("Compose", "RandomApply", "RandomChoice", "RandomOrder", "OneOf", "SomeOf", "OneOrOther"))


def held_by(call: Value) -> Value | None:
    """The list of steps that a pipeline of torchvision or Albumentations holds; None for anything else."""
    if not isinstance(call, Call) or call.last not in _HOLDING or call.spread:
        return None
    if not call.function.startswith(("torchvision.transforms", "albumentations.")):
        return None
    return call.argument(0, "transforms")


def _transform_of(call: Value) -> Value | None:
    """The transform that a folder of images was given; None for anything else."""
    is_folder = isinstance(call, Call) and call.function == "torchvision.datasets.ImageFolder" and not call.spread
    return call.argument(1, "transform") if is_folder and isinstance(call, Call) else None


def settle(run: Run) -> None:
    """Give pipelines that hold a list the steps that are in it at the end of the program."""
    for owner, name, value in run.heap.of_calls():
        _settle_network(owner, name, value)
    for call in run.log if run.heap.names or run.heap.moved else ():
        _settle_transform(run, call)
        if call.last == "DataLoader" and "collate_fn" in run.heap.names.get(call, ()):
            together = run.heap.read((call, "collate_fn", call.entry)) or UNKNOWN
            call.keywords = {**call.keywords, "collate_fn": together}
        held = held_by(call)
        if held is None:
            continue
        given = run.heap.read((call, "transforms", call.entry)) or held
        now = run.now(given, call.decisions, call.entry)
        if now is held:
            continue
        if call.args:
            call.args = (now, *call.args[1:])
        else:
            call.keywords = {**call.keywords, "transforms": now}


#: Parts of a network behind those that images go through first, and what is no part of one.
_BEHIND = re.compile(
    r"fc|head|classif|logit|last|pool|drop|aux|loss|optim|out|decod|final|act|train|cfg|config|device|name|label"
)
#: Calls that give the network itself back.
_SAME = frozenset((".eval", ".to", ".cuda", ".cpu", ".half", ".float", ".train", ".requires_grad_"))


def _settle_network(owner: Value, name: str, value: Value) -> None:
    """Note that code has replaced a part of a network, or what it does first."""
    # Another convolution takes the images as they are.
    is_changed = not _BEHIND.search(name.lower()) and any(
        not isinstance(each, Literal | Items) and not (isinstance(each, Call) and each.last.startswith("Conv"))
        for _, each in alternatives(value)
    )
    while is_changed and isinstance(owner, Call):
        owner.changed = True
        owner = owner.receiver if owner.function in _SAME or owner.function.startswith("@") else UNKNOWN


def _settle_transform(run: Run, call: Call) -> None:
    """Give a dataset of torchvision the transform that code gave it after it was made."""
    names = run.heap.names.get(call, ()) if call.function.startswith("torchvision.datasets.") else ()
    for name in ("transform", "transforms") if names else ():
        if name in names:
            after = run.heap.read((call, name, call.entry)) or UNKNOWN
            before = call.argument(1, "transform")
            call.args = tuple([after if each is before else each for each in call.args])
            call.keywords = {**call.keywords, "transform": after} if before is None or before not in call.args else call.keywords
            if before is not None and before in call.keywords.values():
                call.keywords = {key: after if each is before else each for key, each in call.keywords.items()}


def _of_module(frame: Frame, owner: ModuleOf, name: str) -> Value:
    names = frame.run.engine.module(owner.path)
    names = frame.run.exported.get(owner.path, names)
    own = frame.run.read(frame.run.module_of(owner.path), name) if owner.path in frame.run.modules else None
    if own is not None:
        return narrowed(own, frame.decisions)
    if name in names:
        frame.run.use(names[name])
        # What the module has done to it is done; what this program does to it is another matter.
        return frame.run.now(names[name], frame.decisions, owner.path)
    return frame.run.engine.submodule(owner.path, name)
