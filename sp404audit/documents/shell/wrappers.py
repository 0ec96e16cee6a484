"""Commands that run another command: on this machine (`sudo`, `timeout`, `xargs`) or elsewhere (`ssh`, `docker exec`).

How each takes its options is from its manual page (GNU coreutils 9, util-linux 2.39, sudo 1.9, OpenSSH 9, Docker 27,
kubectl 1.31), as of 2025-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from sp404audit.documents.shell.model import Word

__all__ = ["CARRIERS", "SHELLS", "Carried", "carried", "command_index", "is_wrapper"]

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "busybox sh"})
_CONTAINER_CLIENTS = frozenset({"docker", "podman", "nerdctl", "docker-compose"})
_CLUSTER_CLIENTS = frozenset({"kubectl", "oc", "k3s"})
CARRIERS = SHELLS | {"eval", "trap", "su", "flock", "ssh"} | _CONTAINER_CLIENTS | _CLUSTER_CLIENTS
"""The commands that `carried` knows."""


class _Wrapper(NamedTuple):
    """`valued`: options that take the next word; `operands`: words before the command; `verbs`: words that lead."""

    valued: frozenset[str] = frozenset()
    operands: int = 0
    verbs: tuple[str, ...] = ()
    assignments: bool = False


def _wrapper(valued: str = "", operands: int = 0, verbs: str = "", assignments: bool = False) -> _Wrapper:
    return _Wrapper(frozenset(valued.split()), operands, tuple(verbs.split()), assignments)


_WRAPPERS: dict[str, _Wrapper] = {
    "sudo": _wrapper("-u --user -g --group -h --host -p --prompt -C -r -t -T -U -D --chdir", assignments=True),
    "doas": _wrapper("-u -C"),
    "env": _wrapper("-u --unset -C --chdir -S --split-string", assignments=True),
    "time": _wrapper("-f --format -o --output"),
    "nice": _wrapper("-n --adjustment"),
    "ionice": _wrapper("-c --class -n --classdata"),
    "nohup": _wrapper(),
    "setsid": _wrapper(),
    "stdbuf": _wrapper("-i -o -e --input --output --error"),
    "timeout": _wrapper("-k --kill-after -s --signal", operands=1),
    "flock": _wrapper("-w --wait --timeout -E --conflict-exit-code", operands=1),
    "chronic": _wrapper(),
    "exec": _wrapper("-a"),
    "command": _wrapper(),
    "builtin": _wrapper(),
    "coproc": _wrapper(),
    "xargs": _wrapper("-I -n --max-args -P --max-procs -d --delimiter -L --max-lines -E -s --max-chars -a --arg-file"),
    "parallel": _wrapper("-j --jobs"),
    "gosu": _wrapper(operands=1),
    "su-exec": _wrapper(operands=1),
    "runuser": _wrapper("-u --user -g --group"),
    "chroot": _wrapper("--userspec --groups", operands=1),
    "tini": _wrapper("-p -e"),
    "dumb-init": _wrapper("-r"),
    "caffeinate": _wrapper("-t -w"),
    "cronlock": _wrapper(),
    "aws-vault": _wrapper("--duration -d --region", operands=1, verbs="exec"),
    "doppler": _wrapper("--project -p --config -c --token", verbs="run"),
    "op": _wrapper("--env-file --account", verbs="run"),
    "infisical": _wrapper("--env --path --token --projectId", verbs="run"),
    "poetry": _wrapper("-C --directory -P --project", verbs="run"),
    "pipenv": _wrapper(verbs="run"),
    "pdm": _wrapper("-p --project", verbs="run"),
    "rye": _wrapper(verbs="run"),
    "uv": _wrapper(
        "--with --python -p --extra --group --env-file --directory --project --with-requirements", verbs="run"
    ),
    "bundle": _wrapper(verbs="exec"),
    "npx": _wrapper("-p --package"),
    "xvfb-run": _wrapper("-n -s --server-args -e -f -w"),
}
_NOT_A_RUN = {"command": ("-v", "-V"), "exec": (), "sudo": ("-l", "-v", "-k", "-e"), "flock": ("-u",), "npx": ("-c",)}


def is_wrapper(name: str | None) -> bool:
    """Whether a command of this name may run another one that stands behind it."""
    return name in _WRAPPERS


def command_index(words: Sequence[Word]) -> tuple[int, tuple[str, ...]]:
    """Find the command behind `sudo`, `env` and their like.

    Returns:
        The index of its word and the names of the wrappers before it. A wrapper that starts nothing (`command -v x`,
        `exec >log`, `sudo -l`) is itself the command.
    """
    index, wrappers = 0, []
    while index < len(words):
        value = words[index].value
        wrapper = _WRAPPERS.get(value.rpartition("/")[2]) if value is not None else None
        if value is None or wrapper is None:
            break
        name = value.rpartition("/")[2]
        following = _after(words, index + 1, wrapper, _NOT_A_RUN.get(name, ()))
        if following is None:
            break
        index = following
        wrappers.append(name)
    return index, tuple(wrappers)


def _after(words: Sequence[Word], index: int, wrapper: _Wrapper, refused: Sequence[str]) -> int | None:
    """Return the index of the command behind a wrapper's own words; None when it runs none."""
    verbs, operands = list(wrapper.verbs), wrapper.operands
    while index < len(words):
        value = words[index].value
        text = words[index].text if value is None else value
        if value in refused:
            return None
        if value == "--" and not verbs:
            index += 1 + operands
            return index if index < len(words) else None
        if text.startswith("-") and text != "-":
            index += 2 if text in wrapper.valued else 1
        elif wrapper.assignments and _is_assignment(text):
            index += 1
        elif verbs:
            if value != verbs.pop(0):
                return None
            index += 1
        elif operands:
            operands -= 1
            index += 1
        else:
            return index
    return None


def _is_assignment(text: str) -> bool:
    name, equals, _ = text.partition("=")
    return bool(equals) and name.isidentifier()


class Carried(NamedTuple):
    """What a command starts in another shell or place.

    Either a text for a shell (`script`, the index of the word), or a command of its own from word `first` on. `stdin`
    says that a here-document of the command is what that shell reads. `options` are switched on for that shell.
    """

    name: str
    script: int | None = None
    first: int | None = None
    stdin: bool = False
    options: tuple[str, ...] = ()


_FLAG_OPTIONS = {"e": "errexit", "u": "nounset", "x": "xtrace"}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SSH_VALUED = _set("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w")
_EXEC_VALUED = _set("-e --env --env-file -u --user -w --workdir --detach-keys --index")
_RUN_VALUED = _EXEC_VALUED | _set(
    "-v --volume --mount --name --network --net -p --publish --entrypoint -h --hostname --restart -m --memory --cpus -l"
    " --label --add-host --platform --link --volumes-from --log-driver --log-opt --ulimit --tmpfs --shm-size --cap-add"
    " --cap-drop --security-opt --dns --device --gpus --ip --pid --ipc --userns --pull --secret --expose --cidfile -a"
    " --attach --stop-signal --stop-timeout --group-add --cpuset-cpus --runtime --sysctl"
)
_COMPOSE_VALUED = _set("-f --file -p --project-name --env-file --profile --project-directory --ansi --progress")
_KUBECTL_VALUED = _set("-n --namespace -c --container --context --kubeconfig -f --filename -s --server --cluster")
_CLIENT_VALUED = _set("-c --context -H --host -l --log-level --config")


def carried(name: str, words: Sequence[Word], first: int) -> Carried | None:
    """Say what the command at `words[first]` starts elsewhere, if anything."""
    arguments = first + 1
    if name in SHELLS:
        return _shell(name, words, arguments)
    if name == "eval":
        return Carried("eval", script=arguments) if len(words) == arguments + 1 else None
    if name == "trap":
        text = words[arguments].value if len(words) > arguments + 1 else None
        return None if text in (None, "-", "", "-p", "-l") else Carried("trap", script=arguments)
    if name == "su":
        return next((Carried("su", script=i + 1) for i in _positions(words, arguments, "-c", "--command")), None)
    if name == "flock":
        return next((Carried("flock", script=i + 1) for i in _positions(words, arguments, "-c", "--command")), None)
    if name == "ssh":
        return _remote("ssh", words, _skip(words, arguments, _SSH_VALUED), 1)
    if name in _CONTAINER_CLIENTS:
        return _container(name, words, arguments)
    if name in _CLUSTER_CLIENTS:
        return _kubectl(words, arguments)
    return None


def _positions(words: Sequence[Word], start: int, *options: str) -> list[int]:
    """Return where one of the options stands with a word behind it."""
    return [i for i in range(start, len(words) - 1) if words[i].value in options]


def _skip(words: Sequence[Word], index: int, valued: frozenset[str]) -> int:
    """Return the index of the first word from `index` on that is no option and no option's value."""
    while index < len(words):
        text = words[index].value or words[index].text
        if text == "--":
            return index + 1
        if not text.startswith("-") or text == "-":
            return index
        index += 2 if text in valued else 1
    return index


def _shell(name: str, words: Sequence[Word], index: int) -> Carried | None:
    """`bash -euo pipefail -c '…'`, or a shell that reads its commands from a here-document."""
    options: list[str] = []
    reads_text = False
    while index < len(words):
        text = words[index].value or words[index].text
        if text in ("-o", "-O") or (text[:1] in "-+" and text[:2] != "--" and text.endswith("o") and len(text) > 1):
            options += [_FLAG_OPTIONS[flag] for flag in text[1:] if flag in _FLAG_OPTIONS]
            reads_text = reads_text or "c" in text
            if index + 1 < len(words):
                options.append(words[index + 1].value or "")
            index += 2
        elif text.startswith("-") and text not in ("-", "--"):
            if not text.startswith("--"):
                options += [_FLAG_OPTIONS[flag] for flag in text[1:] if flag in _FLAG_OPTIONS]
                reads_text = reads_text or "c" in text
            index += 1
            if text in ("--rcfile", "--init-file"):
                index += 1
        else:
            break
    if reads_text:
        return Carried(name, script=index, options=tuple(options)) if index < len(words) else None
    if index >= len(words) or words[index].value == "-" or any(word.value == "-s" for word in words[:index]):
        return Carried(name, stdin=True, options=tuple(options))
    return None


def _remote(name: str, words: Sequence[Word], index: int, operands: int) -> Carried | None:
    """A host, container or pod, then the command; nothing behind it means a shell that reads its standard input."""
    index += operands
    if index < len(words) and words[index].value == "--":
        index += 1
    if index == len(words):
        return Carried(name, stdin=True)
    if index > len(words):
        return None
    if index == len(words) - 1 and name == "ssh":
        return Carried(name, script=index, stdin=words[index].value in SHELLS)
    return Carried(name, first=index)


def _container(name: str, words: Sequence[Word], index: int) -> Carried | None:
    """`docker exec box …`, `docker run image …`, `docker compose exec service …`."""
    label, valued = name, _CLIENT_VALUED
    if name == "docker-compose":
        label, valued = "docker compose", _COMPOSE_VALUED
    index = _skip(words, index, valued)
    if index < len(words) and words[index].value in ("compose", "container"):
        label = "docker compose" if words[index].value == "compose" else label
        index = _skip(words, index + 1, _COMPOSE_VALUED)
    verb = words[index].value if index < len(words) else None
    if verb not in ("exec", "run"):
        return None
    index = _skip(words, index + 1, _RUN_VALUED if verb == "run" else _EXEC_VALUED)
    found = _remote(f"{label} {verb}", words, index, 1)
    return None if found is None or found.first is None else found


def _kubectl(words: Sequence[Word], index: int) -> Carried | None:
    """`kubectl exec pod -- …` and `kubectl run … -- …`."""
    index = _skip(words, index, _KUBECTL_VALUED)
    verb = words[index].value if index < len(words) else None
    if verb not in ("exec", "run", "debug"):
        return None
    for position in range(index + 1, len(words) - 1):
        if words[position].value == "--":
            return Carried(f"kubectl {verb}", first=position + 1)
    if verb == "exec":
        return _remote("kubectl exec", words, _skip(words, index + 1, _KUBECTL_VALUED), 1)
    return None
