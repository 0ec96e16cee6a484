"""Named tuples of plain values as JSON, and back, by what their annotations say.

A cache may have been written by somebody else, so nothing in it decides what is built: the annotation of each field
says which values and which class stand there, and whatever else is found makes the whole entry void (`OddError`). Only
the outermost class of a fact is named in the data, and must be a named tuple of a module of `sp404audit.documents`.

A record is the list of its fields. A location in the entry's own file is four numbers, followed by its message where
it has one; only a location elsewhere carries its path.
"""

from __future__ import annotations

import sys
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Region

__all__ = ["OddError", "decode", "encode", "fact_class", "fact_name"]

T = TypeVar("T", bound=tuple[Any, ...])
Record = tuple[Any, ...]

_PLAIN = frozenset({str, int, float, bool, type(None)})
_DOCUMENTS = "sp404audit.documents."
_FACT_NAME = regex(r"([a-z0-9_]+(?:\.[a-z0-9_]+)*):([A-Za-z0-9_]+)")
_MAX_NUMBER = 1 << 31
"""Above every line and column: a file has at most ten million characters."""


class OddError(ValueError):
    """A value that is not what its annotation says, or an annotation that has no form in the cache."""


class _Codec(Protocol):
    """How the values of one class become lists."""

    @property
    def kind(self) -> type[Record]:
        """The class."""

    def encode(self, value: Record, path: str) -> list[Any]:
        """Turn a value into a list."""

    def decode(self, data: list[Any], path: str) -> Record:
        """The way back; the list may be used up."""


class _Shape(NamedTuple):
    """What may stand in a field: plain values of these types, or lists that `nested` reads."""

    plain: frozenset[type]
    nested: _Codec | None


def encode(value: Record, path: str) -> list[Any]:
    """Turn a record into lists and plain values.

    Args:
        value: a named tuple whose annotations are plain types, tuples and such named tuples, or optional ones.
        path: the file that the record is about.

    Raises:
        OddError: when a value or an annotation has no form in the cache.
    """
    return _record(type(value)).encode(value, path)


def decode(kind: type[T], data: object, path: str) -> T:
    """Build a record of the class `kind` from what `encode` made.

    Raises:
        OddError: when the data does not fit the annotations of the class.
    """
    if type(data) is not list:
        raise OddError(f"no list for {kind.__name__}")
    return cast("T", _record(kind).decode(data, path))


def fact_name(kind: type) -> str:
    """The name of a fact's class in the cache: `module:Class` below `sp404audit.documents`."""
    return f"{kind.__module__.removeprefix(_DOCUMENTS)}:{kind.__qualname__}"


_FACT_CLASSES: dict[str, type[Record]] = {}


def fact_class(name: object) -> type[Record]:
    """The class of this name.

    Raises:
        OddError: when it is no named tuple that a module of `sp404audit.documents` defines.
    """
    known = _FACT_CLASSES.get(name) if type(name) is str else None
    return known or _look_up(str(name))


def _look_up(name: str) -> type[Record]:
    import importlib

    written = _FACT_NAME.fullmatch(name)
    if written is None:
        raise OddError("no name of a fact's class")
    module, class_name = written.groups()
    try:
        found = vars(importlib.import_module(_DOCUMENTS + module)).get(class_name)
    except ImportError as error:
        raise OddError("a fact's class is in no module of documents") from error
    if not (isinstance(found, type) and issubclass(found, tuple) and hasattr(found, "_fields")):
        raise OddError("a fact's class is no named tuple")
    if found.__module__ != _DOCUMENTS + module:
        raise OddError("a fact's class is defined elsewhere")
    _FACT_CLASSES[name] = found
    return found


@cache
def _shape(annotation: Any) -> _Shape:
    """Read an annotation."""
    if annotation in _PLAIN:
        return _Shape(frozenset({int, float} if annotation is float else {annotation}), None)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return _Shape(frozenset(map(type, parts)), None)
    if origin is types.UnionType or origin is typing.Union:
        return _union([_shape(part) for part in parts])
    if origin is tuple:
        return _Shape(frozenset(), _Items(_shape(parts[0])) if parts[-1] is Ellipsis else _Tuple(parts))
    if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        return _Shape(frozenset(), _record(annotation))
    raise OddError(f"no form for {annotation}")


def _union(shapes: list[_Shape]) -> _Shape:
    nested = [shape.nested for shape in shapes if shape.nested is not None]
    if len(nested) > 1:
        raise OddError("no form for a choice of several classes")
    return _Shape(frozenset[type]().union(*(shape.plain for shape in shapes)), nested[0] if nested else None)


class _Items:
    """`tuple[X, ...]`."""

    kind: type[Record] = tuple

    def __init__(self, shape: _Shape) -> None:
        self.plain, self.nested = shape
        self.written = self.plain | ({self.nested.kind} if self.nested else set())
        self.read = self.plain | ({list} if self.nested else set())

    def encode(self, value: Record, path: str) -> list[Any]:
        if not value:
            return []
        if not self.written.issuperset(map(type, value)):
            raise OddError("an item of another type")
        nested = self.nested
        if nested is None:
            return list(value)
        return [item if type(item) in self.plain else nested.encode(item, path) for item in value]

    def decode(self, data: list[Any], path: str) -> Record:
        if not data:
            return ()
        if not self.read.issuperset(map(type, data)):
            raise OddError("an item of another type")
        nested = self.nested
        if nested is None:
            return tuple(data)
        return tuple([nested.decode(item, path) if type(item) is list else item for item in data])


class _Row(ABC):
    """A fixed number of fields, each with a shape of its own.

    The types in a row are looked at once for each combination that occurs: there are few, and many rows.
    """

    kind: type[Record] = tuple

    def __init__(self) -> None:
        self._shapes: tuple[_Shape, ...] | None = None
        self._nested: list[tuple[int, _Codec]] = []
        self._texts: list[int] = []
        self._written: set[tuple[type, ...]] = set()
        self._read: set[tuple[type, ...]] = set()

    @abstractmethod
    def columns(self) -> tuple[_Shape, ...]:
        """The shapes of the fields."""

    @property
    def shapes(self) -> tuple[_Shape, ...]:
        # Not before the first row: classes contain themselves.
        if self._shapes is None:
            self._shapes = self.columns()
            self._nested = [(at, shape.nested) for at, shape in enumerate(self._shapes) if shape.nested is not None]
            self._texts = [at for at, shape in enumerate(self._shapes) if str in shape.plain]
        return self._shapes

    def encode(self, value: Record, path: str) -> list[Any]:
        row = list(value)
        found = tuple(map(type, row))
        if found not in self._written:
            self._check(found, lambda codec: codec.kind)
            self._written.add(found)
        for at, codec in self._nested:
            if found[at] not in _PLAIN:
                row[at] = codec.encode(row[at], path)
        return row

    def decode(self, data: list[Any], path: str) -> Record:
        found = tuple(map(type, data))
        if found not in self._read:
            self._check(found, lambda _: list)
            self._read.add(found)
        for at, codec in self._nested:
            if found[at] is list:
                data[at] = codec.decode(data[at], path)
        for at in self._texts:
            if found[at] is str:
                data[at] = sys.intern(data[at])  # the words of facts repeat, and all facts are kept at once
        return tuple.__new__(self.kind, data)

    def _check(self, found: tuple[type, ...], nested_type: Callable[[_Codec], type]) -> None:
        if len(found) != len(self.shapes):
            raise OddError("another number of fields")
        for of, (plain, nested) in zip(found, self.shapes, strict=True):
            if of not in plain and (nested is None or of is not nested_type(nested)):
                raise OddError(f"a field of type {of.__name__}")


class _Tuple(_Row):
    """`tuple[A, B]`."""

    def __init__(self, parts: tuple[Any, ...]) -> None:
        super().__init__()
        self.parts = parts

    def columns(self) -> tuple[_Shape, ...]:
        return tuple(map(_shape, self.parts))


class _Record(_Row):
    """A named tuple."""

    def __init__(self, kind: type[Record]) -> None:
        super().__init__()
        self.kind = kind

    def columns(self) -> tuple[_Shape, ...]:
        return tuple(map(_shape, typing.get_type_hints(self.kind).values()))


class _Place:
    """A `Location`, of which there are more than of all else."""

    kind: type[Record] = Location

    def encode(self, value: Record, path: str) -> list[Any]:
        where, region, message = value
        if where != path:
            return [*region, message, where]
        return [*region, message] if message else list(region)

    def decode(self, data: list[Any], path: str) -> Location:
        region = data if len(data) == 4 else data[:4]
        if [type(number) for number in region] != _FOUR_NUMBERS or not 0 < min(region) <= max(region) < _MAX_NUMBER:
            raise OddError("no region")
        place = tuple.__new__(Region, region)
        if len(data) == 4:
            return Location(path, place)
        if len(data) > 6 or {str} != {type(text) for text in data[4:]}:
            raise OddError("no location")
        return Location(data[5] if len(data) == 6 else path, place, data[4])


_FOUR_NUMBERS = [int] * 4


@cache
def _record(kind: type[Record]) -> _Codec:
    return _Place() if kind is Location else _Record(kind)
