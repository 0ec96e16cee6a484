"""Backup jobs: what is backed up, where it goes, when, found in the commands of the whole repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sp404audit.documents.compose.project import Service
from sp404audit.documents.compose.service import UNKNOWN
from sp404audit.documents.github.facts import JobFact, WorkflowFact
from sp404audit.documents.kubernetes.jobs import image_program
from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.schedules import Schedule, cron_hours
from sp404audit.documents.projects.facts import LineExcerpt, Task
from sp404audit.documents.shell import commands as shell
from sp404audit.documents.shell.commands import ShellCommand
from sp404audit.documents.shell.groups import Group, groups, started_scripts
from sp404audit.documents.shell.script import ScriptFact
from sp404audit.documents.shell.text import MASK
from sp404audit.documents.shell.wrappers import SHELLS
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules.backup._tools import Store, is_dump, is_repository_tool, loads, names_a_backup, upload_of
from sp404audit.rules.registry import Verdict

__all__ = ["Job", "Run", "jobs", "once", "pipeline_peers", "schedules_of"]

_GROUPS = frozenset({"script", "step", "recipe", "command", "cron", "systemd", "ansible", "action", "npm", "service"})


class Run(NamedTuple):
    """One way in which a job is started: where that is said, and the hours between two runs when they are known."""

    location: Location
    hours: float | None


class Job(NamedTuple):
    """A group of commands that makes backups.

    Attributes:
        group: the commands.
        makers: those that dump a store or add to a repository of copies.
        stores: where copies are sent, in order; none when they stay where they are made.
        runs: the schedules that start it.
        manual: the triggers that start it by hand, when nothing else does.
        may_run: why it may be started by something that the repository does not show; empty when there is no sign.
    """

    group: Group
    makers: tuple[ShellCommand, ...]
    stores: tuple[Store, ...]
    runs: tuple[Run, ...]
    manual: bool
    may_run: str

    @property
    def location(self) -> Location:
        """The first command that makes a copy."""
        first = self.makers[0] if self.makers else self.stores[0].command
        return first.location

    @property
    def hours(self) -> float | None:
        """The shortest interval between two runs."""
        known = [run.hours for run in self.runs if run.hours is not None]
        return min(known) if known else None


def jobs(repository: Repository) -> tuple[Job, ...]:
    """Return every backup job of the repository; ask by `repository.derived(jobs)`."""
    starts = repository.derived(_starts)
    found = []
    for group in (*repository.derived(groups), *repository.derived(_services)):
        if group.kind not in _GROUPS:
            continue
        makers = tuple([command for command in group.commands if _makes(group, command)])
        uploads = [store for command in group.commands if (store := upload_of(command)) is not None]
        if not makers:
            uploads = [store for store in uploads if names_a_backup(store.command) and not _publishes(store)]
        if not makers and not uploads:
            continue
        runs, manual, may_run = _runs(repository, group, starts, 0)
        found.append(Job(group, makers, tuple(uploads), runs, manual, may_run))
    return tuple(found)


def _services(repository: Repository) -> tuple[Group, ...]:
    """What the services of compose run, where that is written as a command."""
    found: dict[tuple[str, str], Group] = {}
    for service in Service.in_repository(repository):
        words = [*service.words("entrypoint"), *service.words("command")]
        value = service.get("command") or service.get("entrypoint")
        if not words or value is None:
            continue
        shells = words[0].rpartition("/")[2] in SHELLS and len(words) > 2
        if not shells and service.get("entrypoint") is None and (program := image_program(service.image or "")):
            words = [program, *words]
        text = (words[-1] if shells else " ".join(words)).replace(UNKNOWN, MASK)
        options = ["pipefail"] if shells and "pipefail" in words else []
        read = shell.parse(LineExcerpt([(text, value.location.region)]), options=options)
        path = value.location.path
        unit = shell.Unit("service", path, value.location.region.start_line, service.name, folder=None)
        key = (path, service.name)
        found.setdefault(key, Group("service", *key, tuple(shell.command_facts(read, path, unit))))
    return tuple(found.values())


def _publishes(store: Store) -> bool:
    """Whether an upload is the delivery of something built: a site, an image, a chart."""
    return any(word in store.bucket + store.prefix for word in ("www", "static", "assets", "release", "artifact"))


def _makes(group: Group, command: ShellCommand) -> bool:
    if is_repository_tool(command):
        return True
    if not is_dump(command):
        return False
    if command.pipeline is None:
        return True
    peers = pipeline_peers(group, command)
    return not any(loads(peer) for peer in peers)


def once(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Put verdicts that say the same together: the first one, with the places of the others."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault((verdict.kind, verdict.message), []).append(verdict)
    for same in found.values():
        others = tuple((each.where, "likewise") for each in same[1:] if each.where != same[0].where)
        yield same[0]._replace(related=same[0].related + others)


def pipeline_peers(group: Group, command: ShellCommand) -> list[ShellCommand]:
    """Return the members of the command's pipeline, itself included."""
    pipeline = command.pipeline
    if pipeline is None:
        return []
    members = [other for other in group.commands if other.unit == command.unit and other.pipeline is not None]
    return [other for other in members if other.pipeline is not None and other.pipeline.id == pipeline.id]


Starts = dict[tuple[str, str, str], list[Group]]


def _starts(repository: Repository) -> Starts:
    """For each script and target: the groups that start it."""
    found: Starts = {}
    tasks = {(task.runner, task.name): task for task in repository.facts(Task)}
    for group in repository.derived(groups):
        for command in group.commands:
            for path in started_scripts(repository, command):
                if path != group.path:
                    found.setdefault(("script", path, ""), []).append(group)
            if command.name in ("make", "just"):
                for word in command.known[1:]:
                    task = tasks.get((command.name, word))
                    if task is not None:
                        found.setdefault(("recipe", task.path, task.name), []).append(group)
    return found


def _runs(repository: Repository, group: Group, starts: Starts, depth: int) -> tuple[tuple[Run, ...], bool, str]:
    """Find what starts a group: schedules, hands, or signs of something outside."""
    if group.kind == "step":
        return _workflow_runs(repository, group.path, depth)
    if group.kind in ("cron", "systemd", "command", "service"):
        return _scheduled(repository, group)
    runs: list[Run] = []
    manual, may_run = False, ""
    for starter in starts.get((group.kind, group.path, group.owner), []) if depth < 5 else []:
        more, by_hand, maybe = _runs(repository, starter, starts, depth + 1)
        runs += more
        manual = manual or by_hand
        may_run = may_run or maybe
    if not runs and not may_run:
        may_run = _sign(repository, group)
    return tuple(runs), manual, may_run


def _sign(repository: Repository, group: Group) -> str:
    """Say what speaks for a schedule outside the repository."""
    if group.kind != "script":
        return "who starts it is not in the repository"
    script = repository.derived(_scripts).get(group.path)
    if script is not None and script.says_when is not None:
        return f"a comment in {group.path} (line {script.says_when.region.start_line}) speaks of one"
    if _NAMED_FOR_A_SCHEDULE.search(group.path):
        return "its path speaks of one"
    if any(part in _PROVISIONED for part in group.path.split("/")[:-1]):
        return "what installs the script may schedule it"
    return ""


_NAMED_FOR_A_SCHEDULE = regex(r"(?:^|[/._-])(?:cron|nightly|daily|hourly|weekly|scheduled)(?:[/._-]|$)", re.IGNORECASE)
_PROVISIONED = frozenset(
    {"ansible", "roles", "playbooks", "files", "puppet", "salt", "chef", "cookbooks", "cloud-init"}
)


def _scripts(repository: Repository) -> dict[str, ScriptFact]:
    found: dict[str, ScriptFact] = {}
    for script in repository.facts(ScriptFact):
        found.setdefault(script.path, script)
    return found


def schedules_of(repository: Repository, group: Group) -> list[Schedule]:
    """Return the schedules that start a group, in the order of their files."""
    index = repository.derived(_schedules)
    found = [each for path in {"", group.path} for each in index.get((group.kind, group.owner, path), ())]
    return [schedule for _, schedule in sorted(found, key=lambda one: one[0])]


def _schedules(repository: Repository) -> dict[tuple[str, str, str], list[tuple[int, Schedule]]]:
    found: dict[tuple[str, str, str], list[tuple[int, Schedule]]] = {}
    for at, each in enumerate(repository.facts(Schedule)):
        found.setdefault((each.kind, each.owner, each.path), []).append((at, each))
    return found


def _scheduled(repository: Repository, group: Group) -> tuple[tuple[Run, ...], bool, str]:
    runs = [Run(schedule.location, schedule.hours) for schedule in schedules_of(repository, group)]
    loops = any(command.name == "sleep" and command.conditional for command in group.commands)
    if loops or group.kind == "cron":
        return tuple(runs) or (Run(group.commands[0].location, None),), False, ""
    if group.kind in ("command", "service") and not runs:
        return (), False, "it runs when its container is started"
    return tuple(runs), False, ""


def _workflows(repository: Repository) -> dict[str, WorkflowFact]:
    found: dict[str, WorkflowFact] = {}
    for workflow in repository.facts(WorkflowFact):
        found.setdefault(workflow.path, workflow)
    return found


def _callers(repository: Repository) -> dict[str, list[JobFact]]:
    """The jobs that call a workflow of this repository, by what they write."""
    found: dict[str, list[JobFact]] = {}
    for job in repository.facts(JobFact):
        if job.uses:
            found.setdefault(job.uses.partition("@")[0], []).append(job)
    return found


_BY_HAND = frozenset({"workflow_dispatch", "repository_dispatch"})


def _workflow_runs(repository: Repository, path: str, depth: int) -> tuple[tuple[Run, ...], bool, str]:
    workflow = repository.derived(_workflows).get(path)
    if workflow is None or workflow.is_fragment:
        return (), False, "when the steps run is not in the repository"
    runs = []
    for trigger in workflow.triggers:
        if trigger.name == "schedule":
            hours = [cron_hours(expression) for expression in trigger.filter("cron") or ()]
            known = [one for one in hours if one is not None]
            runs.append(Run(trigger.location, min(known) if known else None))
    names = {trigger.name for trigger in workflow.triggers}
    if "workflow_call" in names and not runs and depth < 5:
        for caller in repository.derived(_callers).get(f"./{path}", ()):
            more, _, _ = _workflow_runs(repository, caller.path, depth + 1)
            runs += more
        if not runs:
            return (), False, "the workflows that call this one may have a schedule"
    manual = not runs and names <= _BY_HAND
    return tuple(runs), manual, "" if runs or manual else "it runs on events of the repository"
