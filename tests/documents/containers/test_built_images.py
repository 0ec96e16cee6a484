"""What is built: by whom, from where, and on what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.documents.containers.built_images import BuildContext, ExternalImage, FinalStage, build_requests
from sp404audit.documents.containers.images import BuildRequest
from sp404audit.documents.model import Repository

MakeRepository = Callable[[dict[str, str]], Repository]

STAGES = "FROM a AS build\nUSER root\nFROM b AS dev\nUSER dev\nFROM c\nUSER app\n"


def built(repository: Repository) -> list[tuple[str, int]]:
    return [(image.dockerfile.path, image.stage.number) for image in FinalStage.in_repository(repository)]


def script_build(make_repository: MakeRepository, text: str) -> BuildRequest:
    (request,) = build_requests(make_repository({"ci/build.sh": f"#!/bin/sh\n{text}\n"}))
    return request


def test_without_a_request_the_last_stage_is_built(make_repository: MakeRepository) -> None:
    assert built(make_repository({"Dockerfile": STAGES})) == [("Dockerfile", 2)]


def test_targets_of_compose_and_workflows(make_repository: MakeRepository) -> None:
    workflow = """\
on: push
jobs:
  image:
    runs-on: ubuntu-24.04
    steps:
      - uses: docker/build-push-action@v6
        with: {context: api, target: build, tags: "ghcr.io/acme/api:1"}
"""
    compose = "services:\n  api:\n    build: {context: api, target: DEV}\n"
    repository = make_repository(
        {"api/Dockerfile": STAGES, "compose.yaml": compose, ".github/workflows/image.yml": workflow}
    )
    assert built(repository) == [("api/Dockerfile", 0), ("api/Dockerfile", 1)]


def test_an_override_file_merges_into_the_request(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "api/Dockerfile": STAGES,
            "compose.yaml": "services:\n  api:\n    build: ./api\n    image: acme/api\n",
            "compose.override.yaml": "services:\n  api:\n    build: {target: dev, args: {A: b}}\n    user: '7'\n",
        }
    )
    (request,) = build_requests(repository)
    assert (request.context, request.dockerfile, request.target) == ("api", "api/Dockerfile", "dev")
    assert (request.args, request.user, request.tags) == ((("A", "b"),), "7", ("acme/api",))


@pytest.mark.parametrize(
    ("command", "context", "dockerfile", "target", "tags"),
    [
        ("docker build .", "", "Dockerfile", None, ()),
        ("docker build -t acme/api:1 api", "api", "api/Dockerfile", None, ("acme/api:1",)),
        ("docker build --tag=x -f docker/Dockerfile --target prod .", "", "docker/Dockerfile", "prod", ("x",)),
        ("cd api && docker buildx build --push -t x:$TAG .", "api", "api/Dockerfile", None, ("x",)),
        ("(cd web; make); docker build -q .", "", "Dockerfile", None, ()),
        ("podman build --build-arg A=b --no-cache web", "web", "web/Dockerfile", None, ()),
        ("docker build https://github.com/acme/api.git", None, None, None, ()),
        ('docker build "$DIR"', None, None, None, ()),
        ("docker build ..", None, None, None, ()),
        ("docker build - < Dockerfile", None, None, None, ()),
    ],
)
def test_builds_of_scripts(
    make_repository: MakeRepository,
    command: str,
    context: str | None,
    dockerfile: str | None,
    target: str | None,
    tags: tuple[str, ...],
) -> None:
    request = script_build(make_repository, command)
    assert (request.context, request.dockerfile, request.target, request.tags) == (context, dockerfile, target, tags)


def test_arguments_of_a_script_build(make_repository: MakeRepository) -> None:
    request = script_build(make_repository, 'docker build --build-arg A=1 --build-arg B --build-arg "C=$C" .')
    assert request.args == (("A", "1"), ("B", None), ("C", None))


def test_external_images(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "Dockerfile": "FROM base AS b\nFROM acme/base:1\nCOPY --from=assets /a /a\n",
            "compose.yaml": (
                "services:\n"
                "  app: {build: {context: ., additional_contexts: {assets: ./assets}}, image: acme/app}\n"
                "  base: {build: ./base, image: 'acme/base:1'}\n"
                "  job: {image: acme/app}\n"
                "  db: {image: 'postgres:${PG}'}\n"
            ),
            ".env": "PG=17\n",
            "base/Dockerfile": "FROM debian:13\n",
            "run.sh": '#!/bin/sh\ndocker run --rm -it -v "$PWD:/w" -e A=b alpine:3 ls\ndocker pull "$IMAGE"\n',
        }
    )
    found = {(image.use.origin, image.use.value) for image in ExternalImage.in_repository(repository)}
    assert found == {("FROM", "base"), ("FROM", "debian:13"), ("compose", "postgres:17"), ("script", "alpine:3")}


def test_a_base_that_is_built_here(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "app/Dockerfile": "FROM acme/base:1\n",
            "base/Dockerfile": "FROM debian:13\nUSER app\n",
            "build.sh": "#!/bin/sh\ndocker build -t acme/base:1 base\ndocker build -t acme/app app\n",
        }
    )
    app, base = FinalStage.in_repository(repository)
    assert app.local_base(app.variants[0]) is base
    assert base.is_only_a_base
    assert not app.is_only_a_base


def test_images_that_are_each_others_base(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "a/Dockerfile": "FROM acme/b\n",
            "b/Dockerfile": "FROM acme/a\n",
            "build.sh": "#!/bin/sh\ndocker build -t acme/a a\ndocker build -t acme/b b\n",
        }
    )
    from sp404audit.documents.containers.built_images import ImageBase

    first, _ = FinalStage.in_repository(repository)
    assert ImageBase(first, first.variants[0]).known is None


def test_contexts(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "docker/Dockerfile": 'FROM a AS b\nCOPY . /srv\nFROM a\nCOPY --from=b . /x\nADD ["./", "/y"]\nCOPY a c/\n',
            "lone/Dockerfile": "FROM a\nCOPY <<E /x\nE\n",
            "build.sh": "#!/bin/sh\ndocker build -f docker/Dockerfile .\n",
        }
    )
    asked, lone = BuildContext.in_repository(repository)
    assert asked.folders == ("",)
    assert [step.location.region.start_line for step in asked.wholesale_copies] == [2, 5]
    assert lone.folders == ("lone", "")
    assert lone.wholesale_copies == []


def test_bake_files(make_repository: MakeRepository) -> None:
    bake = """\
variable "TAG" { default = "1.2" }
group "default" { targets = ["api", "web"] }
target "_common" {
  args = { A = "b", C = UNKNOWN }
  target = "dev"
}
target "api" {
  inherits = ["_common"]
  context = "./api"
  tags = ["ghcr.io/acme/api:${TAG}"]
}
target "web" {
  context = "web"
  dockerfile = "../docker/web.Dockerfile"
  target = notdefined
}
target "extra" { context = "https://github.com/acme/x.git" }
"""
    repository = make_repository({"docker-bake.hcl": bake, "api/Dockerfile": STAGES, "terragrunt.hcl": "a = 1\n"})
    api, web = build_requests(repository)
    assert (api.context, api.dockerfile, api.target) == ("api", "api/Dockerfile", "dev")
    assert (api.args, api.tags) == ((("A", "b"), ("C", None)), ("ghcr.io/acme/api:1.2",))
    assert (web.dockerfile, web.target, web.target_known) == ("docker/web.Dockerfile", None, False)
    assert built(repository) == [("api/Dockerfile", 1)]


def test_bake_targets_that_inherit_from_each_other(make_repository: MakeRepository) -> None:
    bake = 'target "a" { inherits = ["b"] }\ntarget "b" { inherits = ["a"] }\ntarget "c" { inherits = ["a"] }\n'
    (request,) = build_requests(make_repository({"docker-bake.hcl": bake}))
    assert (request.owner, request.context) == ("c", "")
