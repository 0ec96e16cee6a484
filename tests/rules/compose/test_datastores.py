from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]
RULE = "compose/datastore-authentication"


def service(text: str) -> dict[str, str]:
    lines = "".join(f"    {line}\n" for line in text.strip().splitlines())
    return {"compose.yaml": f"services:\n  store:\n{lines}"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("image: redis:8", 3),
        ("image: redis:8\ncommand: redis-server --requirepass ''", 4),
        ("image: redis:8\ncommand: redis-server --requirepass '${REDIS_PASSWORD:-}' --save 60 1", 4),
        ("image: qdrant/qdrant:v1.15.0", 3),
        (
            "image: grafana/grafana:12\nenvironment:\n"
            "  GF_AUTH_ANONYMOUS_ENABLED: 'true'\n  GF_AUTH_ANONYMOUS_ORG_ROLE: Admin",
            5,
        ),
        ("image: redis", 3),
        ("image: public.ecr.aws/docker/library/redis:8", 3),
        ("image: valkey/valkey:8.1\ncommand: [valkey-server, --appendonly, 'yes']", 3),
        ("image: redis:8\ncommand: sh -c 'redis-server --save 60 1'", 3),
        ("image: redis:${REDIS_TAG}", 3),
        ("image: bitnami/redis:7.2\nenvironment: {ALLOW_EMPTY_PASSWORD: 'yes'}", 4),
        ("image: mongo:8", 3),
        ("image: mongo:8\nenvironment: {MONGO_INITDB_ROOT_PASSWORD: ''}", 3),
        ("image: mongo:8\ncommand: mongod --noauth", 4),
        ("image: postgis/postgis:17-3.5\nenvironment:\n  - POSTGRES_HOST_AUTH_METHOD=trust", 5),
        ("image: postgres:17\nenvironment: {POSTGRES_HOST_AUTH_METHOD: '${METHOD:-trust}'}", 4),
        ("image: mysql:8.4\nenvironment: {MYSQL_ALLOW_EMPTY_PASSWORD: 'yes'}", 4),
        ("image: mariadb:11\nenvironment: {MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: 1}", 4),
        ("image: mysql:8.4\ncommand: --skip-grant-tables", 4),
        ("image: elasticsearch:8.15.0\nenvironment:\n  - xpack.security.enabled=false", 5),
        ("image: docker.elastic.co/elasticsearch/elasticsearch:7.17.9", 3),
        ("image: rabbitmq:4-management", 3),
        ("image: quay.io/minio/minio\ncommand: server /data", 3),
        ("image: grafana/grafana:12.0.0", 3),
        ("image: grafana/grafana:12.0.0\nvolumes: ['./provisioning:/etc/grafana/provisioning']", 3),
        ("image: grafana/grafana:12.0.0\nenvironment: {GF_SECURITY_ADMIN_PASSWORD: admin}", 4),
        ("image: bitnami/etcd:3.5\nenvironment: {ALLOW_NONE_AUTHENTICATION: 'yes'}", 4),
        ("image: neo4j:5\nenvironment: {NEO4J_AUTH: none}", 4),
        ("image: cockroachdb/cockroach:v24.1.0\ncommand: start-single-node --insecure", 4),
        ("image: mongo-express:1.0.2", 3),
        ("image: phpmyadmin:5.2\nenvironment: {PMA_USER: root, PMA_PASSWORD: '${ROOT_PASSWORD}'}", 4),
        ("image: edoburu/pgbouncer:1.23\nenvironment: {AUTH_TYPE: trust}", 4),
        ("image: apache/kafka:4.0.0", 3),
        ("image: bitnami/kafka:3.9\nenvironment: {ALLOW_PLAINTEXT_LISTENER: 'yes'}", 4),
        ("image: apache/kafka:4.0.0\nenvironment: {KAFKA_LISTENERS: 'PLAINTEXT://:9092'}", 4),
        ("image: confluentinc/cp-kafka:7.6.0\nenvironment: {KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:9092'}", 4),
    ],
)
def test_fails(judge: Judge, text: str, line: int) -> None:
    (result,) = judge(RULE, service(text))
    assert (result.kind, result.location.region.start_line) == ("fail", line)


@pytest.mark.parametrize(
    "text",
    [
        "image: redis:8\ncommand: redis-server --requirepass ${REDIS_PASSWORD}",
        "image: redis:8\ncommand: ['sh', '-c', 'exec redis-server --requirepass \"$$REDIS_PASSWORD\"']",
        "image: redis:8\ncommand: --requirepass=${REDIS_PASSWORD}",
        "image: redis/redis-stack:7.4.0-v0\nenvironment: {REDIS_ARGS: '--requirepass ${PW}'}",
        "image: bitnami/redis:7.2\nenvironment: {REDIS_PASSWORD: '${REDIS_PASSWORD}'}",
        "image: mongo:8\nenvironment: {MONGO_INITDB_ROOT_USERNAME: a, MONGO_INITDB_ROOT_PASSWORD_FILE: /run/secrets/m}",
        "image: mongo:8\ncommand: [--auth]",
        "image: postgres:17\nenvironment: {POSTGRES_PASSWORD: '${PW:?}'}",
        "image: mysql:8.4\nenvironment: {MYSQL_ALLOW_EMPTY_PASSWORD: ''}",
        "image: elasticsearch:9.0.1",
        "image: elasticsearch:7.17.9\nenvironment: [xpack.security.enabled=true]",
        "image: rabbitmq:4\nenvironment: {RABBITMQ_DEFAULT_USER: app, RABBITMQ_DEFAULT_PASS: '${PW:?}'}",
        "image: minio/minio\ncommand: server /data\nenvironment: {MINIO_ROOT_PASSWORD_FILE: /run/secrets/minio}",
        "image: grafana/grafana\nenvironment: {GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/grafana}",
        "image: opensearchproject/opensearch:3.1.0",
    ],
)
def test_passes(judge: Judge, text: str) -> None:
    assert [result.kind for result in judge(RULE, service(text))] == ["pass"]


@pytest.mark.parametrize(
    "text",
    [
        "image: redis:8\ncommand: redis-server /etc/redis/redis.conf\nvolumes: ['./redis.conf:/etc/redis/redis.conf']",
        "image: redis:8\nenv_file: redis.env",
        "image: elasticsearch:latest",
        "image: rabbitmq:4\nvolumes: ['./rabbitmq.conf:/etc/rabbitmq/rabbitmq.conf:ro']",
        "image: grafana/grafana\nvolumes: ['./grafana.ini:/etc/grafana/grafana.ini']",
        "image: quay.io/coreos/etcd:v3.5.14",
        "image: apache/kafka:4.0.0\nenvironment: {KAFKA_LISTENERS: '${LISTENERS}'}",
    ],
)
def test_cannot_tell(judge: Judge, text: str) -> None:
    assert [result.kind for result in judge(RULE, service(text))] == ["open"]


@pytest.mark.parametrize(
    "text",
    [
        "image: oliver006/redis_exporter:v1.74.0",
        "image: ghcr.io/example/redis:1.0.0",
        "image: redis:8\ncommand: redis-cli -h cache ping",
        "image: postgres:17\ncommand: pg_dump -h db",
        "image: minio/minio\nentrypoint: mc\ncommand: mb data",
        "image: ${DATABASE_IMAGE}",
        "build: ./redis",
    ],
)
def test_leaves_clients_and_unknown_images_alone(judge: Judge, text: str) -> None:
    assert judge(RULE, service(text)) == []


def test_is_of_medium_severity_behind_internal_networks(judge: Judge) -> None:
    internal = "image: redis:8\nnetworks: [back]"
    files = {"compose.yaml": service(internal)["compose.yaml"] + "networks:\n  back: {internal: true}\n"}
    assert [result.severity.label for result in judge(RULE, files)] == ["medium"]
    files["compose.yaml"] = files["compose.yaml"].replace(
        "networks: [back]\n", "networks: [back]\n    ports: ['6379']\n"
    )
    assert [result.severity.label for result in judge(RULE, files)] == ["high"]


@pytest.mark.parametrize(("name", "severity"), [("compose.dev.yaml", "low"), ("compose.prod.yaml", "high")])
def test_is_of_low_severity_in_files_for_development(judge: Judge, name: str, severity: str) -> None:
    files = {name: service("image: redis:8")["compose.yaml"]}
    assert [result.severity.label for result in judge(RULE, files)] == [severity]


@pytest.mark.parametrize(
    "text",
    [
        "image: mysql:8.4\nenvironment: {MYSQL_ALLOW_EMPTY_PASSWORD: 'yes', MYSQL_ROOT_PASSWORD: '${ROOT_PASSWORD:?}'}",
        "image: bitnami/redis:7.2\nenvironment: {ALLOW_EMPTY_PASSWORD: 'yes', REDIS_PASSWORD: '${REDIS_PASSWORD:?}'}",
    ],
)
def test_permission_for_an_empty_password_is_nothing_where_one_is_given(judge: Judge, text: str) -> None:
    (result,) = judge(RULE, service(text))
    assert result.kind == "pass"


@pytest.mark.parametrize("role", ["Viewer", "Admin"])
def test_a_role_for_nobody_and_readers_without_a_name_are_no_failure(judge: Judge, role: str) -> None:
    enabled = "false" if role == "Admin" else "true"
    variables = f"{{GF_AUTH_ANONYMOUS_ENABLED: {enabled}, GF_AUTH_ANONYMOUS_ORG_ROLE: {role}"
    (result,) = judge(
        RULE, service(f"image: grafana/grafana:12\nenvironment: {variables}, GF_SECURITY_ADMIN_PASSWORD: x}}")
    )
    assert result.kind == "pass"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("redis-server ${REDIS_OPTIONS}", "open"),
        ("/start/redis.sh", "open"),
        ("redis-server --maxmemory ${LIMIT}", "fail"),
        ("docker-entrypoint.sh redis-server", "fail"),
    ],
)
def test_what_starts_it_may_set_a_password(judge: Judge, command: str, kind: str) -> None:
    (result,) = judge(RULE, service(f"image: redis:8\ncommand: {command}"))
    assert result.kind == kind
