"""Images in shell commands: what `docker build` is asked for, what `docker run` and `docker pull` fetch.

The options are those of the Docker CLI's reference (docker build, docker buildx build, docker run), which podman and
buildah share.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache

from sp404audit.documents.containers.images import BuildRequest, ImageUse
from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import UNKNOWN, ShellCommand, Unit

__all__ = ["script_images", "script_requests"]

_ENGINES = ("docker", "podman", "nerdctl", "buildah")
_BUILDS = (("build",), ("buildx", "build"), ("builder", "build"), ("image", "build"), ("bud",))
_PULLS = (("run",), ("pull",), ("create",), ("container", "run"), ("container", "create"), ("image", "pull"))
_LONGEST_COMMAND = 3
_GLOBAL_SWITCHES = frozenset({"-D", "--debug", "--tls", "--tlsverify"})
_BUILD_SWITCHES = frozenset(
    {
        "-D",
        "-q",
        "--check",
        "--compress",
        "--debug",
        "--force-rm",
        "--layers",
        "--load",
        "--no-cache",
        "--pull",
        "--push",
    }
    | {"--quiet", "--rm", "--squash", "--tls-verify"}
)
_RUN_SWITCHES = frozenset(
    {"-P", "-d", "-i", "-q", "-t", "--all-tags", "--detach", "--disable-content-trust", "--init", "--interactive"}
    | {
        "--no-healthcheck",
        "--no-hosts",
        "--oom-kill-disable",
        "--privileged",
        "--publish-all",
        "--quiet",
        "--read-only",
    }
    | {"--replace", "--rm", "--sig-proxy", "--tls-verify", "--tty"}
)
"""Options that take no value of their own, of the command line as a whole, of building, of running and pulling; every
other option is followed by its value."""


def script_requests(repository: Repository) -> tuple[BuildRequest, ...]:
    """Every `docker build` of the repository's scripts, workflows, recipes and hooks."""
    return repository.derived(_requests)


def script_images(repository: Repository) -> tuple[ImageUse, ...]:
    """Every image that a command runs or pulls."""
    return repository.derived(_images)


def _requests(repository: Repository) -> tuple[BuildRequest, ...]:
    found = []
    folders = _Folders()
    for command in repository.facts(ShellCommand):
        folders.follow(command)
        if command.name in _ENGINES and command.payload is None:
            words = _after_subcommand(command, _BUILDS)
            if words is not None:
                found.append(_request(command, words, folders.of(command)))
    return tuple(found)


def _images(repository: Repository) -> tuple[ImageUse, ...]:
    found = []
    for command in repository.facts(ShellCommand):
        if command.name not in _ENGINES:
            continue
        words = _after_subcommand(command, _PULLS)
        options = _options(words, _RUN_SWITCHES) if words is not None else ()
        positional = next((value for name, value in options if not name), None)
        # A word that is wholly unknown may as well be options (`docker run "${flags[@]}" image`).
        if positional and positional != UNKNOWN:
            value = None if UNKNOWN in positional else positional
            text = _shown(command, positional)
            found.append(ImageUse(command.location, text, value, "script", command.unit.owner or command.unit.name))
    return tuple(found)


def _shown(command: ShellCommand, word: str) -> str:
    """The word as the script writes it."""
    raw = next((raw for raw, known in zip(command.raw, command.known, strict=False) if known == word), word)
    return raw.strip("\"'")


def _after_subcommand(command: ShellCommand, subcommands: tuple[tuple[str, ...], ...]) -> list[str] | None:
    """The words behind `docker build` (or another subcommand); None when the command is another one."""
    words = list(command.known[1:])
    while words and words[0].startswith("-"):
        taken = 1 if "=" in words[0] or words[0] in _GLOBAL_SWITCHES else 2
        del words[:taken]
    for subcommand in subcommands:
        if tuple(words[: len(subcommand)]) == subcommand:
            return words[len(subcommand) :]
    return None


def _options(words: list[str], switches: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield (option, value) in order; the option is empty for a positional argument."""
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("-") or word == "-":
            yield "", word
        elif "=" in word:
            name, _, value = word.partition("=")
            yield name, value
        elif word in switches or _is_cluster(word, switches):
            yield word, ""
        else:
            # `-fFile` and `-tname` carry their value in the same word.
            if not word.startswith("--") and len(word) > 2:
                yield word[:2], word[2:]
                continue
            yield word, words[position] if position < len(words) else ""
            position += 1


def _is_cluster(word: str, switches: frozenset[str]) -> bool:
    """Tell whether a word is several one-letter switches in one, such as `-it`."""
    return len(word) > 2 and word[1] != "-" and all(f"-{letter}" in switches for letter in word[1:])


def _request(command: ShellCommand, words: list[str], folder: str | None) -> BuildRequest:
    options = list(_options(words, _BUILD_SWITCHES))
    context = _within(folder, next((value for name, value in reversed(options) if not name), ""))
    file = next((value for name, value in reversed(options) if name in ("-f", "--file")), None)
    if file is None:
        dockerfile = None if context is None else posixpath.join(context, "Dockerfile")
    else:
        dockerfile = _within(folder, file)
    target = next((value for name, value in reversed(options) if name == "--target"), None)
    pairs = [value.partition("=") for name, value in options if name == "--build-arg"]
    return BuildRequest(
        command.location,
        context,
        dockerfile,
        target=None if target is None or UNKNOWN in target else target,
        args=tuple((name, value if equals and UNKNOWN not in value else None) for name, equals, value in pairs),
        tags=tuple(_tag(value) for name, value in options if name in ("-t", "--tag")),
        origin="script",
        owner=command.unit.owner or command.unit.name,
        contexts=tuple(value.partition("=")[0] for name, value in options if name == "--build-context"),
        target_known=target is None or UNKNOWN not in target,
    )


def _tag(text: str) -> str:
    """A name as far as it is known: an unknown tag does not hide which image it is."""
    name, colon, tag = text.rpartition(":")
    return name if colon and UNKNOWN in tag and "/" not in tag else text


@cache
def _remote() -> re.Pattern[str]:
    return re.compile(r"(?:https?|git|ssh)://|git@|github\.com/", re.IGNORECASE)


def _within(folder: str | None, path: str) -> str | None:
    """A path relative to the root; None when it is not known or not in the repository."""
    if folder is None or not path or path == "-" or UNKNOWN in path or path.startswith("/") or _remote().match(path):
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


class _Folders:
    """The working directory of each command: its unit's, as far as `cd` before it leads elsewhere."""

    def __init__(self) -> None:
        self._unit: Unit | None = None
        self._moves: list[tuple[tuple[int, ...], str]] = []

    def follow(self, command: ShellCommand) -> None:
        """Remember where a command leads."""
        if command.unit != self._unit:
            self._unit, self._moves = command.unit, []
        if command.name in ("cd", "pushd") and len(command.known) > 1 and command.payload is None:
            self._moves.append((_subshells(command), command.known[-1]))

    def of(self, command: ShellCommand) -> str | None:
        """The directory that a command runs in, relative to the root; None when it is not known."""
        folder = command.unit.folder
        around = _subshells(command)
        for within, path in self._moves:
            if folder is not None and around[: len(within)] == within:
                folder = _within(folder, path)
        return folder


def _subshells(command: ShellCommand) -> tuple[int, ...]:
    return tuple(frame.start for frame in command.frames if frame.kind == "subshell")
