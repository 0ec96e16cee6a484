from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.documents.compose.file import parse
from sp404audit.documents.compose.project import Project, Service, projects
from sp404audit.documents.compose.service import UNKNOWN
from sp404audit.documents.model import Repository
from sp404audit.documents.source import Source
from sp404audit.results import Location

MakeRepository = Callable[[dict[str, str]], Repository]


def only_project(repository: Repository) -> Project:
    (project,) = projects(repository)
    return project


def services(repository: Repository) -> dict[str, Service]:
    return {service.name: service for service in Service.in_repository(repository)}


def place(location: Location) -> tuple[str, int]:
    return location.path, location.region.start_line


def test_merges_the_override_and_keeps_places(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "services:\n  web:\n    image: nginx:1.28\n    environment: [A=1, B=2]\n",
            "compose.override.yaml": "services:\n  web:\n    privileged: true\n    environment:\n      B: three\n",
        }
    )
    web = services(repository)["web"]
    privileged = web.get("privileged")
    assert only_project(repository).files == ("compose.yaml", "compose.override.yaml")
    assert place(web.location) == ("compose.yaml", 2)
    assert privileged is not None
    assert place(privileged.location) == ("compose.override.yaml", 3)
    assert {name: setting.value for name, setting in web.environment.items()} == {"A": "1", "B": "three"}
    assert place(web.environment["B"].location) == ("compose.override.yaml", 5)


def test_resolves_extends_over_files_and_paths_from_each(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "app/compose.yaml": "services:\n  web: {extends: {file: ../shared/base.yaml, service: mid}, image: a}\n",
            "shared/base.yaml": "services:\n  mid:\n    extends: root\n    privileged: true\n"
            "  root:\n    image: b\n    volumes: ['./data:/data']\n",
        }
    )
    (web,) = Service.in_repository(repository)
    assert (web.image, web.flag("privileged"), web.is_partial) == ("a", True, False)
    assert web.mounted == [("shared/data", "/data")]


def test_ends_cycles_of_extends_and_include(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "include: [a.yaml]\nservices:\n  x: {image: i, extends: y}\n  y: {image: i, extends: x}\n",
            "a.yaml": "include: [compose.yaml, a.yaml]\nservices:\n"
            "  z: {image: i, extends: {file: a.yaml, service: z}}\n",
        }
    )
    assert set(services(repository)) == {"x", "y", "z"}


def test_says_when_what_is_extended_is_missing(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {"compose.yaml": "services:\n  x: {extends: {file: gone.yaml, service: y}, image: i}\n"}
    )
    assert services(repository)["x"].is_partial


def test_includes_with_folder_and_variables_of_the_included(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "include: [data/compose.yaml, gone.yaml]\nservices:\n  web: {image: 'web:${TAG}'}\n",
            ".env": "TAG=1\n",
            "data/compose.yaml": "services:\n  db: {image: 'db:${TAG}-${FLAVOUR}', volumes: ['./x:/x']}\n",
            "data/.env": "TAG=2\nFLAVOUR=slim\n",
        }
    )
    found = services(repository)
    assert (found["web"].image, found["db"].image) == ("web:1", "db:1-slim")
    assert found["db"].mounted == [("data/x", "/x")]
    assert not only_project(repository).is_complete


def test_reads_variables_in_three_states(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "services:\n  web:\n    image: nginx:${TAG}\n"
            "    command: serve --port ${PORT:-80} --token ${TOKEN} $$HOME\n"
            "    environment: {A: '${TAG}', B: '${NONE}', C: , D: ''}\n    env_file: [web.env, gone.env]\n",
            ".env": "TAG=1.28\n",
            "web.env": "A=from-file\nE=5\n",
        }
    )
    web = services(repository)["web"]
    assert web.image == "nginx:1.28"
    assert web.words("command") == ["serve", "--port", "80", "--token", UNKNOWN, "$HOME"]
    values = {name: setting.value for name, setting in web.environment.items()}
    assert values == {"A": "1.28", "B": None, "C": None, "D": "", "E": "5"}
    assert web.has_unknown_environment


def test_takes_other_files_as_variants_or_projects(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "services:\n  db: {image: postgres:17}\n  web: {image: nginx:1.28}\n",
            "compose.prod.yaml": "services:\n  db: {restart: always}\n",
            "compose.monitoring.yaml": "services:\n  prometheus: {image: prom/prometheus:v3.5.0}\n",
        }
    )
    base, other, variant = sorted(projects(repository), key=lambda project: project.files[-1] != "compose.yaml")
    if variant.variant_of is None:
        other, variant = variant, other
    assert base.files == ("compose.yaml",)
    assert variant.variant_of is base
    assert other.files == ("compose.monitoring.yaml",)
    names = sorted((service.name, service.project.files[-1]) for service in Service.in_repository(repository))
    assert names == [
        ("db", "compose.prod.yaml"),
        ("db", "compose.yaml"),
        ("prometheus", "compose.monitoring.yaml"),
        ("web", "compose.yaml"),
    ]


def test_resets_and_overrides_by_tag(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "services:\n  db:\n    image: mariadb:11.4\n    ports: ['1:1']\n    volumes: ['db:/data']\n"
            "  gone: {image: a}\n",
            "compose.override.yaml": "services:\n  db:\n    ports: !reset []\n    volumes: !override ['./c:/c']\n"
            "  gone: !reset null\n",
        }
    )
    found = services(repository)
    assert set(found) == {"db"}
    assert found["db"].ports == []
    assert [mount.source for mount in found["db"].mounts] == ["./c"]


def test_reads_health_checks_dependencies_profiles_and_builds(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "app/compose.yaml": """\
services:
  a:
    build: ${CONTEXT:-./api}
    depends_on: [b]
    profiles: [dev]
    healthcheck: {test: curl -f localhost, interval: 5s}
  b:
    build: {context: .., dockerfile: docker/b.Dockerfile, target: prod, args: {V: '1', W: }}
    depends_on: {c: {condition: service_healthy, required: false}}
    healthcheck: {disable: true}
  c: {image: x, healthcheck: {test: [NONE]}}
  d: {image: x, healthcheck: {interval: 1m}}
  e: {image: x, build: ../../outside}
"""
        }
    )
    found = services(repository)
    a, b, c, d, e = (found[name] for name in "abcde")
    assert a.build is not None
    assert (a.build.context, a.build.dockerfile) == ("app/api", "app/api/Dockerfile")
    assert b.build is not None
    assert b.build[1:] == ("", "docker/b.Dockerfile", "prod", (("V", "1"), ("W", None)))
    assert e.build is not None
    assert (e.build.context, e.build.dockerfile) == (None, None)
    assert [each[:2] for each in (*a.depends_on, *b.depends_on)] == [("b", "service_started"), ("c", "service_healthy")]
    assert not b.depends_on[0].required
    assert (a.profiles, b.profiles) == (("dev",), ())
    checks = [service.healthcheck for service in (a, b, c, d)]
    assert [check and (check.test, check.is_disabled) for check in checks] == [
        (("CMD-SHELL", "curl -f localhost"), False),
        ((), True),
        ((), True),
        ((), False),
    ]


def test_names_hosts_and_networks(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "compose.yaml": "services:\n  web:\n    image: a\n    container_name: Front\n"
            "    networks: {edge: {aliases: [shop]}, data: }\n  job: {image: a, network_mode: host}\n  x: {image: a}\n"
        }
    )
    found = services(repository)
    assert list(found["web"].host_names()) == ["web", "Front", "shop"]
    assert (found["web"].networks, found["job"].networks, found["x"].networks) == (("edge", "data"), (), ("default",))


def test_reads_each_file_of_a_diamond_once_and_every_file_of_a_long_chain(make_repository: MakeRepository) -> None:
    files = {
        f"c{n}.yaml": f"include: [c{n + 1}.yaml, c{n + 2}.yaml]\nservices:\n  s{n}: {{image: x}}\n" for n in range(40)
    }
    assert len(services(make_repository(files))) == 40


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["compose.yaml", "compose.override.yaml", "docker-compose.yml", "sub/base.yaml", "b.yaml"]),
        st.lists(
            st.sampled_from(
                [
                    "  a: {image: x, extends: b}",
                    "  b: {extends: {file: sub/base.yaml, service: a}}",
                    "  c: {extends: {file: ../compose.yaml, service: b}, build: .}",
                    "  d: !reset null",
                    "  e: [1]",
                    "  f: {ports: !override ['1:1'], environment: [A=$B], env_file: ../x}",
                ]
            ),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_puts_any_files_together(files: dict[str, list[str]]) -> None:
    facts = [
        fact
        for path, lines in files.items()
        for text in ["\n".join(["include: [b.yaml, sub/base.yaml, compose.yaml]", "services:", *lines, ""])]
        for fact in parse(Source(path, text.encode())).facts()
    ]
    repository = Repository(dict.fromkeys(files, "compose"), files, facts)
    for service in Service.in_repository(repository):
        assert service.location.path in files
        assert isinstance(service.environment, dict)
        assert isinstance(service.mounted, list)
