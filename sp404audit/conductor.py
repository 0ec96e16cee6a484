"""The five steps of an audit, in order: discover, load, evaluate, triage, report (the last is the caller's).

`audit` is the library's front door.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sp404audit import __version__, rules
from sp404audit.cache import Cache, Judged, for_audit
from sp404audit.discovery import Discovery, File, InputError, Kind, Reader, discover
from sp404audit.discovery.kinds import by_path
from sp404audit.documents import loader
from sp404audit.documents.model import Document, Fact, Repository
from sp404audit.documents.secrets import plain_text
from sp404audit.documents.source import Problem, Source
from sp404audit.engines import Engines
from sp404audit.outcome import Audit
from sp404audit.policy import loading, triage
from sp404audit.policy.comments import Comment, comments_in
from sp404audit.policy.model import Policy
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Location, Notification, Result, Severity
from sp404audit.rules.evaluation import Evaluation
from sp404audit.rules.registry import Rule
from sp404audit.scope import view

__all__ = ["audit"]

Progress = Callable[[int, int], None]

_RANKS = {"error": 0, "warning": 1, "note": 2}
_NOTHING = "there is no file of a kind that is audited; name the root of a repository"


def audit(
    path: str | Path = ".",
    *,
    policy: str | Path | None = None,
    isolated: bool = False,
    config: str | Path | None = None,
    engines: Sequence[str] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    fail_on: Severity | str | None = None,
    baseline: str | Path | None = None,
    today: datetime.date | None = None,
    cache: bool | str | Path | None = None,
    fingerprints: bool = True,
    files: Iterable[str | Path] | None = None,
    changed_since: str | None = None,
    staged: bool = False,
    contents: Mapping[str, bytes] | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Audit a repository.

    Args:
        path: its root. Nothing outside it is opened, and nothing in it is run.
        policy: the policy to start from: a name that ships (`recommended`, `strict`, `sp404`) or a file. Without one,
            what the repository's own configuration extends, else `recommended`.
        isolated: leave the repository's own configuration out.
        config: the configuration to use, a file below the root, in place of the one that is found by its name.
        engines: sources of results (`native`, `checkov`, `pip-audit`); None for all that apply and are installed.
        select: ask only these rules (ids or domains), whatever the policy says.
        ignore: ask none of these rules (ids or domains).
        fail_on: the least severity that makes the repository not compliant; None for the policy's own.
        baseline: an earlier report (SARIF or JSON); what it knew is marked `unchanged` and does not count.
        today: the day on which waivers expire or not; None for the machine's date.
        cache: whether unchanged files are not audited again: None where that pays (many files), True or False, or the
            folder to keep the cache in instead of the user's own. The report is the same either way.
        fingerprints: whether results get what baselines and SARIF know them by. Always, when there is a baseline.
        files: report only what concerns these files (paths below the root). The whole repository is judged all the
            same; controls that say nothing of these files are left out. .gitignore does not hide them.
        changed_since: report only the files that differ from where HEAD left this commit (a branch, a tag …),
            committed or not. Asks git, which runs nothing of the repository.
        staged: audit what git's index holds instead of the work tree, and report only what `git commit` would change.
        contents: contents, by path, that stand in for those on disk. Without `files`, only these files are reported.
        progress: is called now and then with the number of files done and that of all. With all done, what is left is
            to judge across files and to wait for engines.

    Returns:
        The finished audit: results, what was not audited, a verdict a control, the exit code.

    Raises:
        PolicyError: when a policy, configuration or baseline cannot be read; its text names file, line and way out.
        NotADirectoryError: when `path` is no folder.
        ScopeError: when the files to report cannot be told: outside of `path`, no such commit, two ways at once.
        GitError: when git is asked and cannot help.
    """
    root = Path(path)
    if not root.is_dir():
        raise NotADirectoryError(f"{path} is no folder; give the root of a repository")
    today = today or datetime.date.today()  # noqa: DTZ011 (the machine's own day: a waiver ends at home)
    seen = view(root, files=files, changed_since=changed_since, staged=staged, contents=contents)
    with seen as (reader, scope):
        in_force = loading.resolve(
            reader, policy, isolated=isolated, config=config, select=tuple(select), ignore=tuple(ignore)
        )
        found = discover(reader, exclude=in_force.exclude, named=scope.named)
        chosen = tuple(rule for rule in rules.load(set(_counts(found)), in_force.select) if in_force.might_ask(rule))
        at_work = Engines(reader, found, in_force, engines)
        native = chosen if at_work.native else ()
        with for_audit(cache, reader, found, in_force, native) as known:
            evaluated = _evaluate(reader, found, native, in_force, known, progress)
        context = triage.Context(
            reader=reader,
            comments=evaluated.comments,
            policy=in_force,
            rules=chosen,
            today=today,
            fingerprinted=fingerprints or baseline is not None,
        )
        triaged, triage_notes = triage.triage(at_work.merge(evaluated.results, chosen), context, baseline)
        notifications = {*found.notifications, *evaluated.notifications, *at_work.notifications, *triage_notes}
        if not found.files:
            notifications.add(Notification("scope/empty", "note", _NOTHING))
        # Only now: whether a comment or a waiver is of use is told by all results.
        results = scope.results(triaged)
        return Audit(
            version=__version__,
            policy=in_force,
            rules=tuple(scope.rules(chosen, results)),
            results=tuple(results),
            notifications=tuple(sorted(scope.notifications(notifications), key=_order)),
            files=_counts(found),
            engines=tuple(at_work.runs),
            fail_on=_severity(fail_on) or in_force.fail_on,
            used_baseline=baseline is not None,
            today=today if _can_run_out(in_force, results) else None,
            scope=scope.what,
        )


def _can_run_out(policy: Policy, results: Iterable[Result]) -> bool:
    """Whether the day has a say: a report of an audit in which nothing runs out is the same on every day."""
    return bool(policy.waivers) or any(result.suppression and result.suppression.until for result in results)


class _Evaluated(NamedTuple):
    """What the native rules said, and what triage needs to know of the files."""

    results: list[Result]
    notifications: list[Notification]
    comments: dict[str, tuple[Comment, ...]]


def _evaluate(
    reader: Reader,
    found: Discovery,
    chosen: Sequence[Rule],
    policy: Policy,
    cache: Cache,
    progress: Progress | None = None,
) -> _Evaluated:
    """Load each file, judge it, keep its facts, drop it; then judge the repository on the facts."""
    evaluation = Evaluation(chosen, policy.setting)
    notifications: list[Notification] = []
    facts: list[Fact] = []
    unread: dict[str, str] = {}
    comments: dict[str, tuple[Comment, ...]] = {}
    for number, file in enumerate(found.files):
        if progress is not None:
            progress(number, len(found.files))
        try:
            data = _read(reader, file)
        except InputError as error:
            notifications.append(error.notification)
            unread[file.path] = file.kind
            continue
        if data is None:
            continue
        judged = cache.find(file, data)
        if judged is None:
            judged = _judge(Source(file.path, data), file.kind, evaluation)
            cache.keep(file, data, judged)
        elif judged.tallies:
            evaluation.repeat(file.path, judged.tallies)
        facts.extend(judged.facts)
        notifications.extend(judged.notifications)
        if judged.comments:
            comments[file.path] = judged.comments
        if judged.is_partial:
            unread[file.path] = file.kind
    if progress is not None:
        progress(len(found.files), len(found.files))
    repository = Repository({file.path: file.kind for file in found.files}, found.paths, facts, map(Location, unread))
    evaluation.judge_repository(repository)
    unread |= {note.path: _kind_by_name(note.path) for note in found.notifications if note.level == "error"}
    evaluation.unread(chosen, unread, rules.kinds_read_by)
    return _Evaluated(evaluation.results(), [*notifications, *evaluation.notifications], comments)


def _read(reader: Reader, file: File) -> bytes | None:
    """Read a file; None for text without a model in which no rule would find anything."""
    if file.kind is not Kind.TEXT:
        return reader.read(file.path)
    try:
        data = reader.read(file.path, plain_text.MAX_BYTES)
    except InputError:
        return None  # not of an audited kind: nothing was promised about it
    return data if plain_text.is_worth_reading(file.path, data) else None


def _judge(source: Source, kind: str, evaluation: Evaluation) -> Judged:
    """Load a file, call the rules that judge its parts, and take from it what outlives it."""
    document = loader.load(kind, source)
    evaluation.judge_document(document)
    facts = _facts_of(document, evaluation)
    comments = tuple(comments_in(source))
    notifications = tuple(_notifications(document))
    is_partial = document.is_partial
    document.release()
    return Judged(evaluation.of_file(source.path), facts, comments, notifications, is_partial)


def _facts_of(document: Document, evaluation: Evaluation) -> tuple[Fact, ...]:
    """Collect a document's facts; a document that fails to tell them loses only those."""
    try:
        return tuple(loader.facts_of(document))
    except Exception as error:  # noqa: BLE001 (one document's mistake must not cost another file's results)
        evaluation.crashed("", document.source.path, error)
        return ()


def _kind_by_name(path: str) -> str:
    """The kind of a file that discovery could not open, as far as its name tells it."""
    folder, _, name = path.rpartition("/")
    return by_path(folder, name) or ""


def _notifications(document: Document) -> Iterator[Notification]:
    """Tell what could not be read of a file: one notification of each id, at its first place."""
    by_id: dict[str, list[Problem]] = {}
    for problem in document.problems:
        by_id.setdefault(problem.id, []).append(problem)
    for problems in by_id.values():
        first = min(problems, key=lambda problem: (_RANKS[problem.level], problem.region or WHOLE_FILE))
        more = f" (and {len(problems) - 1} more of the kind in this file)" if len(problems) > 1 else ""
        yield Notification(first.id, first.level, first.message + more, document.source.path, first.region)


def _order(notification: Notification) -> tuple[object, ...]:
    region = notification.region or WHOLE_FILE
    return _RANKS[notification.level], notification.path, region, notification.id, notification.message


def _counts(found: Discovery) -> dict[str, int]:
    counts: dict[str, int] = {}
    for file in found.files:
        counts[str(file.kind)] = counts.get(str(file.kind), 0) + 1
    return dict(sorted(counts.items()))


def _severity(value: Severity | str | None) -> Severity | None:
    return Severity.parse(value) if isinstance(value, str) else value
