"""A rule's docstring, read: what `explain`, the SARIF help, the rule reference and the example tests are made from.

The grammar: the requirement in one sentence, paragraphs with the reasons, a paragraph that begins with `Fix:`, then
examples under `Passes:`, `Fails:` and `Unproven:`, each as often as needed. A heading may carry policy parameters
(`Fails (minimum=90):`) or a remark (`Passes (the base image is known):`). An example is the indented text of a file;
lines `--- path/name` part the files of an example that has several. `<64 random characters>` is filled in when the
example runs, so that no text of ours holds what looks like a live secret.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

__all__ = ["USUAL_NAMES", "Documentation", "Example", "example_files", "read", "remedy"]

_HEADING = regex(r"(Passes|Fails|Unproven)(?: \((.*)\))?:$")
_EXAMPLES = regex(r"^[ ]*(?:Passes|Fails|Unproven)(?: \(.*\))?:$", re.MULTILINE)
_OUTCOMES = {"Passes": "pass", "Fails": "fail", "Unproven": "open"}
_FILE = regex(r"--- (\S.*)$")
_RANDOM = regex(r"<(\d{1,4}) random characters>")
_PARAMETER = regex(r"([a-z_]+)=([^,\s]+)(?:,\s*|$)")


class Example(NamedTuple):
    """One example: what comes of it, its files by name (`""` for the usual name), and how it is to be read.

    `outcome` is `pass`, `fail` or `open`; `parameters` are policy parameters, as YAML scalars.
    """

    outcome: str
    files: dict[str, str]
    remark: str
    parameters: dict[str, str]


class Documentation(NamedTuple):
    """What a docstring says: Markdown throughout, examples apart."""

    summary: str
    why: str
    fix: str
    examples: tuple[Example, ...]


def read(docstring: str) -> Documentation:
    """Read a rule's docstring."""
    lines = inspect.cleandoc(docstring).splitlines()
    examples_from = next((number for number, line in enumerate(lines) if _HEADING.match(line)), len(lines))
    paragraphs = "\n".join(lines[:examples_from]).strip().split("\n\n")
    reasons = [paragraph for paragraph in paragraphs[1:] if not paragraph.startswith("Fix:")]
    examples = tuple(_examples(lines[examples_from:]))
    return Documentation(paragraphs[0], "\n\n".join(reasons), _fixes(paragraphs), examples)


def remedy(docstring: str) -> str:
    """Read only what a docstring says under `Fix:`: a report at the terminal asks for nothing else of it."""
    return _fixes(inspect.cleandoc(_EXAMPLES.split(docstring, 1)[0]).split("\n\n"))


def _fixes(paragraphs: Sequence[str]) -> str:
    fixes = [paragraph.removeprefix("Fix:").strip() for paragraph in paragraphs[1:] if paragraph.startswith("Fix:")]
    return "\n\n".join(fixes)


def _examples(lines: list[str]) -> list[Example]:
    examples: list[Example] = []
    heading: re.Match[str] | None = None
    body: list[str] = []
    for line in [*lines, "Passes:"]:
        found = _HEADING.match(line)
        if found is None:
            body.append(line)
            continue
        if heading is not None:
            examples.append(_example(heading, body))
        heading, body = found, []
    return examples


def _example(heading: re.Match[str], body: list[str]) -> Example:
    remark = heading[2] or ""
    parameters = dict(_PARAMETER.findall(remark)) if _PARAMETER.sub("", remark) == "" else {}
    files: dict[str, list[str]] = {"": []}
    name = ""
    for line in inspect.cleandoc("\n" + "\n".join(body)).splitlines():
        header = _FILE.match(line)
        if header:
            name = header[1].strip()
            files[name] = []
        else:
            files[name].append(line)
    texts = {name: "\n".join(content).strip("\n") + "\n" for name, content in files.items()}
    if len(texts) > 1 and not texts[""].strip():
        del texts[""]
    return Example(_OUTCOMES[heading[1]], texts, "" if parameters else remark, parameters)


USUAL_NAMES = {
    "workflow": ".github/workflows/ci.yml",
    "action": "action.yml",
    "dependabot": ".github/dependabot.yml",
    "dockerfile": "Dockerfile",
    "compose": "compose.yaml",
    "terraform": "main.tf",
    "kubernetes": "manifest.yaml",
    "shell": "script.sh",
    "dotenv": ".env",
    "prometheus": "prometheus.yml",
    "prometheus-rules": "alerts.yml",
    "alertmanager": "alertmanager.yml",
    "grafana": "dashboard.json",
    "python-project": "pyproject.toml",
    "node-project": "package.json",
}
"""What an example's file is called when the example does not say, by the kind of file that the rule reads."""


def example_files(example: Example, kinds: Iterable[str]) -> dict[str, str]:
    """Return an example's files by path.

    Args:
        example: of a rule.
        kinds: the kinds of file that the rule reads; the first one names a file without a name.
    """
    usual = next((USUAL_NAMES[kind] for kind in kinds if kind in USUAL_NAMES), "file.txt")
    return {name or usual: _RANDOM.sub(_random_characters, text) for name, text in example.files.items()}


def _random_characters(marker: re.Match[str]) -> str:
    """Letters and digits without a pattern, and yet the same each time: a digest of where they stand."""
    import base64
    import hashlib

    digest = hashlib.shake_256(str(marker.start()).encode()).digest(int(marker[1]))
    return base64.b64encode(digest, b"Aa").decode()[: int(marker[1])]
