"""docker/non-root-user where it is easy to be wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]

RULE = "docker/non-root-user"


def kinds(judge: Judge, files: dict[str, str] | str) -> list[str]:
    found = judge(RULE, {"Dockerfile": files} if isinstance(files, str) else files)
    return sorted(result.kind for result in found)


@pytest.mark.parametrize(
    "user",
    ["root", "0", "0:0", "root:app", "ROOT", '"root"', "00", "${U:-root}", ":app", "ContainerAdministrator"],
)
def test_names_of_root(judge: Judge, user: str) -> None:
    assert kinds(judge, f"FROM debian:13\nARG U\nUSER {user}\n") == ["fail"]


@pytest.mark.parametrize("user", ["app", "1000", "1000:0", "${U:-app}", "rooty", "ContainerUser", "0x", "10"])
def test_names_of_others(judge: Judge, user: str) -> None:
    assert kinds(judge, f"FROM debian:13\nARG U\nUSER {user}\n") == ["pass"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("FROM debian:13\nARG U\nUSER $U\n", "open"),
        ("ARG V\nFROM debian:$V\n", "fail"),
        ("ARG V\nFROM gcr.io/distroless/base:$V\n", "open"),
        ("FROM mcr.microsoft.com/dotnet/aspnet:9.0\nUSER $APP_UID\n", "pass"),
        ("FROM mcr.microsoft.com/dotnet/aspnet:9.0\nCMD x\n", "fail"),
        ("FROM postgres:17\nCOPY init.sql /docker-entrypoint-initdb.d/\n", "pass"),
        ('FROM postgres:17\nENTRYPOINT ["/mine.sh"]\n', "fail"),
        ('FROM debian:13\nENTRYPOINT ["tini", "--", "gosu", "app", "serve"]\n', "pass"),
        ('FROM debian:13\nENTRYPOINT ["gosu", "root", "serve"]\n', "fail"),
        ("FROM debian:13\nENTRYPOINT exec setpriv --reuid=app --init-groups serve\n", "pass"),
        ("FROM scratch\nCOPY out /\n", "notApplicable"),
        ('FROM scratch\nCOPY app /app\nCMD ["/app"]\n', "fail"),
        ("FROM scratch\nUSER root:root\n", "fail"),
        ("FROM debian:13\nUSER app\nONBUILD USER root\n", "pass"),
        ("FROM debian:13 AS a\nUSER app\nFROM a\n", "pass"),
        ("FROM debian:13\nRUN <<EOF\nUSER app\nEOF\n", "fail"),
    ],
)
def test_images(judge: Judge, text: str, kind: str) -> None:
    assert kinds(judge, text) == [kind]


@pytest.mark.parametrize(
    ("script", "kind"), [('exec gosu app "$@"', "pass"), ("exec su-exec app serve", "pass"), ('exec "$@"', "fail")]
)
def test_an_entrypoint_script_may_hand_over(judge: Judge, script: str, kind: str) -> None:
    files = {
        "api/Dockerfile": 'FROM debian:13\nCOPY docker/start.sh /bin/\nENTRYPOINT ["start.sh"]\nCMD ["serve"]\n',
        "api/docker/start.sh": f"#!/bin/sh\nset -e\nchown -R app /data\n{script}\n",
    }
    assert kinds(judge, files) == [kind]


def test_a_script_in_a_folder_that_is_copied(judge: Judge) -> None:
    files = {
        "Dockerfile": 'FROM debian:13\nWORKDIR /srv\nCOPY . /srv\nENTRYPOINT ["/srv/ops/start.sh"]\n',
        "ops/start.sh": "#!/bin/sh\nexec gosu app serve\n",
    }
    assert kinds(judge, files) == ["pass"]


@pytest.mark.parametrize(("user", "kind"), [("'1000'", "pass"), ("root", "fail"), ("'${UID}'", "fail")])
def test_compose_may_set_the_user(judge: Judge, user: str, kind: str) -> None:
    compose = f"services:\n  api:\n    build: .\n    user: {user}\n"
    assert kinds(judge, {"Dockerfile": "FROM debian:13\nCMD serve\n", "compose.yaml": compose}) == [kind]


def test_every_service_has_to_set_the_user(judge: Judge) -> None:
    compose = "services:\n  api: {build: ., user: '1'}\n  job: {build: .}\n"
    assert kinds(judge, {"Dockerfile": "FROM debian:13\nCMD serve\n", "compose.yaml": compose}) == ["fail"]


@pytest.mark.parametrize(
    ("context", "kind"), [("{runAsUser: 10001}", "pass"), ("{runAsUser: 0}", "fail"), ("{runAsNonRoot: true}", "fail")]
)
def test_kubernetes_may_set_the_user(judge: Judge, context: str, kind: str) -> None:
    manifest = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n"
        f"    - {{name: api, image: 'ghcr.io/acme/api:1', securityContext: {context}}}\n"
    )
    files = {
        "Dockerfile": "FROM debian:13\nCMD serve\n",
        "build.sh": "#!/bin/sh\ndocker build -t ghcr.io/acme/api:1 .\n",
        "k8s/pod.yaml": manifest,
    }
    assert kinds(judge, files) == [kind]


def test_arguments_of_the_build_decide(judge: Judge) -> None:
    compose = "services:\n  api:\n    build: {context: ., args: {RUN_AS: root}}\n"
    files = {"Dockerfile": "FROM debian:13\nARG RUN_AS=app\nUSER $RUN_AS\n", "compose.yaml": compose}
    assert kinds(judge, files) == ["fail"]


def test_a_base_of_this_repository_is_judged_where_it_is_used(judge: Judge) -> None:
    files = {
        "base/Dockerfile": "FROM debian:13\nRUN useradd app\n",
        "app/Dockerfile": "FROM acme/base:1\nUSER app\nCMD serve\n",
        "build.sh": "#!/bin/sh\ndocker build -t acme/base:1 base\ndocker build -t acme/app:1 app\n",
    }
    assert kinds(judge, files) == ["notApplicable", "pass"]


def test_the_remedy_is_put_before_the_command(judge: Judge) -> None:
    (result,) = judge(RULE, {"Dockerfile": 'FROM alpine:3.22\nRUN a\nCMD ["b"]\n'})
    assert result.fix is not None
    assert not result.fix.safe
    (edit,) = result.fix.edits
    assert edit.region == (3, 1, 3, 1)
    assert edit.text.endswith("USER 10001\n")


@pytest.mark.parametrize(
    ("path", "files", "kind"),
    [
        ("Dockerfile", {"action.yml": "name: a\nruns: {using: docker, image: Dockerfile}\n"}, "notApplicable"),
        (".devcontainer/Dockerfile", {}, "notApplicable"),
        ("Dockerfile", {"compose.yaml": "services:\n  a: {build: ., user: '0'}\n"}, "fail"),
    ],
)
def test_who_runs_it_decides(judge: Judge, path: str, files: dict[str, str], kind: str) -> None:
    assert kinds(judge, {path: "FROM debian:13\nCMD serve\n"} | files) == [kind]


@pytest.mark.parametrize(
    ("dockerfile", "kind"),
    [
        ("FROM debian:13\nUSER app\n", "fail"),
        ("FROM postgres:17\n", "pass"),
        ('FROM debian:13\nENTRYPOINT ["gosu", "app", "serve"]\n', "pass"),
    ],
)
def test_compose_may_start_as_root_what_then_drops_it(judge: Judge, dockerfile: str, kind: str) -> None:
    compose = "services:\n  a: {build: ., user: root}\n"
    assert kinds(judge, {"Dockerfile": dockerfile, "compose.yaml": compose}) == [kind]


@pytest.mark.parametrize(("target", "kind"), [("${{ inputs.target }}", "open"), ("b", "fail"), ("a", "pass")])
def test_a_target_that_is_not_known_is_not_the_last(judge: Judge, target: str, kind: str) -> None:
    step = f"{{uses: docker/build-push-action@v6, with: {{context: ., target: '{target}'}}}}"
    workflow = f"on: push\njobs:\n  b:\n    runs-on: x\n    steps: [{step}]\n"
    files = {
        "Dockerfile": "FROM debian:13 AS a\nUSER 1\nFROM debian:13 AS b\nCMD b\n",
        ".github/workflows/b.yml": workflow,
    }
    assert kinds(judge, files) == [kind]
