"""Every place in the source that says an event, and the fields that it says: read from the code, nothing is run."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from glimpsed.events import Event

PACKAGE = Path(__file__).parents[1] / "daemon" / "glimpsed"

ONE_OF_SEVERAL = {
    # functions that are handed the event, or ask somebody which one it is
    "service.py:_tell_encoder": (
        *(Event.ENCODER_CHOSEN, Event.ENCODER_UNLOADED, Event.ENCODER_FAILED),
        *(Event.DEVICE_LOST, Event.DEVICE_STILL_LOST, Event.DEVICE_BACK),
    ),
    "telling.py:keep_vigil": (Event.PART_STUCK, Event.PART_ANSWERS),
    "indexing/follow.py:look": (Event.REFRESH_STARTED, Event.REFRESH_PROGRESS, Event.REFRESH_FINISHED),
    "indexing/look.py:_tell": (Event.PICTURE_MISSING, Event.PICTURE_MOVED),
}


_Node = TypeVar("_Node", bound=ast.AST)


class Place(NamedTuple):
    """One place that says something."""

    where: str
    events: tuple[Event, ...]
    """Which it may say."""
    fields: frozenset[str]


def places() -> Iterator[Place]:
    """All of them; a call that hands `Event.X` on with fields of its own is one, too."""
    for module in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(module.read_text("utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                where = f"{module.relative_to(PACKAGE)}:{function.name}"
                for call in _own(function, ast.Call):
                    if events := _events(call, function, where):
                        yield Place(f"{where}:{call.lineno}", events, frozenset(_fields(call, function)))
                for pair in _own(function, ast.Tuple):
                    if len(pair.elts) == 2 and isinstance(pair.elts[1], ast.Dict):
                        events = tuple(_named(pair.elts[0]))
                        yield Place(f"{where}:{pair.lineno}", events, frozenset(_keys(pair.elts[1])))


def _own(function: ast.AST, kind: type[_Node]) -> Iterator[_Node]:
    """The nodes of a kind in a function, without those of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, kind):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _own(node, kind)


def _events(call: ast.Call, function: ast.AST, where: str) -> tuple[Event, ...]:
    named = [event for one in call.args for event in _named(one)]
    says = isinstance(call.func, ast.Attribute) and call.func.attr == "say"
    if named or not says:
        return tuple(named)
    assert isinstance(call.args[0], ast.Name), where
    return tuple(_assigned(call.args[0].id, function)) or ONE_OF_SEVERAL[where]


def _named(node: ast.AST) -> Iterator[Event]:
    if isinstance(node, ast.IfExp):
        yield from _named(node.body)
        yield from _named(node.orelse)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event":
        yield Event[node.attr]


def _assigned(name: str, function: ast.AST) -> Iterator[Event]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            for part in ast.walk(node.value):
                yield from _named(part)


def _fields(call: ast.Call, function: ast.AST) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg
            continue
        assert isinstance(keyword.value, ast.Name)
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == keyword.value.id:
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Dict):
                        yield from _keys(part)


def _keys(literal: ast.Dict) -> Iterator[str]:
    return (str(key.value) for key in literal.keys if isinstance(key, ast.Constant))
