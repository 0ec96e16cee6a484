"""Records out of the bytes of an event file: JSON, lines or a sequence of JSON, or a table; told apart by content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sp404audit.dora.sources.files.own import COLLECTIONS, KINDS
from sp404audit.dora.sources.files.problems import Place, Problems, RecordError
from sp404audit.dora.sources.files.values import shown
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    import json

__all__ = ["MAX_DEPTH", "MAX_RECORDS", "Record", "records_of"]

MAX_RECORDS = 500_000
"""How many records of one file are read."""

MAX_DEPTH = 32
"""How deep a record may nest."""

VERSION = 1
"""Of our own form."""

_BLANK = regex(r"[ \t\r\n\x1e]*")  # U+001E separates records in RFC 7464
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_HINT = "write JSON, one JSON object a line, or a table whose first line names the columns"


class Record(NamedTuple):
    """A record as it stands in the file; `kind` when what surrounds it says of which kind it is."""

    place: Place
    values: Mapping[str, Any]
    kind: str = ""


def records_of(data: bytes, path: str, problems: Problems) -> Iterator[Record]:
    """Yield the records of a file; what cannot be read is told, and the rest goes on.

    Args:
        data: the whole file.
        path: its name, for people.
        problems: takes what could not be read.
    """
    place = Place(path)
    try:
        written = data.decode(next((name for bom, name in _BOMS.items() if data.startswith(bom)), "utf-8"))
    except UnicodeDecodeError as error:
        problems.lost(place, "events/format", f"not UTF-8 (byte {error.start:,}); save it as UTF-8")
        return
    start = _BLANK.match(written).end()  # type: ignore[union-attr]  # it matches an empty text
    if start == len(written):
        problems.remark("events/empty", f"{path} is empty")
        return
    found = _json_records if written[start] in "{[" else _rows
    for number, record in enumerate(found(written, path, problems)):
        if number == MAX_RECORDS:
            problems.lost(place, "events/too-many", f"more than {MAX_RECORDS:,} records; split the file by time")
            return
        yield record


def _json_records(written: str, path: str, problems: Problems) -> Iterator[Record]:
    """One value that holds the records, or a sequence of records, usually one a line."""
    decoder = _decoder()
    at = _BLANK.match(written).end()  # type: ignore[union-attr]
    try:
        value, end = decoder.raw_decode(written, at)
    except (ValueError, RecursionError) as error:
        yield from _broken(written, path, problems, error)
        return
    after = _BLANK.match(written, end).end()  # type: ignore[union-attr]
    if after == len(written):
        yield from _inside(value, path, problems)
    else:
        yield from _sequence(written, path, problems, decoder)


def _decoder() -> json.JSONDecoder:
    import json

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.JSONDecoder(parse_constant=refuse)


def _sequence(written: str, path: str, problems: Problems, decoder: json.JSONDecoder) -> Iterator[Record]:
    """Values one after the other, over as many lines each as they like; from the first mistake on, line by line."""
    at, line, counted = 0, 1, 0
    while True:
        at = _BLANK.match(written, at).end()  # type: ignore[union-attr]
        if at == len(written):
            return
        line += written.count("\n", counted, at)
        counted = at
        try:
            value, at = decoder.raw_decode(written, at)
        except (ValueError, RecursionError):
            break
        yield from _checked(value, Place(path, f":{line}"), problems)
    yield from _lines(written[written.rfind("\n", 0, at) + 1 :], line, path, problems, decoder)


def _lines(written: str, line: int, path: str, problems: Problems, decoder: json.JSONDecoder) -> Iterator[Record]:
    """One value a line: whatever is wrong with a line is wrong with that line alone."""
    for number, text in enumerate(written.split("\n"), line):
        plain = text.strip(" \t\r\x1e")
        if not plain:
            continue
        place = Place(path, f":{number}")
        try:
            value = decoder.decode(plain)
        except (ValueError, RecursionError) as error:
            problems.lost(place, "events/record", f"no JSON: {_reason(error)}")
            continue
        yield from _checked(value, place, problems)


def _broken(written: str, path: str, problems: Problems, error: Exception) -> Iterator[Record]:
    """A file whose first value cannot be read: lines of JSON with a bad first one, or one value that is broken."""
    lines = [line.strip() for line in written.split("\n") if line.strip()]
    if len(lines) > 1 and all(line.startswith("{") for line in lines[:2]):
        yield from _lines(written, 1, path, problems, _decoder())
        return
    place = Place(path, f":{error.lineno}") if hasattr(error, "lineno") else Place(path)
    problems.lost(place, "events/format", f"no JSON: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it nests too deep"
    column = f" (column {error.colno})" if hasattr(error, "colno") else ""
    return f"{getattr(error, 'msg', error)}{column}"


def _inside(value: object, path: str, problems: Problems) -> Iterator[Record]:
    """The records of one JSON value: a list of them, an object of lists, or a single one."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _checked(item, Place(path, f"[{index}]"), problems)
        return
    lists = [key for key in (*COLLECTIONS, "events") if isinstance(value, dict) and isinstance(value.get(key), list)]
    if not isinstance(value, dict) or not lists:
        yield from _checked(value, Place(path), problems)
        return
    if value.get("version", VERSION) != VERSION:
        message = f"version: {shown(value['version'])} of this form is not known here; {VERSION} is"
        problems.lost(Place(path), "events/version", message)
        return
    for key in value:
        if key not in lists and key not in ("$schema", "version"):
            problems.remark("events/unknown-key", f"{path}: {shown(key)} holds no list of events and was not used")
    for key in lists:
        for index, item in enumerate(value[key]):
            yield from _checked(item, Place(path, f".{key}[{index}]"), problems, COLLECTIONS.get(key, ""))


def _checked(value: object, place: Place, problems: Problems, kind: str = "") -> Iterator[Record]:
    if not isinstance(value, dict):
        problems.lost(place, "events/record", f"{shown(value)} is no JSON object")
    elif _too_deep(value):
        problems.lost(place, "events/record", f"nests more than {MAX_DEPTH} levels deep")
    else:
        yield Record(place, value, kind)


def _too_deep(value: object) -> bool:
    """Look level by level; no call nests, however deep the value does."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for each in level:
            parts = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
            below += [part for part in parts if isinstance(part, (dict, list))]
        if not below:
            return False
        level = below
    return True


def _rows(written: str, path: str, problems: Problems) -> Iterator[Record]:
    """A table: comma, semicolon or tab between cells (RFC 4180), the names of the columns in the first line."""
    import csv
    import io

    head = written.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(written.lstrip("\r\n"), newline=""), delimiter=delimiter, strict=True)
    skipped = written[: len(written) - len(written.lstrip("\r\n"))].count("\n")
    columns: list[str] | None = None
    ended = 0  # the line on which the row before ended
    try:
        for cells in rows:
            place = Place(path, f":{ended + 1 + skipped}")
            ended = rows.line_num
            if columns is None:
                columns = _columns(cells)
            elif any(cells):
                yield from _row(cells, columns, place, problems)
    except RecordError as error:
        problems.lost(Place(path, f":{1 + skipped}"), error.id, str(error))
    except csv.Error as error:
        problems.lost(Place(path, f":{ended + 1 + skipped}"), "events/format", f"no table from here on: {error}")


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    marks = {mark for kind in KINDS.values() for mark in kind.marks}
    if not marks & set(columns):
        raise RecordError(
            f"neither JSON nor a table with a column {', '.join(sorted(marks))}; {_HINT}", "events/format"
        )
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise RecordError(f"column {shown(twice)} is there twice", "events/format")
    return columns


def _row(cells: list[str], columns: list[str], place: Place, problems: Problems) -> Iterator[Record]:
    if len(cells) > len(columns):
        message = f"{len(cells)} cells under {len(columns)} columns; quote a cell that holds the separator"
        problems.lost(place, "events/record", message)
        return
    yield Record(place, {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()})
