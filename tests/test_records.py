"""Records are `typing.NamedTuple`s in all that can be seen of them."""

from __future__ import annotations

import copy
import keyword
import pickle
import typing
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sp404audit import records
from sp404audit.results import Location, Region

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), max_size=6, unique=True)
VALUES = st.one_of(st.integers(), st.text(max_size=5), st.none(), st.tuples(st.integers()))


def make(base: Any, names: Sequence[str], defaults: Sequence[object]) -> Any:
    """Run one class statement with either base."""
    lines = [f"    {name}: object" for name in names]
    for at, _ in enumerate(defaults):
        lines[len(names) - len(defaults) + at] += f" = defaults[{at}]"
    text = (
        "class Record(base):\n    'A record.'\n" + "\n".join(lines) + "\n    @property\n    def twice(self): return 2\n"
    )
    scope = {"base": base, "defaults": defaults, "__name__": __name__}
    exec(text, scope)
    return scope["Record"]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any, list[str], Sequence[object]]:
    names = [name for name in draw(NAMES) if name != "twice" and not keyword.iskeyword(name)]
    defaults = draw(st.lists(VALUES, max_size=len(names)))
    values = draw(st.lists(VALUES, min_size=len(names), max_size=len(names)))
    return make(records.NamedTuple, names, defaults), make(typing.NamedTuple, names, defaults), names, values


@given(pairs())
def test_a_record_is_a_named_tuple(case: tuple[Any, Any, list[str], Sequence[object]]) -> None:
    ours, theirs, names, values = case
    assert ours._fields == theirs._fields
    assert ours._field_defaults == theirs._field_defaults
    assert ours.__match_args__ == theirs.__match_args__
    assert ours.__doc__ == theirs.__doc__
    assert ours.__bases__ == theirs.__bases__ == (tuple,)
    assert type(type(ours(*values))) is type
    one, other = ours(*values), theirs(*values)
    assert one == other == ours(**dict(zip(names, values, strict=True))) == ours._make(values) == tuple(values)
    assert repr(one) == repr(other)
    assert hash(one) == hash(other)
    assert one._asdict() == other._asdict()
    assert one.__getnewargs__() == other.__getnewargs__()
    assert copy.copy(one) == one
    assert one.twice == 2
    assert not hasattr(one, "__dict__")
    assert [getattr(one, name) for name in names] == list(values)
    required = len(names) - len(ours._field_defaults)
    assert ours(*values[:required]) == theirs(*values[:required])
    for name in names:
        assert one._replace(**{name: 0}) == other._replace(**{name: 0})
        with pytest.raises(AttributeError):
            setattr(one, name, 0)


@given(pairs())
def test_what_a_named_tuple_refuses_a_record_refuses(case: tuple[Any, Any, list[str], Sequence[object]]) -> None:
    ours, theirs, _, values = case
    for kind in (ours, theirs):
        with pytest.raises(TypeError):
            kind(*values, 1)
        with pytest.raises(TypeError):
            kind(*values, no_such_field=1)
        with pytest.raises(TypeError):
            kind._make([*values, 1])
        with pytest.raises((TypeError, ValueError)):
            kind(*values)._replace(no_such_field=1)


def test_defaults_stand_last() -> None:
    for base in (records.NamedTuple, typing.NamedTuple):
        with pytest.raises(TypeError):
            exec("class Record(base):\n    a: int = 1\n    b: int", {"base": base, "__name__": __name__})


def test_a_record_may_be_extended_and_matched() -> None:
    class Named(Location):
        """A location with another word for it."""

    place = Named("a.yml", Region(1, 2, 3, 4))
    assert isinstance(place, Location)
    assert place.region.end_column == 4
    match place:
        case Location(path, Region(line)):
            assert (path, line) == ("a.yml", 1)
        case _:
            pytest.fail("a record does not match by its fields")


def test_records_survive_pickling() -> None:
    place = Location("a.yml", Region(1, 2, 3, 4))
    assert pickle.loads(pickle.dumps(place)) == place
    assert type(pickle.loads(pickle.dumps(place))) is Location
