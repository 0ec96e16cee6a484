"""A compose service as it is after merging, read element by element.

Texts are resolved as far as the repository allows: `.env`, defaults in the file, nothing else. A part that hangs on a
variable without a value is not guessed: the text is None, or holds `UNKNOWN` where a reader wants the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from sp404audit.documents.compose.file import env_file_paths, pairs_of, path_in_repository
from sp404audit.documents.compose.interpolation import Template
from sp404audit.documents.compose.interpolation import parse as parse_template
from sp404audit.documents.compose.merge import Mount, Port, as_mapping, mount_of, port_of
from sp404audit.documents.containers.images import ImageReference, parse_reference
from sp404audit.documents.values import Value, as_bool
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["UNKNOWN", "Build", "Dependency", "Healthcheck", "ServiceElement", "Setting"]

UNKNOWN = "\ufffc"
"""Stands in a text for a part that the repository does not tell."""
_MAX_SHLEX = 20_000
"""Longer commands are cut at white space only; shlex reads a character at a time."""


class Setting(NamedTuple):
    """A variable in a container's environment.

    Attributes:
        name: of the variable.
        value: None when it is given but not known (taken from the shell, or made of an unknown variable).
        location: where it is set.
        raw: the value as it stands in the compose file, variables and all; None when it comes from an `env_file`.
    """

    name: str
    value: str | None
    location: Location
    raw: Value | None = None

    @property
    def is_blank(self) -> bool:
        """Whether it is known to be empty."""
        return self.value is not None and not self.value.strip()


class Dependency(NamedTuple):
    """A service that another one waits for; `condition` is `service_started` in the short form."""

    name: str
    condition: str
    location: Location
    required: bool = True


class Healthcheck(NamedTuple):
    """What `healthcheck` says.

    Attributes:
        location: of the element.
        test: the words of the test, `CMD` or `CMD-SHELL` first; empty when the test is the image's own.
        is_disabled: whether the image's own is switched off (`disable: true`, `test: NONE`).
    """

    location: Location
    test: tuple[str, ...]
    is_disabled: bool


class Build(NamedTuple):
    """What `build` says, paths from the root of the repository; None where one leads out of it or is not known."""

    location: Location
    context: str | None
    dockerfile: str | None
    target: str | None
    args: tuple[tuple[str, str | None], ...]


class ServiceElement:
    """One service.

    Attributes:
        name: its key.
        location: where its name stands in the file that defines it.
        value: the merged element.
        folders: for each file that contributed, the folder at which relative paths in it start.
    """

    def __init__(
        self,
        name: str,
        location: Location,
        value: Value,
        folders: Mapping[str, str],
        variables: Mapping[str, Mapping[str, str]],
        env_files: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.name = name
        self.location = location
        self.value = value
        self.folders = folders
        self._variables = variables
        self._env_files = env_files
        self._words: dict[str, list[str]] = {}

    # --- texts -------------------------------------------------------------------------------------------------

    def variables_at(self, location: Location) -> Mapping[str, str]:
        """The variables that the repository gives a value for the file at this place."""
        return self._variables.get(location.path, {})

    def template(self, value: Value) -> Template:
        """The text of a value, cut into literals and variables."""
        return parse_template(value.text or "")

    def text(self, value: Value | None) -> str | None:
        """The text of a scalar with its variables replaced; None when there is none or it is not known."""
        if value is None or value.text is None or value.is_null:
            return None
        return self.template(value).evaluate(self.variables_at(value.location).get)

    def sketch(self, value: Value | None) -> str:
        """The text of a scalar with `UNKNOWN` for what is not known of it."""
        if value is None or value.text is None:
            return ""
        return self.template(value).evaluate(self.variables_at(value.location).get, UNKNOWN) or ""

    def part(self, text: str, value: Value) -> str:
        """Like `sketch`, of a part of the text that stands at `value`."""
        return parse_template(text).evaluate(self.variables_at(value.location).get, UNKNOWN) or ""

    def path(self, text: str, value: Value) -> str | None:
        """A relative path that stands at `value`, from the root; None when it is absolute, unknown or leads outside."""
        folder = self.folders.get(value.location.path)
        return None if folder is None or UNKNOWN in text else path_in_repository(folder, text)

    # --- elements ----------------------------------------------------------------------------------------------

    def get(self, key: str) -> Value | None:
        """An element of the service; None when it is missing or null."""
        value = self.value.get(key)
        return None if value is None or value.is_null else value

    def flag(self, key: str) -> bool | None:
        """A truth value; None when it is not known, False when it is missing."""
        value = self.get(key)
        return False if value is None else as_bool(self.text(value))

    @cached_property
    def image(self) -> str | None:
        """The image that is run; None when it is built or not known."""
        return None if self.get("build") is not None else self.text(self.get("image"))

    @cached_property
    def image_reference(self) -> ImageReference | None:
        """The image's name taken apart, the name alone when its tag or digest is not known; None when it is built."""
        image = self.get("image")
        if image is None or self.get("build") is not None:
            return None
        text = self.sketch(image)
        known = text.partition(UNKNOWN)[0]
        return parse_reference(text) if UNKNOWN not in text else parse_reference(known.rstrip(":@").removesuffix(":-"))

    @cached_property
    def from_env_files(self) -> dict[str, Setting]:
        """What the files in `env_file` put into the environment, as far as they are in the repository."""
        found: dict[str, Setting] = {}
        for value in env_file_paths(self.get("env_file")):
            path = self.path(self.sketch(value), value)
            for name, text in self._env_files.get(path or "", {}).items():
                found[name] = Setting(name, text, value.location)
        return found

    @cached_property
    def environment(self) -> dict[str, Setting]:
        """What is in the container's environment, as far as the repository tells."""
        found = dict(self.from_env_files)
        environment = self.get("environment")
        names = {} if environment is None else {entry.key: entry.location for entry in environment.entries}
        for name, raw in pairs_of(environment):
            location = raw.location if raw is not None else names.get(name, self.location)
            found[name] = Setting(name, self.text(raw) if raw is not None else None, location, raw)
        return found

    @cached_property
    def has_unknown_environment(self) -> bool:
        """Whether it reads an `env_file` that is not in the repository."""
        paths = [self.path(self.sketch(value), value) for value in env_file_paths(self.get("env_file"))]
        return any(path is None or path not in self._env_files for path in paths)

    @cached_property
    def mounts(self) -> list[Mount]:
        """What `volumes` mounts."""
        volumes = self.get("volumes")
        mounts = (mount_of(item) for item in (volumes.items if volumes else ()))
        return [mount for mount in mounts if mount is not None]

    @cached_property
    def ports(self) -> list[Port]:
        """What `ports` publishes."""
        ports = self.get("ports")
        found = (port_of(item) for item in (ports.items if ports else ()))
        return [port for port in found if port is not None]

    def words(self, key: str) -> list[str]:
        """The words of `command` or `entrypoint`, `UNKNOWN` in them where a part is not known."""
        if key not in self._words:
            self._words[key] = self._split(self.get(key))
        return self._words[key]

    def _split(self, value: Value | None) -> list[str]:
        if value is None:
            return []
        if value.form == "sequence":
            return [self.sketch(item) for item in value.items]
        text = self.sketch(value)
        if len(text) <= _MAX_SHLEX:
            import shlex

            try:
                return shlex.split(text, comments=False)
            except ValueError:  # a quote is not closed
                pass
        return text.split()

    @cached_property
    def network_mode(self) -> str:
        """`host`, `none`, `service:name`, …; empty when the service is on networks."""
        return self.text(self.get("network_mode")) or self.text(self.get("net")) or ""

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """The networks that it is on, `default` when it names none."""
        if self.network_mode and self.network_mode != "bridge":
            return ()
        return tuple(name for name, _ in pairs_of(self.get("networks"))) or ("default",)

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that start it; none when it is started always."""
        profiles = self.get("profiles")
        return tuple(self.sketch(item) for item in (profiles.items if profiles is not None else ()))

    @cached_property
    def depends_on(self) -> tuple[Dependency, ...]:
        """The services that it waits for."""
        value = self.get("depends_on")
        entries = as_mapping(value).entries if value is not None else ()
        return tuple(
            Dependency(
                entry.key,
                entry.value.text_of("condition") or "service_started",
                entry.location,
                as_bool(entry.value.text_of("required")) is not False,
            )
            for entry in entries
        )

    @cached_property
    def healthcheck(self) -> Healthcheck | None:
        """Its own health check, or what it says about the image's; None when it says nothing."""
        value = self.get("healthcheck")
        if value is None:
            return None
        test = value.get("test")
        words: tuple[str, ...] = ()
        if test is not None and not test.is_null:
            words = tuple(map(self.sketch, test.items)) if test.items else ("CMD-SHELL", self.sketch(test))
        disabled = as_bool(self.text(value.get("disable"))) is True or words[:1] == ("NONE",) or words[1:] == ("NONE",)
        return Healthcheck(value.location, () if disabled else words, disabled)

    @cached_property
    def build(self) -> Build | None:
        """How its image is built; None when it is not."""
        value = self.get("build")
        if value is None:
            return None
        named = value.get("context") if value.form == "mapping" else value
        context = self.path(self.sketch(named), named) if named is not None else self.path(".", value)
        file = value.get("dockerfile")
        name = self.sketch(file) if file is not None else "Dockerfile"
        is_inline = value.get("dockerfile_inline") is not None
        dockerfile = path_in_repository(context, name) if context is not None and not is_inline else None
        args = tuple((name, self.text(arg)) for name, arg in pairs_of(value.get("args")))
        return Build(value.location, context, dockerfile, self.text(value.get("target")), args)

    @cached_property
    def extra_hosts(self) -> frozenset[str]:
        """The names, in lower case, that `extra_hosts` and links add to what it can resolve."""
        hosts = self.get("extra_hosts")
        names = [] if hosts is None else [entry.key for entry in as_mapping(hosts).entries]
        for key in ("links", "external_links"):
            links = self.get(key)
            names += [(item.text or "").rpartition(":")[2] for item in (links.items if links is not None else ())]
        return frozenset(name.lower() for name in names)

    def host_names(self) -> Iterator[str]:
        """The names under which other containers of its networks reach it."""
        yield self.name
        for key in ("container_name", "hostname"):
            text = self.text(self.get(key))
            if text:
                yield text
        networks = self.get("networks")
        for entry in networks.entries if networks is not None else ():
            aliases = entry.value.get("aliases")
            yield from filter(None, (self.text(item) for item in (aliases.items if aliases else ())))
