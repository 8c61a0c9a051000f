"""A Tracker as bytes and back, whatever attributes it has.

Bytes carry values, never code: they name classes of this package, whose instances get their attributes without
anything being called. Damage is refused. Bytes forged with care give at worst a tracker that miscounts, fails or never
returns: they are for whoever keeps them, not for strangers. What is not a plain value, an array, a VQF or one of our
objects is refused when saved.

One line `hiprep.state/1 FORM SHA-256`, then JSON: a number, text, bool or null is itself; anything else is a list
that begins with what it is, in MAKERS' words. `["@", n]` is the n-th list again, in the order in which they begin,
so that what was one object is one object again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import sys
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from vqf import VQF

from processing.errors import ProcessingError
from processing.exercise import Exercise
from processing.exercises import EXERCISES, exercise_named

SCHEMA = b"hiprep.state/1"
OURS = re.compile(r"processing(\.\w+)*|sensor\.samples")
NUMBERS = re.compile(r"[<|=>][biuf][1248]")  # numpy's names of plain numbers


def saved(root: object, form: str) -> bytes:
    """`form` says which code it belongs to. Raises ProcessingError for what cannot be stored."""
    body = json.dumps(_Writer().node(root), separators=(",", ":")).encode()
    return b"%s %s %s\n" % (SCHEMA, form.encode(), hashlib.sha256(body).hexdigest().encode()) + body


def restored(data: bytes, kind: type, form: Callable[[Any], str]) -> Any:
    """The object of this kind that was saved, if its form is the one that this code gives it; or ProcessingError."""
    head, _, body = data.partition(b"\n")
    words = head.split(b" ")
    if len(words) != 3 or words[0] != SCHEMA:
        raise ProcessingError(f"not a saved state (wanted {SCHEMA.decode()}, got {head[:20]!r})")
    if words[2].decode("latin-1") != hashlib.sha256(body).hexdigest():
        raise ProcessingError("a saved state is damaged (wanted the SHA-256 that it carries, got another)")
    try:
        root = _Reader().value(json.loads(body))
        wanted = form(root) if isinstance(root, kind) else None
    except Exception as error:  # whatever a stranger may have written into it
        got = type(error).__name__
        raise ProcessingError(f"a saved state is damaged (wanted a {kind.__name__}, got {got})") from error
    if wanted is None:
        raise ProcessingError(f"not a saved state (wanted a {kind.__name__}, got {type(root).__name__})")
    if wanted.encode() != words[1]:
        raise ProcessingError(f"a saved state is of other code (wanted {wanted}, got {words[1].decode('latin-1')})")
    return root


class _Writer:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def node(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if (number := self._seen.get(id(value))) is not None:
            return ["@", number]
        self._seen[id(value)] = len(self._seen)
        if kind in (list, tuple):
            return [kind.__name__, *map(self.node, value)]
        if kind is deque:
            return ["deque", value.maxlen, *map(self.node, value)]
        if kind is dict:
            return ["dict", *(self.node(part) for pair in value.items() for part in pair)]
        if kind is array:
            return ["array", value.typecode, _text(value.tobytes())]
        if kind is np.ndarray and NUMBERS.fullmatch(value.dtype.str):
            # Rows or columns first, as it was: sums of it must come out the same to the last bit.
            order = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
            plain = np.ascontiguousarray(value.transpose(order))
            return ["ndarray", value.dtype.str, plain.shape, order, _text(plain.tobytes())]
        if isinstance(value, np.generic) and NUMBERS.fullmatch(value.dtype.str):
            return ["scalar", value.dtype.str, _text(value.tobytes())]
        if kind is VQF:
            times = [value.coeffs[name] for name in ("gyrTs", "accTs", "magTs")]
            return ["vqf", times, value.params, value.state]
        if kind is Exercise and EXERCISES.get(value.name) is value:
            return ["exercise", value.name]
        if OURS.fullmatch(kind.__module__) and kind.__module__ in sys.modules:
            name = f"{kind.__module__}:{kind.__qualname__}"
            if _is_named_tuple(kind):
                return ["named", name, *map(self.node, value)]
            if _is_plain(kind):
                return ["object", name, {key: self.node(part) for key, part in _attributes(value)}]
        got = f"{kind.__module__}.{kind.__name__}"
        raise ProcessingError(f"a state holds what cannot be stored (wanted plain values, got {got})")


class _Reader:
    def __init__(self) -> None:
        self._made: list[Any] = []

    def value(self, node: Any) -> Any:
        if type(node) is not list:
            return node
        what, *parts = node
        if what == "@":
            return self._made[parts[0]]
        number = len(self._made)
        self._made.append(None)
        made = self._made[number] = MAKERS[what](self, number, *parts)
        return made

    def _list(self, number: int, *parts: Any) -> list:
        made = self._made[number] = []  # known before its items, which may hold it
        made.extend(map(self.value, parts))
        return made

    def _tuple(self, number: int, *parts: Any) -> tuple:
        return tuple(map(self.value, parts))

    def _deque(self, number: int, maxlen: int | None, *parts: Any) -> deque:
        made = self._made[number] = deque(maxlen=maxlen)
        made.extend(map(self.value, parts))
        return made

    def _dict(self, number: int, *parts: Any) -> dict:
        made = self._made[number] = {}
        values = list(map(self.value, parts))
        made.update(zip(values[::2], values[1::2], strict=True))
        return made

    def _array(self, number: int, typecode: str, text: str) -> array:
        return array(typecode, _bytes(text))

    def _ndarray(self, number: int, dtype: str, shape: list[int], order: list[int], text: str) -> np.ndarray:
        plain = np.frombuffer(_bytes(text), _number(dtype)).reshape(shape).copy()
        return plain.transpose(np.argsort(order).tolist())

    def _scalar(self, number: int, dtype: str, text: str) -> np.generic:
        (made,) = np.frombuffer(_bytes(text), _number(dtype))
        return made

    def _vqf(self, number: int, times: list[float], params: dict[str, Any], state: dict[str, Any]) -> VQF:
        for value in (*times, *params.values()):
            if type(value) is not bool and not 0 < value < math.inf:  # VQF would end the process
                raise ValueError(value)
        made = VQF(*times, **params)
        made.state = state
        return made

    def _exercise(self, number: int, name: str) -> Exercise:
        return exercise_named(name)

    def _named(self, number: int, name: str, *parts: Any) -> tuple:
        kind = _class(name)
        if not _is_named_tuple(kind):
            raise TypeError(name)
        return kind._make(map(self.value, parts))

    def _object(self, number: int, name: str, attributes: dict[str, Any]) -> object:
        kind = _class(name)
        if not _is_plain(kind):
            raise TypeError(name)
        made = self._made[number] = object.__new__(kind)
        fixed = _slots(kind)
        if fixed and attributes.keys() != set(fixed):
            raise ValueError(name)
        for key, node in attributes.items():
            if key.startswith("__"):
                raise ValueError(key)
            object.__setattr__(made, key, self.value(node))
        return made


MAKERS: dict[str, Callable[..., Any]] = {
    "list": _Reader._list, "tuple": _Reader._tuple, "deque": _Reader._deque, "dict": _Reader._dict,
    "array": _Reader._array, "ndarray": _Reader._ndarray, "scalar": _Reader._scalar, "vqf": _Reader._vqf,
    "exercise": _Reader._exercise, "named": _Reader._named, "object": _Reader._object,
}  # fmt: skip


def _class(name: str) -> type:
    module, _, qualname = name.partition(":")
    if not OURS.fullmatch(module):
        raise TypeError(name)
    kind = getattr(sys.modules[module], qualname)
    if not isinstance(kind, type) or kind.__module__ != module:
        raise TypeError(name)
    return kind


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")


def _is_plain(kind: type) -> bool:
    """Its instances are their attributes and nothing else."""
    return kind.__new__ is object.__new__


def _slots(kind: type) -> list[str]:
    return [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]


def _attributes(value: object) -> list[tuple[str, Any]]:
    fixed = [(name, getattr(value, name)) for name in _slots(type(value))]
    return fixed + list(getattr(value, "__dict__", {}).items())


def _number(dtype: str) -> np.dtype:
    if not NUMBERS.fullmatch(dtype):
        raise TypeError(dtype)
    return np.dtype(dtype)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
