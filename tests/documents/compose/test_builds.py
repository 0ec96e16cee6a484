from __future__ import annotations

from collections.abc import Callable

from sp404audit.documents.compose.builds import compose_images, compose_requests
from sp404audit.documents.model import Repository

MakeRepository = Callable[[dict[str, str]], Repository]


def test_knows_images_and_builds_of_merged_services(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "deploy/compose.yaml": "services:\n"
            "  web: {image: 'nginx:${TAG:-1.28}'}\n"
            "  db: {image: 'postgres:${PG}'}\n"
            "  cache: {image: 'redis:${REDIS}'}\n"
            "  api:\n    image: acme/api\n    user: '1000'\n    healthcheck: {disable: true}\n"
            "    build: {context: ./api, args: [A=1, B], additional_contexts: {lib: ../lib}}\n"
            "  job: {build: .}\n",
            "deploy/compose.override.yaml": "services:\n  api: {build: {target: prod}}\n"
            "  job: {healthcheck: {test: [CMD, x]}}\n",
            "deploy/.env": "PG=17\n",
        }
    )
    uses = {use.owner: (use.text, use.value) for use in compose_images(repository)}
    assert uses == {
        "web": ("nginx:${TAG:-1.28}", "nginx:1.28"),
        "db": ("postgres:${PG}", "postgres:17"),
        "cache": ("redis:${REDIS}", None),
    }
    api, job = compose_requests(repository)
    assert (api.context, api.dockerfile, api.target) == ("deploy/api", "deploy/api/Dockerfile", "prod")
    assert (api.args, api.tags, api.user, api.healthcheck) == ((("A", "1"), ("B", None)), ("acme/api",), "1000", False)
    assert (job.context, job.dockerfile, job.healthcheck) == ("deploy", "deploy/Dockerfile", True)
