"""Whether an image is one of a service: something that is meant to keep running, whose health can be asked for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

from sp404audit.documents.containers.built_images import FinalStage, ImageBase
from sp404audit.documents.containers.dockerfile_stages import StageState
from sp404audit.records import NamedTuple
from sp404audit.results import Location
from sp404audit.rules.docker.startup import command_line

__all__ = ["Service", "service_of"]

Answer = Literal["yes", "no", "unknown"]


class Service(NamedTuple):
    """Whether an image is a service, the place that tells, and why."""

    answer: Answer
    location: Location
    reason: str


def service_of(image: FinalStage, state: StageState) -> Service:
    """Judge by the ports that it exposes, then by what it starts, then by what its base starts."""
    base = ImageBase(image, state)
    for each in base.states:
        if each.exposed:
            step = each.exposed[-1]
            return Service("yes", step.location, f"exposes {step.text}")
    for each in base.states:
        setting = each.command or each.entrypoint
        if setting is not None:
            words = command_line(each)
            answer = _program(words, is_command=each.command is not None)
            return Service(answer, setting.step.location, f"starts {' '.join(words)[:80]}")
    if base.known is None and not base.is_scratch:
        return Service("unknown", base.location, f"starts what {base.label} starts")
    if base.known is not None and base.known.is_service:
        return Service("yes", base.location, f"starts what {base.label} starts, a service")
    return Service("no", base.location, "starts nothing of its own")


def _program(words: list[str], *, is_command: bool) -> Answer:
    """Tell what a command line makes of the image.

    Args:
        words: ENTRYPOINT and CMD.
        is_command: whether there is a CMD: an ENTRYPOINT alone is how command line tools are packed.
    """
    words = _unwrapped(words)
    if not words:
        return "unknown"
    if any(word in _QUESTIONS for word in words):
        return "no"
    name, rest = _name(words[0]), words[1:]
    kind = _kinds().get(name)
    if kind == "interpreter":
        return _interpreted(name, rest)
    if kind is not None and kind in _ANSWERS:
        return _ANSWERS[kind]
    if name in _LAUNCHERS:
        return _LAUNCHERS[name](rest)
    return "yes" if is_command and _is_service_name(name) else "unknown"


def _unwrapped(words: list[str]) -> list[str]:
    """Take off what only starts something else: init programs, `exec`, `sh -c`, assignments, entrypoint scripts."""
    words = [piece for word in words for piece in word.split()][:_LONGEST_COMMAND]
    position = 0
    while position < len(words):
        name = _name(words[position])
        following = words[position + 1].lower() if position + 1 < len(words) else ""
        kind = _kinds().get(name)
        if kind == "shell" and following in ("-c", "-ec", "-lc", "/c", "-command"):
            position += 2
        elif kind == "shell" and following and not following.startswith("-") and name.endswith("sh"):
            position += 1  # `sh ./start.sh` runs a script
        elif kind == "runner" or _is_assignment(words[position]):
            position += 2 if name in ("gosu", "su-exec") else 1
            while position < len(words) and words[position].startswith("-"):
                position += 1
        elif "entrypoint" in name and following and not following.startswith("-"):
            position += 1
        else:
            break
    return words[position:]


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _name(word: str) -> str:
    """A program's name without its folder, and without what Windows puts behind it."""
    return posixpath.basename(word.replace("\\", "/")).removesuffix(".exe").lower()


def _interpreted(interpreter: str, rest: list[str]) -> Answer:
    """What running a file with an interpreter makes of the image; its name is all there is to go by."""
    if interpreter in ("java", "dotnet"):
        return "yes" if any(word.lower().endswith((".jar", ".war", ".dll")) for word in rest) else "unknown"
    if interpreter == "php":
        return "yes" if "-S" in rest or rest[:2] == ["artisan", "serve"] else "unknown"
    if "-m" in rest[:-1]:
        module = rest[rest.index("-m") + 1]
        if module in _SERVING_MODULES:
            return "yes"
        rest = [module.partition(".")[0], *rest[rest.index("-m") + 2 :]]
    words = [word for word in rest if not word.startswith("-") and word not in ("run", "start")]
    if not words:
        return "no"
    name = _name(words[0])
    if any(word in _SERVING_WORDS for word in words[1:]):
        return "yes"
    if name == "manage.py":
        return "no"
    answer = _ANSWERS.get(_kinds().get(name, ""))
    return answer or ("yes" if _is_service_name(name) else "unknown")


def _node_script(rest: list[str]) -> Answer:
    """`npm start`, `npm run dev`, `yarn test` …"""
    scripts = [word for word in rest if not word.startswith("-") and word not in ("run", "run-script", "exec")]
    stem = scripts[0].partition(":")[0] if scripts else ""
    if stem in ("start", "serve", "dev", "preview", "server", "develop", "prod", "production"):
        return "yes"
    return "no" if stem in ("test", "build", "lint", "install", "ci", "migrate", "seed") else "unknown"


def _in_environment(rest: list[str]) -> Answer:
    """`bundle exec puma`, `poetry run uvicorn app:app`, `npx next start` …"""
    words = [word for word in rest if not word.startswith("-")]
    if words and words[0] in ("exec", "run"):
        words = words[1:]
    return _program(words, is_command=True) if words else "unknown"


def _framework(rest: list[str]) -> Answer:
    """`flask run`, `rails server`, `next start` …"""
    return "yes" if any(word in _SERVING_WORDS or word in ("run", "start", "dev", "s") for word in rest) else "unknown"


_LONGEST_COMMAND = 100
_ANSWERS: dict[str, Answer] = {"server": "yes", "shell": "no", "job": "no"}
_QUESTIONS = frozenset({"--help", "-h", "--version", "-version", "version", "help"})
_SERVING_WORDS = frozenset({"preview", "runserver", "serve", "server", "web", "webserver", "worker"})
_SERVING_MODULES = frozenset(
    {"aiohttp.web", "celery", "flask", "granian", "hypercorn", "http.server", "streamlit", "uvicorn", "waitress"}
)
_LAUNCHERS: dict[str, Callable[[list[str]], Answer]] = {
    **dict.fromkeys(("npm", "yarn", "pnpm"), _node_script),
    **dict.fromkeys(("bundle", "npx", "poetry", "pipenv", "uv", "pdm", "rye", "hatch", "bunx"), _in_environment),
    **dict.fromkeys(("flask", "fastapi", "rails", "next", "nuxt", "astro", "vite", "airflow"), _framework),
}


def _is_service_name(name: str) -> bool:
    """Tell whether a program is called as one that keeps running: `app`, `main.py`, `orders-api`."""
    stem = name.partition(".")[0]
    return re.split(r"[-_]", stem)[-1] in _service_names() or stem.endswith("server")


@cache
def _service_names() -> frozenset[str]:
    return frozenset(name for name, kind in _kinds().items() if kind == "named")


@cache
def _kinds() -> dict[str, str]:
    kinds: dict[str, str] = {}
    for line in Path(__file__).with_name("programs.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, _, programs = line.partition("\t")
            for program in programs.split():
                kinds.setdefault(program, kind)
    return kinds
