"""Issues that carry a label for incidents, and what they say caused them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sp404audit.dora.events import Incident
from sp404audit.dora.sources.github.gathering import Gathering
from sp404audit.dora.sources.github.values import iso, labels, moment, text, whole
from sp404audit.lazy import regex

__all__ = ["causes", "read_incidents"]

_MAX_BODY = 65_536  # what GitHub takes for the text of an issue
_MAX_CAUSES = 10

_LINE = regex(
    r"^[\s>*_#-]{0,12}(?:caused[ -]by|root[ -]cause)[*_`]{0,3}[ \t]{0,8}[:=][*_]{0,3}[ \t]{0,8}([^\r\n]{1,500})",
    re.IGNORECASE | re.MULTILINE,
)
_WORD = regex(r"[^\s,;()<>\[\]{}\"'`]{1,300}")
_COMMIT = regex(r"[0-9a-f]{7,40}")
_DIGIT = regex(r"[0-9]")
_VERSION = regex(
    r"(?:[A-Za-z][A-Za-z0-9_.-]{0,80}[-/@])?"
    r"(?:v[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}|[0-9]{1,9}(?:\.[0-9]{1,9}){2,3})[0-9A-Za-z.+-]{0,40}"
)
_BARE = regex(
    r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}|#?[0-9]{1,18}|deployment|release|commit|tag|version|and|&", re.IGNORECASE
)
_LINKS = (
    (regex(r"https?://[^/\s]{1,253}/.{0,200}/deployments/([0-9]{1,18})(?:[/?#].{0,80})?"), "github:deployment:"),
    (regex(r"https?://[^/\s]{1,253}/.{0,200}/commits?/([0-9a-f]{7,40})(?:[/?#].{0,80})?"), ""),
    (regex(r"https?://[^/\s]{1,253}/.{0,200}/releases/tag/([^?#]{1,100})"), ""),
)
_DEPLOYMENT = regex(r"\bdeployment[ \t]{0,4}#?([0-9]{1,18})\b", re.IGNORECASE)
_LABEL = regex(r"(?:caused[ -]by|root[ -]cause)[ \t]{0,4}[:/=][ \t]{0,4}(.{1,200})", re.IGNORECASE)
_SEVERITY = regex(r"severity[ \t]{0,4}[:/= -][ \t]{0,4}(.{1,60})|((?:sev|p|s)-?[0-5])", re.IGNORECASE)
_SERVICE = regex(r"(service|environment|env)[ \t]{0,4}[:/=][ \t]{0,4}(.{1,100})", re.IGNORECASE)


def read_incidents(gathering: Gathering) -> list[Incident]:
    """Incidents that were open at some time since `gathering.earliest`.

    Closed ones are asked for by when they were last changed, which is never before they were closed; open ones all,
    since one may stand open unchanged for longer than the window.
    """
    found: dict[int, Incident] = {}
    for label in gathering.settings.incident_labels:
        for parameters in ({"state": "closed", "since": iso(gathering.earliest)}, {"state": "open"}):
            with gathering.part("issues"):
                _read(gathering, {"labels": label, **parameters}, found)
    gathering.counts["incidents"] = len(found)
    return list(found.values())


def _read(gathering: Gathering, parameters: Mapping[str, str], found: dict[int, Incident]) -> None:
    for page in gathering.items("issues", "/issues", parameters):
        for record in page:
            if "pull_request" in record:
                continue  # GitHub lists pull requests among the issues
            number, opened = whole(record, "number"), moment(record, "created_at")
            if number is None or opened is None:
                gathering.odd["issues"] += 1
            elif text(record, "state_reason") == "duplicate":
                gathering.counts["duplicate incidents"] = gathering.counts.get("duplicate incidents", 0) + 1
            elif opened < gathering.window.until:
                found[number] = _incident(record, number, opened)


def _incident(record: Mapping[str, Any], number: int, opened: int) -> Incident:
    named = labels(record)
    places = {match[1].lower(): match[2] for match in map(_SERVICE.fullmatch, named) if match}
    severities = [match[1] or match[2] for match in map(_SEVERITY.fullmatch, named) if match]
    closed = moment(record, "closed_at")
    return Incident(
        id=f"github:issue:{number}",
        source="github",
        opened_at=opened,
        resolved_at=max(closed, opened) if closed is not None else None,
        caused_by=causes(text(record, "body", _MAX_BODY), named),
        severity=severities[0].lower() if severities else "",
        service=places.get("service", ""),
        environment=places.get("environment", places.get("env", "")),
        title=text(record, "title", 256),
        url=text(record, "html_url"),
    )


def causes(body: str, named: Iterable[str] = ()) -> tuple[str, ...]:
    """Commits, versions and deployments that an issue calls its cause, in the order in which it names them.

    Lines such as `Caused-by: v1.4.2` or `Root cause: 3f2a91c` and labels such as `caused-by: v1.4.2` count. Most root
    causes are prose ("a full disk"): nothing is taken from that but what can be nothing else than a name.
    """
    found: list[str] = [match[1].strip() for match in map(_LABEL.fullmatch, named) if match]
    for line in _LINE.finditer(body[:_MAX_BODY]):
        found += _names(line[1])
    return tuple(dict.fromkeys(found))[:_MAX_CAUSES]


def _names(value: str) -> list[str]:
    words = [word.rstrip(".:!") for word in _WORD.findall(value)]
    found = [f"github:deployment:{number}" for number in _DEPLOYMENT.findall(value)]
    is_plain = all(_name(word) or _BARE.fullmatch(word) for word in words)
    for word in words:
        name = _name(word)
        # A number such as 1.4 is a version only where nothing else is said: "1.4 seconds" is none.
        if not name and is_plain and "." in word and _BARE.fullmatch(word):
            name = word
        found += [name] if name else []
    return found


def _name(word: str) -> str:
    """The commit, version or deployment that a word can only be; empty for any other."""
    for pattern, kind in _LINKS:
        if match := pattern.fullmatch(word):
            return f"{kind}{match[1]}"
    if _COMMIT.fullmatch(word) and _DIGIT.search(word):
        return word
    return word if _VERSION.fullmatch(word) else ""
