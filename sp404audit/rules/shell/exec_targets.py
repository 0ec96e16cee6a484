"""What scripts and workflows call is there."""

from __future__ import annotations

from collections.abc import Iterable

from sp404audit.documents.github.facts import StepFact, steps_by_job
from sp404audit.documents.model import Repository
from sp404audit.documents.shell.commands import ROOT_FOLDER, SCRIPT_FOLDER, UNKNOWN, ShellCommand
from sp404audit.documents.shell.groups import Group, groups, normal
from sp404audit.rules.registry import Verdict, Verdicts, fail, passed, rule, unproven

__all__ = ["exec_targets_exist"]

_JUDGED = frozenset({"script", "step", "recipe", "npm"})
"""Units that run in a checkout of the repository; what runs inside an image is not a claim about it."""
_ELSEWHERE = ("ssh", "docker", "podman", "nerdctl", "kubectl", "su")
_SHELLS = frozenset({"bash", "sh", "dash", "zsh", "ksh", "source", "."})
_INTERPRETERS = frozenset({"python", "python3", "ruby", "perl", "node"})
_EXTENSIONS = (".sh", ".bash", ".py", ".rb", ".pl", ".zsh", ".js", ".mjs", ".cjs")
_BUILT = frozenset(
    {
        "dist",
        "build",
        "out",
        "lib",
        "target",
        "output",
        "bin",
        "vendor",
        "tmp",
        ".next",
    }
    | {".output", "coverage", "public", "generated", "gen", "site", "_build"}
)
"""Folders that a build makes, when the repository does not hold them."""
_INSTALLED = frozenset({"node_modules", ".venv", "venv"})
"""Folders of a package manager: never in a repository, and no claim about it."""
_PRODUCERS = frozenset(
    {
        "git",
        "curl",
        "wget",
        "tar",
        "unzip",
        "make",
        "cmake",
        "ninja",
        "bazel",
        "cargo",
        "go",
        "npm",
        "npx",
        "yarn",
        "pnpm",
    }
    | {"mvn", "gradle", "gradlew", "cp", "mv", "install", "ln", "aws", "gsutil", "az", "gh", "rsync", "scp", "docker"}
    | {
        "meson",
        "configure",
        "pip",
        "pip3",
        "poetry",
        "uv",
        "composer",
        "bundle",
        "terraform",
        "repo",
        "svn",
        "7z",
        "dd",
    }
    | {"python", "python3", "node", "helm", "jq", "yq", "rclone", "oras", "buf", "protoc", "nix", "conan", "apt-get"}
)
"""Commands that may put a folder in place that is not in the repository."""
_LOCAL_ACTIONS = ("actions/checkout", "actions/download-artifact", "actions/cache")


@rule("shell/exec-targets-exist", severity="high", security=False)
def exec_targets_exist(repository: Repository) -> Verdicts:
    """Every script of the repository that a command calls exists.

    A deployment whose last step is a smoke test that nobody wrote fails after the new version is live, or, with its
    errors ignored, never tests anything. Paths are followed from the repository's root, from the script's own folder,
    through `cd` and the working directory of a step. What runs in a container or on another host is not judged, nor
    what an earlier command may have made.

    Fix: add the file, or correct the path.

    Passes:
        --- scripts/deploy.sh
        #!/usr/bin/env bash
        set -euo pipefail
        "$(dirname "$0")/smoke-test.sh" production
        --- scripts/smoke-test.sh
        #!/usr/bin/env bash
        curl -fsS https://app.example.com/healthz

    Fails:
        --- scripts/deploy.sh
        #!/usr/bin/env bash
        set -euo pipefail
        ./scripts/smoke-test.sh production

    Unproven (a folder that an earlier command fetches):
        --- scripts/build.sh
        #!/usr/bin/env bash
        set -euo pipefail
        git clone https://git.example.com/tools.git tools
        bash tools/build.sh
    """
    for group in repository.derived(groups):
        if group.kind in _JUDGED:
            seen: set[str] = set()
            for command in group.commands:
                word = _called(command)
                if word is not None and word not in seen:
                    seen.add(word)
                    verdict = _judge(repository, group, command, word)
                    if verdict is not None:
                        yield verdict


def _called(command: ShellCommand) -> str | None:
    """Return the path of the script that a command starts; None when it starts none, or not from the checkout."""
    if (command.payload or "").startswith(_ELSEWHERE) or not command.known or command.guarded:
        return None
    word = command.known[0]
    if command.name in _SHELLS or command.name in _INTERPRETERS:
        word = next((one for one in command.known[1:] if one != "--"), "")
        if command.name in _SHELLS and word.startswith("-") and "c" not in word and "s" not in word:
            word = next((one for one in command.known[1:] if not one.startswith("-") and one != "pipefail"), "")
        if command.name in _INTERPRETERS and "/" not in word:
            return None
    elif "/" not in word:
        return None
    if (
        not word.endswith(_EXTENSIONS)
        or word.startswith(("/", "~", "-"))
        or set(word[1:]) & set("*?[]{}<>%$\x00\x02\x03")
    ):
        return None
    return None if word.startswith(UNKNOWN) else word


def _judge(repository: Repository, group: Group, command: ShellCommand, word: str) -> Verdict | None:
    bases = _bases(group, command)
    if bases is None and not word.startswith((SCRIPT_FOLDER, ROOT_FOLDER)):
        return None
    candidates = _candidates(group, word, bases or ())
    if not candidates:
        return None
    for path in candidates:
        if repository.exists(path):
            return passed(command.location, f"{path} exists")
    if any(part in _INSTALLED for path in candidates for part in path.split("/")[:-1]):
        return None
    shown = word.lstrip(SCRIPT_FOLDER + ROOT_FOLDER).lstrip("/")
    if _tested(group, command, word) or _made(group, command, shown):
        return None
    if group.kind == "step" and not _checked_out(repository, group):
        return None
    reason = _maker(repository, group, command, candidates)
    if reason is not None:
        return unproven(command.location, f"{shown} is not in the repository; {reason}")
    return fail(command.location, f"calls {shown}, which is not in the repository; add it or correct the path")


def _bases(group: Group, command: ShellCommand) -> tuple[str, ...] | None:
    """Return the folders that the command may run in; None when they are not known."""
    folder = command.unit.folder
    if folder is None:
        return None
    bases = [folder]
    if group.kind == "script":
        own = group.path.rpartition("/")[0]
        bases = ["", own, *[own[:at] for at, character in enumerate(own) if character == "/"]]
    for other in group.commands:
        if other.unit != command.unit or other.start >= command.start or other.name not in ("cd", "pushd"):
            continue
        target = next((one for one in other.known[1:] if not one.startswith("-")), "")
        moved = _moved(group, target, bases)
        if moved is None:
            return None
        bases += moved
    return tuple(dict.fromkeys(bases))


def _moved(group: Group, target: str, bases: Iterable[str]) -> list[str] | None:
    own = group.path.rpartition("/")[0]
    if target.startswith((SCRIPT_FOLDER, ROOT_FOLDER)) and not set(target[1:]) & {UNKNOWN}:
        found = normal(own if target[0] == SCRIPT_FOLDER else "", target[1:])
        return [] if found is None else [found]
    if UNKNOWN in target or target.startswith(("/", "~")) or not target:
        return None
    return [path for base in bases if (path := normal(base, target)) is not None]


def _candidates(group: Group, word: str, bases: Iterable[str]) -> list[str]:
    if word.startswith((SCRIPT_FOLDER, ROOT_FOLDER)):
        base = group.path.rpartition("/")[0] if word[0] == SCRIPT_FOLDER else ""
        found = normal(base, word[1:])
        return [] if found is None else [found]
    return [path for base in bases if (path := normal(base, word)) is not None]


def _tested(group: Group, command: ShellCommand, word: str) -> bool:
    """Whether a test asks for the file first: `[ -x ./x.sh ] && ./x.sh`."""
    return any(
        word in other.known
        for other in group.commands
        if other.name in ("[", "[[", "test", "command", "hash") and other.start < command.start
    )


def _made(group: Group, command: ShellCommand, word: str) -> bool:
    """Whether another command writes the file, or names it in a way that may."""
    name = word.rpartition("/")[2]
    for other in group.commands:
        if other is command:
            continue
        if any(name in one.target for one in other.redirects if ">" in one.operator):
            return True
        if other.name not in ("chmod", *_SHELLS) and any(_names(one, name) for one in other.known[1:]):
            return True
    return False


def _names(word: str, name: str) -> bool:
    return word == name or word.endswith((f"/{name}", f"={name}"))


def _checked_out(repository: Repository, group: Group) -> bool:
    """Whether a job has the repository's own files at the root: not when it checks out another repository there."""
    return any(step.action == "actions/checkout" and _is_own(step) for step in _steps(repository, group))


def _is_own(checkout: StepFact) -> bool:
    named = checkout.input("repository")
    return not named or "github.repository" in named or ".head.repo." in named


def _steps(repository: Repository, group: Group) -> tuple[StepFact, ...]:
    return repository.derived(steps_by_job).get((group.path, group.owner), ())


def _maker(repository: Repository, group: Group, command: ShellCommand, candidates: list[str]) -> str | None:
    """Say what may put the file in place, when its folder is not in the repository either."""
    if any("/" not in path or repository.exists(path.rpartition("/")[0]) for path in candidates):
        top = {path.partition("/")[0] for path in candidates if "/" in path}
        if any(repository.exists(each) for each in top) or not top:
            return None
    if any(part in _BUILT for path in candidates for part in path.split("/")[:-1]):
        return "a build may put it there"
    if repository.exists(".gitmodules"):
        return "a submodule may hold it"
    if group.kind == "step":
        for step in _steps(repository, group):
            path = step.input("path") or step.input("repository")
            if step.action.startswith(_LOCAL_ACTIONS) and (path or step.action != "actions/checkout"):
                return f"the step that uses {step.action} may put it there"
    for other in group.commands:
        if other.name in _PRODUCERS and (other.unit != command.unit or other.start < command.start):
            return f"`{other.name}` may put it there"
    return None
