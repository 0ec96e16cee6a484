"""Variables that a project cannot do without stop its start when they are missing."""

from __future__ import annotations

from collections.abc import Iterator

from sp404audit.documents.compose.interpolation import Template, Variable
from sp404audit.documents.compose.project import Service
from sp404audit.documents.values import Value
from sp404audit.records import NamedTuple
from sp404audit.results import Edit, Fix, Location, Region
from sp404audit.rules import Verdict, Verdicts, fail, passed, rule, unproven

_SECRET_WORDS = frozenset(
    {
        "PASSWORD", "PASSWD", "PASSWORT", "PASS", "PWD", "PW", "SECRET", "SECRETS", "TOKEN", "APIKEY", "CREDENTIAL",
        "CREDENTIALS", "PASSPHRASE",
    }
)  # fmt: skip
_KEY_OF = frozenset({"API", "SECRET", "ACCESS", "PRIVATE", "ENCRYPTION", "SIGNING", "AUTH", "MASTER", "APP", "LICENSE"})
"""Before `KEY`, these make a secret of it; `PUBLIC_KEY`, `SORT_KEY` and the like are none."""
_ADDRESS_WORDS = frozenset(
    {
        "URL", "URI", "URLS", "URIS", "DSN", "HOST", "HOSTS", "HOSTNAME", "ENDPOINT", "ENDPOINTS", "ADDRESS", "DOMAIN",
        "SERVERS", "BROKERS",
    }
)  # fmt: skip
_OF_TELEMETRY = frozenset({"SENTRY", "OTEL", "WEBHOOK"})
"""With these in a name, nothing is sent while it has no address, and all else works."""
_OF_THE_SHELL = frozenset({"PWD", "HOSTNAME"})
"""Set in every shell, and neither a secret nor an address of the project."""
_OF_MAIL = frozenset({"EMAIL", "FROM", "SENDER", "REPLY", "ALLOWED", "TRUSTED"})
"""With these in a name, its address is one of e-mail, or one that may be refused and not one to connect to."""
_NO_START_WITHOUT = ("image",)
"""Elements that compose refuses when a part of them is empty."""


class _Use(NamedTuple):
    """A variable in a service, and the value it stands in."""

    variable: Variable
    value: Value
    key: str


@rule(
    "compose/required-variables",
    severity="medium",
    cwe=[1188],
    security=False,
)
def required_variables(service: Service) -> Verdicts:
    """Variables that hold a secret or an address stop the start when they are unset.

    Compose replaces an unset variable by nothing and goes on with a warning. The service then starts with an empty
    password or without the address of its database, and fails later and elsewhere, or does not fail at all.

    A secret with an empty default is a failure of low severity: somebody has thought of an unset variable. An address
    with an empty default is left open, since many are how a feature is switched off.

    A variable passes when it is asked for with `${NAME:?message}` anywhere in the project, has a default that is not
    empty, or when the `.env`, an example of it (`.env.example`) or an `env_file` in the repository gives it a value.

    Fix: write `${NAME:?message}`.

    Passes:
        services:
          app:
            image: ghcr.io/example/app:2.0.0
            environment:
              API_KEY: ${API_KEY:?set it in .env}
              LOG_LEVEL: ${LOG_LEVEL}

    Passes (the example says that it is needed, and with which value it works):
        --- compose.yaml
        services:
          app:
            image: ghcr.io/example/app:2.0.0
            environment:
              UPSTREAM_URL: ${UPSTREAM_URL}
        --- .env.example
        UPSTREAM_URL=https://upstream.example.com

    Passes (compose refuses to start any service as long as one asks for it):
        services:
          db:
            image: postgres:18
            environment:
              POSTGRES_PASSWORD: ${DB_PASSWORD:?}
          app:
            image: ghcr.io/example/app:2.0.0
            environment:
              DATABASE_URL: postgres://app:${DB_PASSWORD}@db/app

    Fails:
        services:
          app:
            image: ghcr.io/example/app:2.0.0
            environment:
              - API_KEY=${API_KEY}

    Unproven (without it, e-mail may just be off):
        services:
          app:
            image: ghcr.io/example/app:2.0.0
            environment:
              SMTP_HOST: ${SMTP_HOST:-}

    Fails (an empty default is as good as none):
        services:
          db:
            image: mysql:8.4
            environment:
              MYSQL_ROOT_PASSWORD: ${DB_PASSWORD:-}
    """
    blank: dict[str, list[_Use]] = {}
    required: dict[str, Value] = {}
    for use in _uses(service):
        name = use.variable.name
        if not (is_secret(name) or is_address(name) or (use.key and is_secret(use.key))):
            continue
        if not _may_be_blank(use.variable, service, use.value) or _is_given(name, service):
            required.setdefault(name, use.value)
        else:
            blank.setdefault(name, []).append(use)
    for name, uses in blank.items():
        yield _blank(name, uses)
    for name, value in required.items():
        if name not in blank:
            yield passed(value.location, f"{name} is given a value, or asked for")


def _blank(name: str, uses: list[_Use]) -> Verdict:
    """The verdict on all uses of a variable in a service that leave it empty: the gravest of them tells."""
    first = min(uses, key=lambda use: bool(use.variable.operator))
    is_only_address = not is_secret(name) and not any(use.key and is_secret(use.key) for use in uses)
    related = [(use.value.location, f"{name} again") for use in uses if use is not first]
    if is_only_address and first.variable.operator:
        why = f"{name} is empty when it is unset, which is written down: whether that switches something off"
        return unproven(first.value.location, f"{why} or breaks it is not known", related=related)
    kind = "address" if is_only_address else "secret"
    place = _place(first)
    return fail(
        place or first.value.location,
        f"{name} is empty when it is unset, and what needs it starts without its {kind}: write ${{{name}:?…}}",
        severity="low" if first.variable.operator else None,
        fix=_remedy(name, place) if place is not None else None,
        related=related,
    )


def _place(use: _Use) -> Location | None:
    """Where the variable itself stands; None in a text that is folded or escaped."""
    path, region, _ = use.value.location
    quote = 1 if use.value.style in ("'", '"') else 0
    width = region.end_column - region.start_column
    if region.end_line != region.start_line or width != len(use.value.text or "") + 2 * quote:
        return None
    start = region.start_column + quote
    columns = start + use.variable.start, start + use.variable.end
    return Location(path, Region(region.start_line, columns[0], region.start_line, columns[1]))


def _remedy(name: str, place: Location) -> Fix:
    """Ask for the variable. Not safe: where nobody sets it, the project no longer starts."""
    return Fix(f"ask for {name}", (Edit(place.path, place.region, f"${{{name}:?}}"),), safe=False)


def _is_given(name: str, service: Service) -> bool:
    """Whether an env file of the project or of the service gives a variable a value, or another service asks for it."""
    setting = service.from_env_files.get(name)
    return (
        name in service.project.required
        or name in service.project.documented
        or (setting is not None and bool(setting.value))
    )


def _may_be_blank(variable: Variable, service: Service, value: Value) -> bool:
    lookup = service.variables_at(value.location).get
    return Template((variable,)).may_be_blank(lookup)


def _uses(service: Service) -> Iterator[_Use]:
    """Yield every variable that is put into a service, once a value; those inside of a default are part of that."""
    pending = [(entry.key, entry.value) for entry in service.value.entries if entry.key not in _NO_START_WITHOUT]
    while pending:
        key, value = pending.pop()
        pending.extend((entry.key, entry.value) for entry in reversed(value.entries))
        pending.extend((_name_in_item(item), item) for item in reversed(value.items))
        if value.text and "$" in value.text:
            variables = [part for part in service.template(value).parts if isinstance(part, Variable)]
            is_whole = len(variables) == 1 and _is_whole(value.text, variables[0])
            for variable in variables:
                if not variable.operator.endswith("+"):
                    yield _Use(variable, value, key if is_whole else "")


def _name_in_item(item: Value) -> str:
    """The name in an item `NAME=value` of a list."""
    name, equals, _ = (item.text or "").partition("=")
    return name if equals and name.replace("_", "").isalnum() else ""


def _is_whole(text: str, variable: Variable) -> bool:
    """Whether a value is nothing but the variable: then what it is called says what the variable holds."""
    before = text[: variable.start]
    return variable.end == len(text) and (not before or (before.endswith("=") and "=" not in before[:-1]))


def _words(name: str) -> list[str]:
    return name.upper().split("_")


def is_secret(name: str) -> bool:
    """Whether a variable's name says that it holds a secret: by its last word, so `TOKEN_TTL` and `KEY_FILE` do not."""
    words = _words(name)
    if name in _OF_THE_SHELL:
        return False
    if words[-1] in _SECRET_WORDS or name.upper().endswith(("APIKEY", "PASSWORD", "SECRET_KEY_BASE")):
        return True
    return words[-1] == "KEY" and len(words) > 1 and words[-2] in _KEY_OF


def is_address(name: str) -> bool:
    """Whether a variable's name says that it holds an address."""
    words = _words(name)
    return (
        words[-1] in _ADDRESS_WORDS
        and name not in _OF_THE_SHELL
        and not (_OF_MAIL | _OF_TELEMETRY).intersection(words[:-1])
    )
