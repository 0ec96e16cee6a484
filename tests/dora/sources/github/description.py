"""GitHub's own description of its API, cut down to what is asked of it.

    python tests/dora/sources/github/description.py

writes `shapes.json` anew: the least record of each kind that the description allows, which the tests fill with what
they are about. The description itself is not kept here: `.ci/run` installs it (npm: @octokit/openapi).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

REPOSITORY = "/repos/{owner}/{repo}"
PATHS = (
    REPOSITORY,
    f"{REPOSITORY}/deployments",
    f"{REPOSITORY}/deployments/{{deployment_id}}/statuses",
    f"{REPOSITORY}/environments",
    f"{REPOSITORY}/releases",
    f"{REPOSITORY}/actions/runs",
    f"{REPOSITORY}/actions/runs/{{run_id}}/jobs",
    f"{REPOSITORY}/pulls",
    f"{REPOSITORY}/pulls/{{pull_number}}/commits",
    f"{REPOSITORY}/issues",
)
SHAPES = {
    "repository": "full-repository",
    "deployment": "deployment",
    "status": "deployment-status",
    "environment": "environment",
    "release": "release",
    "run": "workflow-run",
    "job": "job",
    "pull": "pull-request-simple",
    "commit": "commit",
    "issue": "issue",
    "user": "simple-user",
    "error": "basic-error",
}
SOURCE = Path(__file__).parents[4] / ".ci/node_modules/@octokit/openapi/generated/api.github.com.json"
FILE = Path(__file__).parent / "shapes.json"


class Description:
    """What the description says of the questions that are asked."""

    def __init__(self, source: Path = SOURCE) -> None:
        self._whole = json.loads(source.read_text("utf-8"))
        self.slim = self._cut()
        self._validators: dict[str, Any] = {}

    def _cut(self) -> dict[str, Any]:
        """Only GET, only `PATHS`, and all that they refer to."""
        whole = self._whole
        paths = {path: {"get": whole["paths"][path]["get"]} for path in PATHS}
        kept: dict[str, dict[str, Any]] = {}
        pending: list[Any] = [paths]
        while pending:
            for kind, name in _references(pending.pop()):
                if name not in kept.setdefault(kind, {}):
                    kept[kind][name] = whole["components"][kind][name]
                    pending.append(kept[kind][name])
        slim = {key: whole[key] for key in ("openapi", "info", "servers")}
        return {**slim, "paths": paths, "components": {kind: dict(sorted(kept[kind].items())) for kind in sorted(kept)}}

    def for_mock(self) -> dict[str, Any]:
        """The same, with what the description only says in prose.

        That is the media type that GitHub wants to be asked for, and that `created` of runs takes a range of times as
        its search does, which the description calls a single time.
        """
        copy: dict[str, Any] = json.loads(json.dumps(self.slim))
        del copy["components"]["parameters"]["created"]["schema"]["format"]
        for path in copy["paths"].values():
            for answer in path["get"]["responses"].values():
                content = self._resolved(answer, copy).get("content", {})
                if "application/json" in content:
                    content["application/vnd.github+json"] = content["application/json"]
        return copy

    def problems(self, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer to a question."""
        template = self.template(path)
        answers = self.slim["paths"][template]["get"]["responses"]
        if str(status) not in answers:
            # Limits and breakdowns are described in prose, not with each question.
            schema: Any = {"$ref": "#/components/schemas/basic-error"}
        else:
            content = self._resolved(answers[str(status)], self.slim).get("content", {})
            if not content:
                return [] if body is None else [f"{status} {path}: has a body"]
            schema = content["application/json"]["schema"]
        errors = self._validator(json.dumps(schema)).iter_errors(body)
        return [f"{status} {path}: {error.json_path}: {error.message[:200]}" for error in errors]

    def parameters(self, path: str) -> set[str]:
        """The names of what a question may be asked with."""
        given = self.slim["paths"][self.template(path)]["get"]["parameters"]
        return {each["name"] for each in (self._resolved(one, self.slim) for one in given) if each["in"] == "query"}

    def template(self, path: str) -> str:
        """The path as the description has it."""
        for template in PATHS:
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
                return template
        raise KeyError(f"{path} is not described")

    def least(self, name: str) -> Any:
        """The least record that a schema allows."""
        return self._least(self._whole["components"]["schemas"][name])

    def _least(self, schema: dict[str, Any]) -> Any:
        schema = self._resolved(schema, self._whole)
        if schema.get("nullable"):
            return None
        for choice in ("oneOf", "anyOf"):
            if choice in schema and "properties" not in schema:
                return self._least(schema[choice][0])
        if "allOf" in schema:
            return {key: value for part in schema["allOf"] for key, value in self._least(part).items()}
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object" or "properties" in schema:
            properties = schema.get("properties", {})
            return {key: self._least(properties[key]) for key in sorted(schema.get("required", ()))}
        plain = {"array": [], "integer": 1, "number": 1, "boolean": False}
        formats = {"date-time": "2026-01-01T00:00:00Z", "uri": "https://example.com/", "email": "a@example.com"}
        return plain.get(schema.get("type", ""), formats.get(schema.get("format", ""), "text"))

    def _resolved(self, thing: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in thing:
            _, kind, name = thing["$ref"].removeprefix("#/").split("/")
            thing = document["components"][kind][name]
        return thing

    def _validator(self, schema: str) -> Any:
        import jsonschema

        if schema not in self._validators:
            root = _as_json_schema(
                {**json.loads(schema), "components": {"schemas": self.slim["components"]["schemas"]}}
            )
            checker = jsonschema.FormatChecker(())
            checker.checks("date-time", raises=(ValueError, TypeError))(_is_moment)
            self._validators[schema] = jsonschema.Draft7Validator(root, format_checker=checker)
        return self._validators[schema]


def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _references(thing: Any) -> Iterator[tuple[str, str]]:
    if isinstance(thing, dict):
        if isinstance(reference := thing.get("$ref"), str):
            _, kind, name = reference.removeprefix("#/").split("/")
            yield kind, name
        for each in thing.values():
            yield from _references(each)
    elif isinstance(thing, list):
        for each in thing:
            yield from _references(each)


def _as_json_schema(thing: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema: `nullable` is the one word of it here that means something else."""
    if isinstance(thing, list):
        return [_as_json_schema(each) for each in thing]
    if not isinstance(thing, dict):
        return thing
    plain = {
        key: _as_json_schema(each) for key, each in thing.items() if key not in ("example", "examples", "nullable")
    }
    return {"anyOf": [{"type": "null"}, plain]} if thing.get("nullable") is True else plain


def shapes(description: Description) -> str:
    """The text of `shapes.json`."""
    made = {kind: description.least(name) for kind, name in SHAPES.items()}
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(shapes(Description()), "utf-8")
