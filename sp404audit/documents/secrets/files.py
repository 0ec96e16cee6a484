"""Files that a job of a workflow fills with secrets, and what becomes of each: removed, encrypted, carried away.

What is followed: `${{ secrets.X }}` in a command, variables that `env:` or the shell fill from one, and the commands
that print or pass text on (`echo`, `cat`, `base64`, `tee`, `sed` …). The job's own token is left out: it ends with it.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import TYPE_CHECKING

from sp404audit.documents.github.step_shell import read_shell
from sp404audit.documents.secrets.words import words
from sp404audit.documents.shell.commands import ROOT_FOLDER, SCRIPT_FOLDER, UNKNOWN, Command, Redirect, Shell, Word
from sp404audit.documents.yaml_tree import Scalar
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.github.workflow import Job
    from sp404audit.results import Region

__all__ = ["Carrier", "SecretFile", "secret_files"]

_PRINTING = frozenset(("echo", "printf", "cat", "base64", "tee", "jq", "yq", "envsubst", "sed", "awk"))
_PASSING_ON = _PRINTING | {"tr", "cut", "head", "tail", "grep", "gunzip", "gzip", "xxd", "fold", "dos2unix", "sudo"}
_SIGNS_OF_WRITING = (">", "tee", "-i", "--in")
_REMOVING = frozenset(("rm", "shred", "srm", "unlink", "wipe", "trash"))
_NOT_KEPT = (
    "/dev/",
    "${GITHUB_ENV}",
    "${GITHUB_OUTPUT}",
    "${GITHUB_STEP_SUMMARY}",
    "${GITHUB_STATE}",
    "${GITHUB_PATH}",
)
_PUBLIC = ("known_hosts", "authorized_keys", ".pub", ".crt", ".cer", ".gitignore")
_UPLOADS = ("actions/upload-artifact", "actions/upload-pages-artifact")
_COMMITTERS = ("stefanzweifel/git-auto-commit-action", "endbug/add-and-commit", "peter-evans/create-pull-request")
_CACHES = ("actions/cache", "actions/cache/save")
_IMAGE_BUILDS = ("docker/build-push-action", "docker/bake-action")
_HARMLESS_ENDS = frozenset(
    ("ID", "NAME", "HOST", "HOSTNAME", "PORT", "USER", "USERNAME", "REGION", "DOMAIN", "EMAIL", "BUCKET")
)
_MAX_FILES = 50


class Carrier(NamedTuple):
    """Something that takes a file out of the job: `what` says it in words.

    `certain` is False where a .dockerignore or a .gitignore may keep the file out of it.
    """

    what: str
    region: Region
    certain: bool = True


class SecretFile(NamedTuple):
    """A file that a step fills with secrets.

    Attributes:
        name: its path as the workflow spells it.
        region: of the command that first writes it.
        step: the step that does.
        removal: where it is removed or encrypted in place; None when nowhere.
        carriers: what takes it out of the job while it is there.
    """

    name: str
    region: Region
    step: Step
    removal: Region | None
    carriers: tuple[Carrier, ...]

    @property
    def is_temporary(self) -> bool:
        """Whether the runner removes it when the job ends: RUNNER_TEMP in GitHub's "Variables reference"."""
        return self.name.startswith("${RUNNER_TEMP}/")


class _Place(NamedTuple):
    """A moment in a job: the step's number, and the offset in its command."""

    step: int
    offset: int


class _Write(NamedTuple):
    path: str
    place: _Place
    region: Region


class _Removal(NamedTuple):
    pattern: str
    place: _Place
    whole_step: bool  # a trap: it runs whenever the step ends
    region: Region


def secret_files(job: Job) -> list[SecretFile]:
    """Return the files that the steps of a job fill with secrets, in the order in which they are first written."""
    steps = [_StepReader(step, number) for number, step in enumerate(job.steps)]
    writes: dict[str, _Write] = {}
    for step in steps:
        for write in step.writes():
            if len(writes) < _MAX_FILES:
                writes.setdefault(write.path, write)
    if not writes:
        return []
    removals = [removal for step in steps for removal in step.removals()]
    return [_fate(write, steps, removals) for write in writes.values()]


def _fate(write: _Write, steps: list[_StepReader], removals: list[_Removal]) -> SecretFile:
    removal = next((one for one in removals if _removes(one, write)), None)
    end = _Place(len(steps), 0)
    if removal is not None:
        end = _Place(removal.place.step + 1, 0) if removal.whole_step else removal.place
    carriers = [
        carrier
        for step in steps
        for place, carrier in step.carriers(write.path)
        if write.place < place < end or (place.offset < 0 and removal is None)
    ]
    step = steps[write.place.step].step
    return SecretFile(write.path, write.region, step, removal.region if removal else None, tuple(carriers))


def _removes(removal: _Removal, write: _Write) -> bool:
    if removal.whole_step:
        return removal.place.step == write.place.step and _covers(removal.pattern, write.path)
    return removal.place > write.place and _covers(removal.pattern, write.path)


class _StepReader:
    """One step of a job: what its command writes, removes and carries away."""

    def __init__(self, step: Step, number: int) -> None:
        self.step = step
        self.number = number
        self.folder = step.working_directory.value.strip() if step.working_directory is not None else ""

    @cached_property
    def shell(self) -> Shell | None:
        """The command, read on first use: most steps know no secret."""
        return read_shell(self.step)

    @cached_property
    def _given(self) -> set[str]:
        """The variables that `env:` fills with a secret."""
        return {
            name
            for scope in self.step.variable_scopes()
            for name, _, value in scope.pairs()
            if isinstance(value, Scalar) and _names_a_secret(value.value)
        }

    @cached_property
    def tainted(self) -> set[str]:
        """The variables that hold a secret: given, or assigned from one."""
        names = set(self._given)
        for assignment in self.shell.assignments if self.shell else ():
            if assignment.value is not None and self._is_secret(_expanded(assignment.value.text), names):
                names.add(assignment.name)
        return names

    @staticmethod
    def _is_secret(text: str, names: set[str]) -> bool:
        return _names_a_secret(text) or (bool(names) and not names.isdisjoint(_variable().findall(text)))

    def writes(self) -> Iterator[_Write]:
        """Yield every write of a secret into a file."""
        run = self.step.run.value if self.step.run is not None else ""
        if not any(sign in run for sign in _SIGNS_OF_WRITING) or not (self._given or _names_a_secret(run)):
            return
        if self.shell is None:
            return
        shell = self.shell
        pipelines: dict[int, list[Command]] = {}
        for command in shell.commands:
            if command.pipeline is not None:
                pipelines.setdefault(command.pipeline.id, []).append(command)
        for command in shell.commands:
            if command.substitution or not self._prints_secret(shell, command):
                continue
            for path in self._targets(shell, command, pipelines):
                if not path.startswith(_NOT_KEPT) and not path.endswith(_PUBLIC):
                    yield _Write(path, _Place(self.number, command.start), command.region)

    def _prints_secret(self, shell: Shell, command: Command) -> bool:
        if command.name not in _PRINTING:
            return False
        if any(self._is_secret(_expanded(word.text), self.tainted) for word in command.arguments):
            return True
        if any(self._carries_secret(shell, redirect) for redirect in command.redirects):
            return True
        return command.name == "envsubst" and bool(self.tainted)

    def _carries_secret(self, shell: Shell, redirect: Redirect) -> bool:
        """Tell whether a here-document or a here-string holds a secret."""
        if redirect.body is not None:
            body = shell.excerpt.text[redirect.body_start : redirect.body_start + len(redirect.body)]
            return _names_a_secret(body) or (not redirect.quoted and self._is_secret(body, self.tainted))
        return (
            redirect.operator == "<<<"
            and redirect.target is not None
            and self._is_secret(_expanded(redirect.target.text), self.tainted)
        )

    def _targets(self, shell: Shell, command: Command, pipelines: dict[int, list[Command]]) -> Iterator[str]:
        """Yield the files that a command's text ends up in: its own redirection, or that of what it is piped into."""
        stages = [command]
        if command.pipeline is not None:
            position = command.pipeline.position
            stages += [
                each for each in pipelines[command.pipeline.id] if each.pipeline and each.pipeline.position > position
            ]
        for stage in stages:
            if stage.name not in _PASSING_ON:
                return  # encrypted, hashed, sent: no longer the secret, or not ours to follow
            written = [redirect.target for redirect in stage.redirects if redirect.writes and redirect.target]
            if stage.name == "tee":
                written += [word for word in stage.arguments if not word.text.startswith("-")]
            if stage.name in ("sed", "yq") and any(_in_place().match(word.text) for word in stage.arguments):
                written += stage.arguments[-1:]
            for word in written:
                yield self._spell(shell, word)
        yield from self._group_targets(shell, command)

    def _group_targets(self, shell: Shell, command: Command) -> Iterator[str]:
        for frame in command.frames:
            if frame.kind in ("group", "subshell", "loop") and (
                match := _behind().match(shell.excerpt.text, frame.end)
            ):
                yield self._place(match[1].strip("'\"").replace("${", "$"), relative=True)

    def removals(self) -> Iterator[_Removal]:
        """Yield what the step removes, or encrypts in place."""
        for command in self.shell.commands if self.shell else ():
            given = [word.text for word in command.arguments]
            in_place = (command.name == "sops" and {"-i", "--in-place"} & set(given)) or (
                command.name == "ansible-vault" and given[:1] == ["encrypt"]
            )
            if command.name not in _REMOVING and not in_place:
                continue
            assert self.shell is not None
            place = _Place(self.number, command.start)
            for word in command.arguments:
                if not word.text.startswith("-"):
                    path = self._spell(self.shell, word)
                    yield _Removal(path, place, command.payload == "trap", command.region)

    def carriers(self, path: str) -> Iterator[tuple[_Place, Carrier]]:
        """Yield what takes a file out of the job, with the moment; a cache is saved when the job ends: offset -1."""
        uses = self.step.uses
        if uses is not None:
            yield from self._action_carriers(uses.action, path)
        for command in self.shell.commands if self.shell else ():
            assert self.shell is not None
            place = _Place(self.number, command.start)
            given = [word.text for word in command.arguments]
            if command.name == "git" and given[:1] == ["add"]:
                everything = {"-A", "--all", ".", "*"} & set(given)
                patterns = ["." if everything else self._spell(self.shell, word) for word in command.arguments[1:]]
                if any(_covers(pattern, path) for pattern in patterns):
                    yield place, Carrier("commits it", command.region)
            elif command.name in ("docker", "podman", "buildah") and "build" in given and command.arguments:
                context = self._spell(self.shell, command.arguments[-1])
                if _covers(context, path):
                    yield place, Carrier("builds an image in the folder it lies in", command.region, certain=False)

    def _action_carriers(self, action: str, path: str) -> Iterator[tuple[_Place, Carrier]]:
        place = _Place(self.number, 0)
        region = self.step.region
        if action in _UPLOADS and self._input_covers("path", path, hidden=self._uploads_hidden()):
            yield place, Carrier("uploads it as an artifact", region)
        elif action in _CACHES and self._input_covers("path", path):
            yield place if action.endswith("save") else _Place(self.number, -1), Carrier("caches it", region)
        elif action in _COMMITTERS and _covers(".", path):
            yield place, Carrier("commits what lies in the workspace", region, certain=False)
        elif action in _IMAGE_BUILDS and self._input_covers("context", path):
            yield place, Carrier("builds an image in the folder it lies in", region, certain=False)

    def _uploads_hidden(self) -> bool:
        """Since 4.4, upload-artifact leaves files out whose names begin with a dot, unless told or asked by name."""
        option = self.step.input("include-hidden-files")
        uses = self.step.uses
        old = uses is not None and re.match(r"v[1-3](\.|$)", uses.ref) is not None
        return old or (option is not None and option.value.strip().lower() == "true")

    def _input_covers(self, name: str, path: str, *, hidden: bool = True) -> bool:
        value = self.step.input(name)
        covered = False
        for line in value.value.splitlines() if value is not None else ():
            pattern = line.strip()
            if not pattern:
                continue
            hit = _covers(self._place(pattern.lstrip("!"), relative=False), path, hidden=hidden)
            covered = (covered or hit) if not pattern.startswith("!") else covered and not hit
        return covered

    def _spell(self, shell: Shell, word: Word) -> str:
        """Write a word's path so that the same file is the same text wherever the job names it."""
        known = shell.resolve(word)
        if UNKNOWN not in known:
            return self._place(known, relative=True)
        pieces = []
        for part in word.parts:
            if part.kind == "literal":
                pieces.append(part.text)
            elif part.kind == "variable":
                value = shell.value_of(part.text, word.start)
                pieces.append(f"${part.text}" if value is None or UNKNOWN in value else value)
            else:
                pieces.append(part.text)
        return self._place("".join(pieces), relative=True)

    def _place(self, path: str, *, relative: bool) -> str:
        path = path.replace(SCRIPT_FOLDER, "${SCRIPT_FOLDER}")
        path = _runner_context().sub(lambda match: f"$RUNNER_{match[1].upper()}", path)
        path, from_root = _workspace().subn("", path.replace(ROOT_FOLDER, "$GITHUB_WORKSPACE"))
        path = re.sub(r"^~(?=/|$)", "$HOME", path)
        path = re.sub(r"\$(\w+)", r"${\1}", path)
        if path.startswith(("/", "${")):
            return posixpath.normpath(path)
        return posixpath.normpath(posixpath.join(self.folder if relative and not from_root else "", path or "."))


def _covers(pattern: str, path: str, *, hidden: bool = True) -> bool:
    """Tell whether a path, a folder or a glob takes in a file."""
    pattern = pattern.removesuffix("/**").removesuffix("/*") if pattern not in ("**", "*", "**/*") else "."
    if pattern == path:
        return True
    if pattern == ".":
        rest: str | None = None if path.startswith(("/", "${", "..")) else path
    elif path.startswith(pattern.rstrip("/") + "/"):
        rest = path[len(pattern) + 1 :]
    elif any(character in pattern for character in "*?["):
        return pattern.count("*") <= 4 and fnmatch.fnmatchcase(path, pattern)
    else:
        return False
    return rest is not None and (hidden or not any(part.startswith(".") for part in rest.split("/")))


def _names_a_secret(text: str) -> bool:
    """Tell whether an expression in the text reads a secret; the id of an app or a host's name is none worth hiding."""
    if "secrets" not in text:
        return False
    return any((words(match[1] or "") or ("",))[-1] not in _HARMLESS_ENDS for match in _secret().finditer(text))


@cache
def _secret() -> re.Pattern[str]:
    return re.compile(r"\$\{\{[^}]{0,300}?\bsecrets\b(?!\.GITHUB_TOKEN\b)(?:\.(\w{1,100}))?", re.IGNORECASE)


def _expanded(text: str) -> str:
    """Return a word without the `$` that the shell leaves as they are: those in single quotes and behind a backslash.

    `echo '_authToken=${NPM_TOKEN}'` writes the name of a variable. GitHub's `${{ … }}` knows no quotes, and stays.
    """
    if "'" not in text and "\\" not in text:
        return text

    def kept(match: re.Match[str]) -> str:
        return match[0].replace("\\$", "") if match[0][0] == '"' else _unexpandable().sub("", match[0])

    return _quoted().sub(kept, text)


@cache
def _quoted() -> re.Pattern[str]:
    return re.compile(r"\\.|'[^']*'|" + r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@cache
def _unexpandable() -> re.Pattern[str]:
    return re.compile(r"\$(?!\{\{)")


@cache
def _variable() -> re.Pattern[str]:
    return re.compile(r"\$\{?([A-Za-z_]\w*)")


@cache
def _behind() -> re.Pattern[str]:
    return re.compile(r"[ \t]*>>?[ \t]*([^\s;&|<>()]{1,300})")


@cache
def _in_place() -> re.Pattern[str]:
    return re.compile(r"-[a-zA-Z]*i(?:\.\w+|'')?$|--in-?place")


@cache
def _runner_context() -> re.Pattern[str]:
    return re.compile(r"\$\{\{[ \t]{0,20}runner\.(temp|tool_cache|workspace)[ \t]{0,20}\}\}")


@cache
def _workspace() -> re.Pattern[str]:
    return re.compile(r"^(?:\$\{\{[ \t]{0,20}github\.workspace[ \t]{0,20}\}\}|\$\{?GITHUB_WORKSPACE\}?)/?")
