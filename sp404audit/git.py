"""Starting git on a repository that may be hostile: to read, and so that nothing of the repository is run.

A repository's own configuration names programs for a dozen occasions (file system monitor, hooks, pager, diff drivers,
filters, signatures, transports), so git is started

- for commands that only read, each with the options that keep its drivers and children away (`_COMMANDS`); none of
  them compares the work tree, which is what runs filters, and none of them enters a submodule;
- with settings that outrank the repository's, and an environment that holds nothing but what git needs;
- without network: a partial clone lacks what it lacks;
- in a repository that is really that of the folder: a `.git` that leads elsewhere must be known there.

The user's own configuration counts (`safe.directory`, `core.excludesFile`); it is no part of what is audited.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

__all__ = ["GitError", "Running", "git", "open_git", "records", "spooled", "top_folder", "version"]

SECONDS = 60.0
"""How long a command may take whose output is waited for; the log of Linux's kernel takes about ten."""

MAX_OUTPUT_BYTES = 256 * 1024 * 1024
MAX_RECORD_BYTES = 16 * 1024 * 1024
MAX_SPOOLED_BYTES = 8 * 1024 * 1024 * 1024
_LOOK_SECONDS = 0.25

_DIFF = ("--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short", "--ignore-submodules=dirty")
_COMMANDS: dict[str, tuple[str, ...]] = {
    "cat-file": (),
    "config": ("--local", "--no-includes", "--null", "--get"),  # of its many ways the one that reads one setting
    "diff-index": ("--cached", *_DIFF),  # without --cached it compares the work tree, through filters
    "diff-tree": _DIFF,
    "for-each-ref": (),
    "log": ("--no-show-signature", "--no-mailmap", *_DIFF),
    "ls-files": (),
    "ls-tree": (),
    "merge-base": (),
    "rev-list": (),
    "rev-parse": (),
}
"""The commands that may be started, and the options that each is started with."""

_REFUSED = frozenset(
    ("--filters", "--textconv", "--ext-diff", "--show-signature", "--modified", "-m", "-O", "--output")
)
"""Options that start programs of the repository, or write. Callers are ours: abbreviations are not looked for."""

_HARMLESS = frozenset((("log", "-m"), ("diff-tree", "-m")))
"""Where one of these letters means something else."""

_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.sshCommand": os.devnull,
    "core.askPass": os.devnull,
    "core.gitProxy": "",
    "core.untrackedCache": "false",
    "color.ui": "false",
    "credential.helper": "",
    "diff.orderFile": os.devnull,
    "diff.submodule": "short",
    "diff.ignoreSubmodules": "dirty",
    "gpg.program": os.devnull,
    "gpg.ssh.program": os.devnull,
    "gpg.x509.program": os.devnull,
    "log.showSignature": "false",
    "log.mailmap": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
}
"""Settings that outrank the repository's (git-config(1))."""

_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_KEPT_VARIABLES = ("PATH", "HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE")
_MAX_LINK_BYTES = 4096


class GitError(Exception):
    """git could not say what it was asked for; the text names the reason and the way out."""


class Running:
    """A git process at work: `stdout` to read from, and `stdin` to write to where that was asked for."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self.stdout: IO[bytes] = process.stdout
        self.stdin: IO[bytes] | None = process.stdin


def git(
    root: str | os.PathLike[str],
    *arguments: str,
    input: bytes | None = None,  # noqa: A002
    index: str | None = None,
) -> bytes:
    """Return what a git command prints.

    Args:
        root: the folder that git is started in: a repository, or a folder of one.
        arguments: the command and its options. What comes from outside belongs behind `--end-of-options`; file
            names are taken literally.
        input: what the command reads.
        index: the index file to go by instead of the repository's own.

    Raises:
        GitError: when there is no git or no repository, when git fails, takes more than a minute or prints more than
            256 MiB.
        ValueError: for a command or an option that is not known to be harmless.
    """
    with open_git(root, *arguments, input=input, seconds=SECONDS, index=index) as running:
        output = running.stdout.read(MAX_OUTPUT_BYTES + 1)
        if len(output) > MAX_OUTPUT_BYTES:
            raise GitError(f"git {arguments[0]} printed more than {MAX_OUTPUT_BYTES // 1024**2} MiB and was stopped")
        return output


def records(root: str | os.PathLike[str], *arguments: str, seconds: float = 600.0) -> Generator[bytes]:
    r"""Yield what a git command prints, one NUL-terminated record at a time, while it runs.

    Args:
        root: as for `git`.
        arguments: as for `git`; the command must be told to end its records with NUL (`-z`).
        seconds: how long it may take altogether, with what the caller does in between.

    Raises:
        GitError: as `git`; a record of more than 16 MiB is an error, too.
    """
    with open_git(root, *arguments, seconds=seconds) as running:
        rest: list[bytes] = []
        size = 0
        while chunk := running.stdout.read1(1 << 16):  # type: ignore[attr-defined]  # a BufferedReader has it
            first, *others = chunk.split(b"\0")
            rest.append(first)
            size += len(first)
            if size > MAX_RECORD_BYTES:
                raise GitError(f"git {arguments[0]} printed a record of more than {MAX_RECORD_BYTES // 1024**2} MiB")
            if others:
                yield b"".join(rest)
                yield from others[:-1]
                rest, size = [others[-1]], len(others[-1])
        if size:
            yield b"".join(rest)


@contextmanager
def open_git(
    root: str | os.PathLike[str],
    *arguments: str,
    input: bytes | None = None,  # noqa: A002
    talk: bool = False,
    seconds: float = 600.0,
    index: str | None = None,
) -> Iterator[Running]:
    """Start a git command for the time of a `with` block; it is stopped where the block is left early.

    Args:
        root: as for `git`.
        arguments: as for `git`.
        input: what the command reads.
        talk: whether the command reads from `Running.stdin` instead, as `cat-file --batch` does.
        seconds: how long the command may take.
        index: the index file to go by instead of the repository's own.

    Raises:
        GitError: as `git`, at the end of the block when git failed.
    """
    import subprocess

    with _started(
        root, arguments, input, subprocess.PIPE if talk else None, subprocess.PIPE, seconds, index
    ) as process:
        yield Running(process)


@contextmanager
def spooled(
    root: str | os.PathLike[str],
    *arguments: str,
    input: bytes | None = None,  # noqa: A002
    seconds: float = 600.0,
) -> Iterator[IO[bytes]]:
    """Run a git command to its end, and give what it printed as a file to read, which lasts as long as the block.

    A pipe holds little: git would wait for its reader a thousand times, which costs as much as the printing.

    Args:
        root: as for `git`.
        arguments: as for `git`.
        input: what the command reads.
        seconds: how long the command may take.

    Raises:
        GitError: as `git`, before the block is entered; also when git prints more than 8 GiB.
    """
    import subprocess
    import tempfile

    with tempfile.TemporaryFile() as written:
        with _started(root, arguments, input, None, written, seconds, None) as process:
            is_done = False
            while not is_done:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
                is_done = process.poll() is not None
                if os.fstat(written.fileno()).st_size > MAX_SPOOLED_BYTES:
                    most = MAX_SPOOLED_BYTES // 1024**3
                    raise GitError(f"git {arguments[0]} printed more than {most} GiB and was stopped")
        written.seek(0)
        yield written


@contextmanager
def _started(
    root: str | os.PathLike[str],
    arguments: tuple[str, ...],
    input: bytes | None,  # noqa: A002
    stdin: int | None,
    stdout: int | IO[bytes],
    seconds: float,
    index: str | None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a git command, and see to its end; without a `stdin` of its own it reads `input`."""
    import subprocess
    import tempfile

    command = _command(arguments)
    top = top_folder(root)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as given:
        given.write(input or b"")
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 (no shell; a command from the list above, from an absolute path)
                [_program(top), *command],
                cwd=root,
                env=_environment(top, index),
                stdin=given if stdin is None else stdin,
                stdout=stdout,
                stderr=errors,
            )
        except (OSError, ValueError) as error:
            raise GitError(f"git cannot be started: {error}") from error
        overdue = _Overdue(process, seconds)
        try:
            yield process
            finished = _finish(process)
        finally:
            overdue.cancel()
            _stop(process)
        if overdue.expired:
            raise GitError(f"git {arguments[0]} took more than {seconds:.0f} s and was stopped")
        if finished != 0:
            errors.seek(0)
            raise _error(arguments[0], errors.read(8192).decode("utf-8", "replace"), top)


class _Overdue:
    """Stops a process that takes longer than it may."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        from threading import Timer

        self.expired = False
        self._process = process
        self._timer = Timer(seconds, self._stop)
        self._timer.daemon = True
        self._timer.start()
        self.cancel = self._timer.cancel

    def _stop(self) -> None:
        self.expired = True
        self._process.kill()


def _finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process of which no more is wanted; one that still prints is stopped, and that is fine."""
    if process.stdin is not None:
        _close(process.stdin)
    if process.stdout is not None and process.stdout.read(1):
        process.kill()
        process.wait()
        return 0
    return process.wait()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            _close(stream)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        return  # what was still to be written has no reader any more


def _command(arguments: tuple[str, ...]) -> list[str]:
    """Build the command line behind the program, and refuse what is not known to be harmless."""
    name, *rest = arguments
    if name not in _COMMANDS:
        raise ValueError(f"git {name} is not known to only read; see sp404audit.git")
    end = rest.index("--end-of-options") if "--end-of-options" in rest else len(rest)
    for option in rest[:end]:
        word = option.partition("=")[0]
        if (word in _REFUSED and (name, word) not in _HARMLESS) or "\0" in option:
            raise ValueError(f"git {name} is not started with {option}; see sp404audit.git")
    settings = [part for setting in _SETTINGS.items() for part in ("-c", "=".join(setting))]
    return ["--no-pager", *settings, name, *_COMMANDS[name], *rest]


def _program(top: str) -> str:
    """Find git on PATH, but neither in a relative folder nor in the repository itself."""
    name = "git.exe" if os.name == "nt" else "git"
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        full = os.path.join(folder, name)
        if os.path.isabs(folder) and os.access(full, os.X_OK) and not _lies_in(os.path.realpath(full), top):  # noqa: PTH117
            return full
    raise GitError("git is needed for this and is not on PATH; install it (https://git-scm.com/downloads)")


def _environment(top: str, index: str | None) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    place = {"GIT_WORK_TREE": top, "GIT_CEILING_DIRECTORIES": os.path.dirname(top)}  # noqa: PTH120
    return {**kept, **_ENVIRONMENT, **place, **({"GIT_INDEX_FILE": index} if index else {})}


def version(root: str | os.PathLike[str]) -> str:
    """Return the version of the git that is started for the repository at `root`, such as `2.39.2`.

    Raises:
        GitError: when there is none on PATH.
    """
    import subprocess

    top = os.path.realpath(root)
    program = _program(top)
    try:
        done = subprocess.run(  # noqa: S603 (no shell; it looks at no repository)
            [program, "--version"], env=dict(_environment(top, None)), capture_output=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise GitError(f"{program} does not run: {error}") from None
    return done.stdout.decode("utf-8", "replace").strip().removeprefix("git version ")


def top_folder(root: str | os.PathLike[str]) -> str:
    """Return the folder of the repository that holds `root`: the nearest with a `.git`, as an absolute path.

    Raises:
        GitError: when there is none, or when its `.git` leads elsewhere and is not known there.
    """
    folder = os.path.realpath(root)
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)  # noqa: PTH120
        if parent == folder:
            raise GitError(f"{os.fspath(root)} is no git repository, and lies in none")
        folder = parent
    _check_leads_here(folder)
    return folder


def _check_leads_here(folder: str) -> None:
    """Refuse a `.git` by which a repository would pass another one's history off as its own."""
    link = os.path.join(folder, ".git")
    if os.path.islink(link):  # noqa: PTH114
        raise GitError(f"{link} is a link and is not followed; audit the folder that it points to, or a clone")
    if os.path.isdir(link):  # noqa: PTH112
        _check_is_whole(link)
        return
    target = _pointer(link, "gitdir:")
    real = os.path.realpath(os.path.join(folder, target)) if target else ""
    if not target or not (_is_worktree(real, link) or _is_submodule(real, folder)):
        raise GitError(
            f"{link} leads to a repository elsewhere that does not know this folder; audit a clone, or have git "
            "link the two again: git worktree repair"
        )


def _check_is_whole(git_folder: str) -> None:
    """Refuse a repository some of whose parts are another's (gitrepository-layout(5)); shared objects are all right."""
    if os.path.lexists(os.path.join(git_folder, "commondir")):
        raise GitError(f"{git_folder} shares the history of another repository (commondir); audit a clone of that one")
    for name in ("HEAD", "config", "index", "logs", "objects", "packed-refs", "refs", "refs/heads", "shallow"):
        part = os.path.join(git_folder, name)
        if os.path.islink(part) and not _lies_in(os.path.realpath(part), git_folder):  # noqa: PTH114
            raise GitError(f"{part} is a link to another repository and is not followed; audit a clone")


def _is_worktree(real: str, link: str) -> bool:
    """Tell whether a linked worktree's folder names this very one, and lies in the repository whose history it has."""
    back, common = _pointer(os.path.join(real, "gitdir"), ""), _pointer(os.path.join(real, "commondir"), "")
    if not back or not common:
        return False
    shared = os.path.realpath(os.path.join(real, common))
    names_it = os.path.realpath(os.path.join(real, back)) == os.path.realpath(link)
    return names_it and os.path.dirname(real) == os.path.join(shared, "worktrees")  # noqa: PTH120


def _is_submodule(real: str, folder: str) -> bool:
    """Tell whether a repository lies where that of a submodule does: in the `.git` of a folder that holds it."""
    above = os.path.dirname(folder)  # noqa: PTH120
    while not _lies_in(real, os.path.join(above, ".git", "modules")):
        parent = os.path.dirname(above)  # noqa: PTH120
        if parent == above:
            return False
        above = parent
    _check_is_whole(real)
    return True


def _pointer(file: str, prefix: str) -> str:
    """Read the path in one of git's one-line files; empty when there is none."""
    try:
        if not os.path.isfile(file) or os.path.islink(file):  # noqa: PTH113, PTH114
            return ""
        text = Path(file).read_bytes()[:_MAX_LINK_BYTES].decode("utf-8", "surrogateescape")
    except OSError:
        return ""
    line = text.partition("\n")[0].rstrip("\r")
    return line.removeprefix(prefix).strip() if line.startswith(prefix) and "\0" not in line else ""


def _lies_in(full: str, folder: str) -> bool:
    return full == folder or full.startswith(folder.rstrip(os.sep) + os.sep)


def _error(name: str, text: str, top: str) -> GitError:
    """Make of what git complained about a message that names the way out."""
    if "dubious ownership" in text:
        return GitError(
            f"git does not trust {top}, since it belongs to another user; if you do: "
            f"git config --global --add safe.directory {top}"
        )
    if "not a git repository" in text:
        return GitError(f"{top} is no git repository: what its .git holds is not complete")
    line = next((line for line in text.splitlines() if line.startswith(("fatal:", "error:"))), text.strip()[:200])
    reason = line.partition(": ")[2] or line
    return GitError(f"git {name} failed: {reason[:400]}")
