"""The report in GitHub's Markdown: the summary of a run (`markdown`), and a comment on a pull request.

The verdict comes first, then what failed, the gravest first. Where there is no room for everything, the report says how
much is left out and where the rest is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports import summary
from sp404audit.reports.escape import line, markdown, markdown_prose, uri, visible, web_address
from sp404audit.reports.frames import frame
from sp404audit.results import WHOLE_FILE, Location, Result, Severity

if TYPE_CHECKING:
    from sp404audit.outcome import Audit
    from sp404audit.reports import Options
    from sp404audit.rules import Rule

__all__ = ["COMMENT_BYTES", "SUMMARY_BYTES", "comment", "render"]

SUMMARY_BYTES = 900_000
"""GitHub refuses a step's summary of more than 1 MiB."""

COMMENT_BYTES = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""

_PLACES_SHOWN = 50
_FRAMES_SHOWN = 3
_HEAD_ROOM = 2_000
_SIGNS = {"Compliant": "✅", "Not compliant": "❌", "Incomplete": "⚠️"}


def render(audit: Audit, options: Options) -> str:
    """Write the report, in at most `SUMMARY_BYTES`."""
    return _Report(audit, options, SUMMARY_BYTES).text()


def comment(audit: Audit, options: Options) -> str:
    """Write the report, in at most `COMMENT_BYTES`."""
    return _Report(audit, options, COMMENT_BYTES).text()


class _Block(NamedTuple):
    """A piece of the report that is there as a whole or not at all, and how many things it tells."""

    text: str
    things: int = 1


def _fitting(blocks: Iterable[_Block], room: int) -> tuple[str, int]:
    """The first blocks that fit, and how many things the others would have told."""
    kept: list[str] = []
    left_out = 0
    for block in blocks:
        room -= len(block.text.encode())
        if room < 0:
            left_out += block.things
        else:
            kept.append(block.text)
    return "".join(kept), left_out


class _Report:
    """One report in the making."""

    def __init__(self, audit: Audit, options: Options, limit: int) -> None:
        self.audit = audit
        self.options = options
        self.limit = limit
        self.base = web_address(options.repository_url).rstrip("/")
        self.of_rule: dict[str, list[Result]] = {}
        for result in summary.worst_first(audit, audit.failures):
            self.of_rule.setdefault(result.rule_id, []).append(result)

    def text(self) -> str:
        room = self.limit - _HEAD_ROOM
        failed = self._folded("Failed controls", self._rows(), room // 5, folded=False)
        parts = [self._head(), failed, self._metrics()]
        after = [
            self._folded("Not proven by the repository", self._unproven(), room // 10),
            self._folded("Not audited", self._not_audited(), room // 10),
            self._folded("Accepted", self._accepted(), room // 10),
        ]
        room -= sum(len(part.encode()) for part in (*parts, *after))
        details, left_out = _fitting(self._details(), room)
        parts.append(details)
        if left_out:
            what = summary.number(left_out, "failure")
            parts.append(f"\n{what} left out here for want of room: the reports in JSON, SARIF and HTML hold all.\n")
        return "".join([*parts, *after])

    def _head(self) -> str:
        audit = self.audit
        word, rest = summary.verdict(audit)
        counts = summary.by_severity(audit.failures)
        facts = [f"sp404audit {audit.version}", f"policy {visible(audit.policy.name)}"]
        facts.append(f"{summary.number(sum(audit.files.values()), 'file')} audited")
        facts += [
            line(f"{engine.name} {engine.version}".rstrip()) for engine in audit.engines[1:] if not engine.missing
        ]
        lines = [
            f"### {_SIGNS[word]} {word}: {rest}",
            "",
            " · ".join(markdown(line(fact)) for fact in facts),
            "",
            "| " + " | ".join(severity.label for severity in counts) + " |",
            "|" + "---:|" * len(counts),
            "| " + " | ".join(str(count) for count in counts.values()) + " |",
            "",
            f"Controls: {summary.controls(audit)}.",
        ]
        if accepted := summary.accepted(audit):
            lines += ["", f"Accepted: {accepted}."]
        return "\n".join(lines) + "\n"

    def _metrics(self) -> str:
        if self.audit.metrics is None:
            return ""
        from sp404audit.reports.dora.markdown import table

        return "\n".join(["", "#### Delivery metrics", "", *table(self.audit.metrics), ""])

    def _folded(self, title: str, blocks: Iterator[_Block], room: int, *, folded: bool = True) -> str:
        """A part under a title; nothing when it has nothing to tell."""
        told = list(blocks)
        if not told:
            return ""
        text, left_out = _fitting(told, room)
        more = f"\nand {left_out} more\n" if left_out else ""
        if not folded:
            return f"\n#### {title}\n\n{text}{more}"
        things = sum(block.things for block in told)
        return f"\n<details><summary>{title} ({things})</summary>\n\n{text}{more}\n</details>\n"

    def _rows(self) -> Iterator[_Block]:
        """The table of failed controls."""
        failed = summary.by_rule(self.audit.failures)
        if failed:
            yield _Block("| Severity | Control | Requirement | Places | First |\n|---|---|---|---:|---|\n", 0)
        for each in failed:
            rule = self.audit.rule(each.rule_id)
            what = markdown_prose(rule.summary) if rule else markdown(line(self.of_rule[each.rule_id][0].message))
            places = f"{each.places} in {summary.number(each.files, 'file')}" if each.places > 1 else "1"
            cells = (_severity(each.severity), _code(each.rule_id), what, places, self._link(each.first))
            yield _Block("| " + " | ".join(cells) + " |\n")

    def _details(self) -> Iterator[_Block]:
        """A block for each failed control: what it asks, what to do, where it fails."""
        for each in summary.by_rule(self.audit.failures):
            results = self.of_rule[each.rule_id]
            rule = self.audit.rule(each.rule_id)
            title = f"{_severity(each.severity)} {_code(each.rule_id)} ({summary.number(each.places, 'place')})"
            lines = [f"\n<details><summary>{title}</summary>\n", *(_explained(rule) if rule else ())]
            for number, result in enumerate(results[:_PLACES_SHOWN]):
                lines.append(f"- {self._link(result.location)}: {_message(result)}")
                if number < _FRAMES_SHOWN:
                    lines += _frame(result)
            if len(results) > _PLACES_SHOWN:
                lines.append(f"- and {len(results) - _PLACES_SHOWN} more")
            yield _Block("\n".join([*lines, "\n</details>\n"]), each.places)

    def _unproven(self) -> Iterator[_Block]:
        for verdict in self.audit.verdicts:
            if verdict.kind != "open":
                continue
            first = next(
                each
                for each in self.audit.results
                if each.rule_id == verdict.rule.id and each.kind == "open" and not each.suppression
            )
            yield _Block(f"- {_code(verdict.rule.id)}: {_message(first)} ({self._link(first.location)})\n")

    def _not_audited(self) -> Iterator[_Block]:
        """What was not read, what was left out on purpose last; and engines that were not there."""
        for note in self.audit.notifications:
            place = f" {self._link(Location(note.path, note.region or WHOLE_FILE))}" if note.path else ""
            yield _Block(f"- {note.level} {_code(note.id)}{place}: {markdown(line(note.message))}\n")
        for engine in self.audit.engines:
            if engine.missing:
                controls = ", ".join(map(_code, engine.controls))
                without = f"; not evaluated without it: {controls}" if controls else ""
                yield _Block(f"- engine {_code(engine.name)}: {markdown(line(engine.missing))}{without}\n")

    def _accepted(self) -> Iterator[_Block]:
        for result in self.audit.results:
            accepted = result.suppression
            if accepted is None:
                continue
            said = [line(accepted.justification) or "no reason given", line(accepted.owner)]
            said.append(f"until {line(accepted.until)}" if accepted.until else "")
            reason = markdown(", ".join(filter(None, said)))
            yield _Block(f"- {_code(result.rule_id)} {self._link(result.location)}: {reason}\n")

    def _link(self, location: Location) -> str:
        """A place, with a link to its lines where the repository can be seen."""
        region = location.region
        if not location.path:
            return "(repository)"
        whole = region == WHOLE_FILE
        text = _code(location.path if whole else f"{location.path}:{region.start_line}")
        if not self.base:
            return text
        lines = f"#L{region.start_line}" + (f"-L{region.end_line}" if region.end_line > region.start_line else "")
        return f"[{text}]({self.base}/{uri(self.options.from_top(location.path))}{'' if whole else lines})"


def _severity(severity: Severity) -> str:
    return f"<b>{severity.label}</b>" if severity >= Severity.HIGH else severity.label


def _code(text: str) -> str:
    return f"<code>{markdown(text)}</code>"


def _message(result: Result) -> str:
    more = f" ({result.count} places)" if result.count > 1 else ""
    return markdown(line(result.message)) + more


def _explained(rule: Rule) -> Iterator[str]:
    yield f"{markdown_prose(rule.summary)}\n"
    if remedy := rule.remedy:
        yield f"**What to do:** {markdown_prose(remedy)}\n"


def _frame(result: Result) -> list[str]:
    """The code of a finding, as a block within its item; the fence is longer than any in the code."""
    lines = frame(result.snippet, result.location.region)
    if not lines:
        return []
    text = [f"{each.number or '':>5} | {each.text}".rstrip() for each in lines]
    fence = "```"
    while any(fence in each for each in text):
        fence += "`"
    return ["", *(f"  {each}" for each in (f"{fence}text", *text, fence)), ""]
