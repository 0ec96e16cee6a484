"""What each notification id means, in a sentence: for the reports that declare them and for the documentation."""

from __future__ import annotations

__all__ = ["MEANINGS", "meaning"]

MEANINGS = {
    "compose/path-escape": "A compose file names a file outside of the repository, which was not read.",
    "dockerfile/syntax": "A part of a Dockerfile could not be parsed; the rest of the file was audited.",
    "engine/failed": "Another tool that was run as an engine ended with an error or ran out of its time or memory.",
    "engine/missing": "Another tool that was asked for as an engine is not installed.",
    "expression/syntax": "A GitHub expression could not be parsed.",
    "expression/too-deep": "A GitHub expression is nested deeper than GitHub itself accepts.",
    "hcl/syntax": "A part of a Terraform file could not be parsed; the rest of the file was audited.",
    "hcl/too-deep": "An expression of a Terraform file is nested deeper than the limit and was not evaluated.",
    "input/binary": "A file of an audited kind holds binary data and was left out.",
    "input/conflict": "A file is in conflict in git's index; there is no content of it to audit yet.",
    "input/encoding": "A file is not UTF-8 text; bytes that could not be decoded were passed over.",
    "input/link": "A symbolic link leads out of the audited tree and was not followed.",
    "input/not-regular": "What is named like an audited file is a device, pipe or socket; it was not opened.",
    "input/template": "A file is a template that becomes what it is named for only when rendered; it was left out.",
    "input/too-deep-path": "A folder is nested too deeply to be walked.",
    "input/too-large": "A file is larger than the limit and was not read.",
    "input/unreadable": "A file or folder could not be read.",
    "json/syntax": "A file is not well-formed JSON.",
    "json/too-deep": "A JSON file is nested deeper than the limit.",
    "metrics/not-measured": "Delivery metrics were asked for and could not be measured.",
    "parser/timeout": "Parsing a file took longer than the limit.",
    "python/syntax": "A noxfile is not valid Python; its sessions are not known.",
    "report/truncated": "The report leaves out results, because its reader shows no more.",
    "rule/crashed": "A rule ended with an error inside sp404audit; its verdict on the file is missing.",
    "rule/timeout": "A rule took longer than the limit; its verdict on the file is missing.",
    "scope/empty": "There was no file of a kind that is audited; the wrong folder may have been named.",
    "scope/limited": "Only what concerns some files was asked for; other results are not in the report.",
    "shell/too-deep": "A shell script is nested deeper than the limit.",
    "shell/too-large": "A shell script is larger than the limit.",
    "toml/syntax": "A file is not well-formed TOML.",
    "toml/too-deep": "A TOML file is nested deeper than its parser can follow.",
    "yaml/schema": "A YAML file does not have the shape that its kind must have.",
    "yaml/syntax": "A file is not well-formed YAML; documents before the error were audited.",
    "yaml/too-deep": "A YAML file is nested deeper than the limit.",
    "yaml/too-many-nodes": "A YAML file holds more nodes than the limit, or grows beyond it by its aliases.",
}


def meaning(notification_id: str) -> str:
    """The sentence for an id; a plain one for an id that a plug-in or an engine made up."""
    return MEANINGS.get(notification_id, "Something kept a part of the repository from being audited.")
