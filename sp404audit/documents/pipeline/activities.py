"""What a command line does in a pipeline: whether it tests, checks, scans, deploys or publishes.

The tables are in `tools` and beside it; here is how a command line is laid bare for them: runners in front of it
(`uv run`, `npx`, `bundle exec`, `python -m`, `docker run image`) taken off, options told from sub-commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from sp404audit.documents.pipeline import tools
from sp404audit.documents.pipeline.tools_delivery import DELIVERIES, REMOTE
from sp404audit.documents.pipeline.tools_security import SCANNERS, Scanner
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["Activity", "activities", "has_option", "laid_bare", "option", "options", "positionals", "remote_activities"]

Words = tuple[str, ...]

_PYTHON = regex(r"(?:python|pypy|py)[0-9.]*")
_VALUED = frozenset(
    {"--prefix", "-w", "--workspace", "-C", "--dir", "--filter", "-F", "--context", "-n", "--namespace", "--project"}
    | {"--kube-context", "--kubeconfig", "--profile", "--region", "-f", "--file", "--config", "-c", "-p", "--package"}
    | {"-e", "--directory", "--cwd", "-R", "--repo", "--manifest-path", "-H", "--host", "-a", "--app", "-s", "--stack"}
)
"""Options in front of a sub-command that take the next word, of the programs in the tables taken together."""
_TEST_SCRIPT = regex(r"(?:run_?|all_?)?tests?(?:_\w+)?\.py")
_DOCKER_VALUED = frozenset(
    {"-v", "--volume", "-e", "--env", "--env-file", "--name", "--network", "--net", "-w", "--workdir", "-u", "--user"}
    | {"--entrypoint", "-p", "--publish", "--mount", "--platform", "-l", "--label", "--add-host", "-m", "--memory"}
    | {"--cpus", "-h", "--hostname", "--tmpfs", "--pull", "--security-opt", "--cap-add", "--cap-drop", "--shm-size"}
)
_ANY_ORDER = frozenset({"mvn", "gradle", "rake", "sbt", "xcodebuild", "ember", "just"})
"""Programs that take several goals, in any order."""
_INTERPRETERS = frozenset({"python", "php", "ruby", "coverage"})
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_PACKAGE_MANAGERS = frozenset({"yarn", "pnpm", "bun"})
_MAVEN_TESTS = frozenset({"test", "package", "verify", "install", "deploy", "integration-test"})
_GRADLE_TESTS = frozenset({"test", "check", "build"})
_BUILD_TOOLS = frozenset({"mvn", "gradle", "rake"})
_COVERAGE = frozenset({"c8", "nyc", "coverage"})
_NEVER_FAILS = ("--exit-zero", "--no-fail", "-Dmaven.test.failure.ignore", "-Dmaven.test.failure.ignore=true")
_NO_DELIVERY = ("--dry-run", "--snapshot", "--check", "--syntax-check", "--list-tasks", "--connection=local")
_LOCAL = ("localhost", "127.0.0.1", "0.0.0.0", "//test.", "testpypi", "kind-", "--context=minikube")  # noqa: S104 - text to look for


class Activity(NamedTuple):
    """One thing that a command or an action does.

    `role` is `test`, `e2e`, `lint`, `format`, `typecheck`, `dependency-scan`, `secret-scan`, `image-scan`, `iac-scan`,
    `sast`, `workflow-scan`, `deploy`, `publish`, `image-push` … `covers` is a language for tests, ecosystems for
    scans. `fails` tells whether a finding ends it with an error, as far as its options say; None where a configuration
    file decides.
    """

    role: str
    tool: str
    covers: tuple[str, ...] = ()
    fails: bool | None = True


def option(arguments: Sequence[str], *names: str) -> str | None:
    """The value of an option: `--name=value`, or the word behind `--name`.

    Returns:
        The last value given; an empty text when the option stands there without one; None when it does not.
    """
    return next(iter(reversed(options(arguments, *names))), None)


def options(arguments: Sequence[str], *names: str) -> list[str]:
    """Every value that an option is given."""
    found: list[str] = []
    if not has_option(arguments, *names):
        return found
    for place, word in enumerate(arguments):
        for name in names:
            if word == name:
                following = arguments[place + 1] if place + 1 < len(arguments) else ""
                found.append("" if following.startswith("-") and not following[1:2].isdigit() else following)
            elif word.startswith(name + "="):
                found.append(word[len(name) + 1 :])
    return found


def has_option(arguments: Sequence[str], *names: str) -> bool:
    """Whether one of these options is given, with or without a value."""
    with_value = tuple([f"{name}=" for name in names])
    return any(word in names or word.startswith(with_value) for word in arguments)


def positionals(arguments: Sequence[str]) -> list[str]:
    """The words that are no options, with the values of options in front of the sub-command left out."""
    found: list[str] = []
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = not found and word in _VALUED
        elif not word.startswith("+"):  # cargo's toolchain
            found.append(word)
    return found


@lru_cache(maxsize=4096)
def laid_bare(words: Words) -> tuple[Words, ...]:
    """Take off the programs that only start another one.

    Args:
        words: a command line, program first; unknown stretches hold `shell.UNKNOWN`.

    Returns:
        The command line and each one that it starts, outermost first; programs without their folder.
    """
    found: list[Words] = []
    current = _named(words)
    for _ in range(6):
        if not current:
            break
        found.append(current)
        inner = _inner(current) if current[0] in _starters() else None
        if inner is None or inner == current:
            break
        current = _named(inner)
    return tuple(found)


def _named(words: Words) -> Words:
    """The words with the program's plain name."""
    return (_plain_name(words[0]), *words[1:]) if words else ()


@lru_cache(maxsize=1024)
def _plain_name(program: str) -> str:
    """What a program is called in the tables: `./gradlew` is gradle, `/usr/bin/python3.12` python."""
    name = program.replace("\\", "/").rpartition("/")[2]
    for ending in (".exe", ".cmd", ".bat", ".phar"):
        name = name.removesuffix(ending)
    name = name[:1] + name[1:].partition("@")[0].partition("==")[0]  # `npx jest@30`, `pipx run checkov==3.2`
    if _PYTHON.fullmatch(name):
        name = "python"
    return {"gradlew": "gradle", "mvnw": "mvn", "nodejs": "node", "yarnpkg": "yarn", "tsc.js": "tsc"}.get(name, name)


@cache
def _starters() -> frozenset[str]:
    """The programs that `_inner` knows."""
    return frozenset({prefix.split()[0] for prefix in tools.PREFIXES}) | _INTERPRETERS | _CONTAINERS | _PACKAGE_MANAGERS


def _inner(words: Words) -> Words | None:
    """The command line that this one starts; None when it starts none."""
    name, arguments = words[0], words[1:]
    if name == "python":
        return _after_python(arguments)
    if name in ("php", "ruby") and arguments:
        return _after_options(arguments, ("-d", "-c", "-I", "-r", "-e"))
    if name == "coverage" and arguments[:1] == ("run",):
        rest = _after_options(arguments[1:], ("--source", "--rcfile", "--include", "--omit", "--context", "-m"))
        module = option(arguments, "-m", "--module")
        if module:
            place = arguments.index(module)
            return (module, *arguments[place + 1 :])
        return rest
    if name in _CONTAINERS and positionals(arguments)[:1] == ["run"]:
        return _after_image(arguments[arguments.index("run") + 1 :])
    if name in _PACKAGE_MANAGERS:
        rest = _after_package_manager(arguments)
        if rest:
            return rest
    for prefix in _prefixes_of(name):
        size = len(prefix) - 1
        if tuple(arguments[:size]) == prefix[1:]:
            return _after_options(arguments[size:], tools.PREFIXES[" ".join(prefix)])
    return None


@cache
def _prefixes_of(name: str) -> tuple[Words, ...]:
    found = [tuple(prefix.split()) for prefix in tools.PREFIXES if prefix.split()[0] == name]
    return tuple(sorted(found, key=len, reverse=True))


def _after_python(arguments: Words) -> Words | None:
    for place, word in enumerate(arguments):
        if place and arguments[place - 1] in ("-X", "-W"):
            continue
        if word == "-m":
            return arguments[place + 1 :] or None
        if word in ("-c", "-"):
            return None
        if not word.startswith("-"):
            return arguments[place:]
    return None


def _after_package_manager(arguments: Words) -> Words | None:
    """The program of `yarn jest --ci` or `pnpm --filter web exec vitest`; a script's name is in no table."""
    found = positionals(arguments)
    if found[:1] == ["workspace"]:
        found = found[2:]
    if found[:1] == ["exec"]:
        found = found[1:]
    elif not found or found[0] in tools.NPM_OWN or found[0] in ("run", "run-script", "test", "workspaces"):
        return None
    return arguments[arguments.index(found[0]) :] if found else None


def _after_options(arguments: Words, valued: Sequence[str]) -> Words | None:
    """What follows the options of a runner, and the assignments of `cross-env`."""
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            return arguments[place + 1 :] or None
        if word.startswith("-"):
            place += 2 if word in valued else 1
        elif "=" in word and "==" not in word and word.partition("=")[0].isidentifier():
            place += 1
        else:
            return arguments[place:]
    return None


def _after_image(arguments: Words) -> Words | None:
    """`docker run [options] image arguments`: the image's last name stands for the program that it holds."""
    rest = _after_options(arguments, tuple(_DOCKER_VALUED))
    if not rest:
        return None
    entry = option(arguments[: len(arguments) - len(rest)], "--entrypoint")
    name = rest[0].partition("@")[0].rpartition("/")[2].partition(":")[0]
    return (entry or name, *rest[1:])


class _Pattern(NamedTuple):
    """A pattern of the tables, taken apart; `entry` is what the table says of it."""

    size: int
    commands: list[str]
    flags: list[str]
    entry: Any


_TABLES: dict[str, tuple[Any, ...]] = {
    "tests": tools.TESTS,
    "checks": tools.CHECKS,
    "scanners": SCANNERS,
    "deliveries": DELIVERIES,
    "remote": REMOTE,
}


@cache
def _patterns(table: str) -> dict[str, list[_Pattern]]:
    """A table by the program's name."""
    found: dict[str, list[_Pattern]] = {}
    for entry in _TABLES[table]:
        name, *rest = entry[0].split()
        commands = [word for word in rest if not word.startswith("-")]
        flags = [word for word in rest if word.startswith("-")]
        found.setdefault(name, []).append(_Pattern(len(rest) + 1, commands, flags, entry))
    return found


def _found(table: str, name: str, arguments: Sequence[str], words: Sequence[str]) -> list[_Pattern]:
    """The patterns of a table that a command line matches best: those with the most words."""
    matching = [
        pattern
        for pattern in _patterns(table).get(name, ())
        if (
            all(command in words for command in pattern.commands)
            if name in _ANY_ORDER
            else list(words[: len(pattern.commands)]) == pattern.commands
        )
        and all(has_option(arguments, flag) for flag in pattern.flags)
    ]
    longest = max((pattern.size for pattern in matching), default=0)
    return [pattern for pattern in matching if pattern.size == longest]


def activities(words: Words) -> tuple[Activity, ...]:
    """Tell what a command line does; nothing for one that no table knows.

    Args:
        words: a command line, program first, as `laid_bare` returns it.
    """
    return _known_activities(words) if words[0] in _doers() or _TEST_SCRIPT.fullmatch(words[0]) else ()


@lru_cache(maxsize=4096)
def _known_activities(words: Words) -> tuple[Activity, ...]:
    return tuple(_activities(words[0], words[1:]))


@cache
def _doers() -> frozenset[str]:
    """The programs that `_activities` knows."""
    in_tables = {name for table in ("tests", "checks", "scanners", "deliveries") for name in _patterns(table)}
    return frozenset(in_tables | _COVERAGE | _BUILD_TOOLS | {words[0] for words in _END_TO_END})


def remote_activities(words: Words) -> tuple[Activity, ...]:
    """Tell what a command line does besides when it runs on another machine."""
    found = _found("remote", words[0], words[1:], positionals(words[1:]))
    return tuple(Activity(pattern.entry[1], words[0]) for pattern in found[:1])


def _activities(name: str, arguments: Words) -> Iterator[Activity]:
    plain = _goals(name, arguments) if name in ("mvn", "gradle") else positionals(arguments)
    silent = has_option(arguments, *_NEVER_FAILS)
    yield from _tests(name, arguments, plain, not silent)
    for role in dict.fromkeys(pattern.entry[1] for pattern in _found("checks", name, arguments, plain)):
        yield Activity(role, name, (), not silent and not _rewrites(role, name, arguments))
    if name in _COVERAGE:
        yield Activity("coverage", name)
    for pattern in _found("scanners", name, arguments, plain)[:1]:
        yield from _scan(pattern.entry, arguments, plain)
    for pattern in _found("deliveries", name, arguments, plain)[:1]:
        if _delivers(arguments):
            yield Activity(pattern.entry[1], name)


def _rewrites(role: str, name: str, arguments: Sequence[str]) -> bool:
    """Whether a linter or a formatter mends what it finds, and so fails nothing."""
    if role == "format" and name in tools.REWRITES:
        return not has_option(arguments, *tools.REWRITES[name])
    return has_option(arguments, "--fix") and not has_option(arguments, "--exit-non-zero-on-fix")


def _delivers(arguments: Sequence[str]) -> bool:
    if has_option(arguments, *_NO_DELIVERY) or option(arguments, "-c", "--connection") == "local":
        return False
    return not any(part in word for word in arguments for part in _LOCAL)


def _tests(name: str, arguments: Words, plain: Sequence[str], fails: bool) -> Iterator[Activity]:
    if name == "mvn":
        skipped = has_option(arguments, "-DskipTests", "-Dmaven.test.skip") and "-DskipTests=false" not in arguments
        if _MAVEN_TESTS & set(plain) and not skipped:
            yield Activity("test", "mvn", ("jvm",), fails)
        return
    if name == "gradle":
        if _GRADLE_TESTS & set(plain) and not {"test", "check"} & set(options(arguments, "-x", "--exclude-task")):
            yield Activity("test", "gradle", ("jvm",), fails)
        return
    if name == "rake" and not plain and not has_option(arguments, "-T", "--version"):
        yield Activity("test", "rake", ("ruby",), fails)
        return
    if name in ("pytest", "py.test") and has_option(arguments, "--collect-only", "--version", "--co"):
        return
    for pattern in _found("tests", name, arguments, plain)[:1]:
        label, language = pattern.entry
        yield Activity("test", label, (language,), fails)
        return
    if _TEST_SCRIPT.fullmatch(name) or (name == "coverage" and plain[:1] == ["run"]):
        yield Activity("test", name, ("python",), fails)
        return
    if (name, *plain[:1]) in _END_TO_END or (name,) in _END_TO_END:
        yield Activity("e2e", name, (), fails)


_END_TO_END = frozenset(
    {("playwright", "test"), ("cypress", "run"), ("wdio",), ("nightwatch",), ("testcafe",), ("robot",), ("k6", "run")}
    | {("newman", "run"), ("detox", "test"), ("maestro", "test"), ("codeceptjs", "run"), ("protractor",)}
    | {("ng", "e2e"), ("artillery", "run"), ("behat",), ("cucumber-js",), ("locust",)}
)


def _goals(name: str, arguments: Sequence[str]) -> list[str]:
    """Maven's goals and Gradle's tasks in their short form: `org.owasp:dependency-check-maven:check`, `:app:test`."""
    found: list[str] = []
    skip = False
    for word in arguments:
        if skip or word.startswith("-"):
            skip = not skip and word in ("-f", "--file", "-P", "-pl", "-x", "-p", "--exclude-task", "--tests", "-s")
            continue
        parts = word.split(":")
        if name == "gradle":
            found.append(parts[-1])
        elif len(parts) >= 3:
            artifact = parts[1].removesuffix("-maven-plugin").removesuffix("-maven").removeprefix("maven-")
            found.append(f"{artifact.removesuffix('-plugin')}:{parts[-1]}")
        else:
            found.append(word)
    return found


def _scan(scanner: Scanner, arguments: Sequence[str], plain: Sequence[str]) -> Iterator[Activity]:
    """The activity of a scanner, with what its options change."""
    name = scanner.pattern.split()[0]
    role, fails = scanner.role, scanner.fails
    if name == "trivy" and role == "dependency-scan":
        asked = option(arguments, "--scanners", "--security-checks")
        if asked and "vuln" not in asked.split(","):
            role = "secret-scan" if "secret" in asked else "iac-scan"
    if name == "grype" and plain and (plain[0].startswith(("dir:", "sbom:", "file:")) or plain[0] in (".", "./")):
        role = "dependency-scan"
    if name in ("cargo", "cargo-deny"):
        kinds = set(plain[plain.index("check") + 1 :]) if "check" in plain else set()
        if scanner.pattern.endswith("deny") and ("check" not in plain or (kinds and not kinds & {"all", "advisories"})):
            return
    if not fails and any(value not in (None, "0") for value in (option(arguments, switch) for switch in scanner.on)):
        fails = True
    for switch in (*scanner.off, *_NEVER_FAILS):
        flag, given, value = switch.partition("=")
        if value in options(arguments, flag) if given else has_option(arguments, flag):
            fails = False
    yield Activity(role, name, scanner.covers, fails)
