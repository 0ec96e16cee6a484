"""`NamedTuple`, for this package's many small records, without what makes `typing.NamedTuple` slow to import.

`typing.NamedTuple` compiles a constructor and an object for each annotation of every class, used or not, about a
third of a millisecond a class; a scan imports well over a hundred of them. Here a class gets its constructor when
records of it are made in numbers. For type checkers, and in what records can do, the two are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from _collections import _tuplegetter
    from collections.abc import Callable, Iterable
    from typing import Any, Self

    _FIRST_RECORDS = 8
    """Up to how many records of a class are made without its own constructor: to compile one takes as long as twice
    as many take."""

    def _replace(self: tuple[Any, ...], /, **changes: Any) -> tuple[Any, ...]:
        """Return a new record in which some fields have other values."""
        result = self._make(map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"Got unexpected field names: {list(changes)!r}")
        return result

    def _make(cls: type[Self], values: Iterable[Any]) -> Self:
        """Make a record from its values in order."""
        result = tuple.__new__(cls, values)
        if len(result) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(result)}")
        return result

    def _asdict(self: tuple[Any, ...]) -> dict[str, Any]:
        """Return the values by the names of the fields."""
        return dict(zip(self._fields, self, strict=True))

    def _repr(self: tuple[Any, ...]) -> str:
        values = ", ".join([f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)])
        return f"{type(self).__name__}({values})"

    def _getnewargs(self: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self)

    def _constructor(fields: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., Any]:
        """Compile `lambda cls, a, b=…: tuple.__new__(cls, (a, b))`: no constructor that takes `*args` is as fast."""
        arguments = ", ".join(fields)
        source = f"lambda _cls, {arguments}: _tuple_new(_cls, ({arguments}{',' * bool(fields)}))"
        scope = {"_tuple_new": tuple.__new__, "__builtins__": {}}
        new = eval(source, scope)  # noqa: S307 (the names of a class's own fields)
        new.__name__ = "__new__"
        new.__defaults__ = tuple(defaults.values())
        return new

    def _constructor_on_demand(fields: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., Any]:
        owner: list[type] = []
        left = _FIRST_RECORDS

        def __new__(cls: type, /, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            nonlocal left
            left -= 1
            if left >= 0 and not kwargs and len(args) == len(fields):
                return tuple.__new__(cls, args)
            new = _constructor(fields, defaults)
            owner[0].__new__ = staticmethod(new)
            return new(cls, *args, **kwargs)

        __new__.owner = owner
        return __new__

    class _Maker(type):
        """Makes of a class statement with `NamedTuple` as its base a plain subclass of tuple."""

        def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            annotations = namespace.get("__annotations__", {})
            fields = tuple(annotations)
            defaults = {field: namespace[field] for field in fields if field in namespace}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"{name}: a field without a default follows one that has one")
            new = _constructor_on_demand(fields, defaults)
            namespace |= {field: _tuplegetter(at, f"Field {at}") for at, field in enumerate(fields)}
            made = type(
                name,
                (tuple,),
                {
                    "__slots__": (),
                    "__repr__": _repr,
                    "__getnewargs__": _getnewargs,
                    "_asdict": _asdict,
                    "_replace": _replace,
                    "_make": classmethod(_make),
                    **namespace,
                    "__new__": new,
                    "__match_args__": fields,
                    "_fields": fields,
                    "_field_defaults": defaults,
                },
            )
            new.owner.append(made)
            return made

    class NamedTuple(metaclass=_Maker):
        """The base of a record: `class Point(NamedTuple): x: int; y: int = 0`."""
