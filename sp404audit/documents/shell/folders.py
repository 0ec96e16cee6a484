"""Words by which a script says where it lies, or where the repository's root is."""

from __future__ import annotations

from sp404audit.lazy import regex

__all__ = ["ROOT_FOLDER", "SCRIPT_FOLDER", "folder_of_substitution", "folder_of_variable"]

SCRIPT_FOLDER = "\x02"
"""Stands in a resolved word for the folder of the script itself."""
ROOT_FOLDER = "\x03"
"""Stands in a resolved word for the root of the checkout."""

_ROOT_VARIABLES = frozenset({"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY", "WORKSPACE"})
_FOLDER_EXPANSIONS = frozenset({"${0%/*}", "${BASH_SOURCE%/*}", "${BASH_SOURCE[0]%/*}", "${BASH_SOURCE[0]%\\/*}"})
_COMPUTING = regex(
    r"CDPATH=|builtin|command|cd|pwd|dirname|readlink|realpath|BASH_SOURCE(?:\[0\])?|dev/null|null|true|:-|\b[0-9]\b"
    r"|-[A-Za-z]+|--|[\s\"'$(){}&|;=<>/.\[\]:]"
)
_AFTER_DIRNAME = regex(r"dirname[^)]*\)+[\"']?((?:/[\w.-]+)*)")


def folder_of_substitution(text: str) -> str | None:
    """Return the folder that `$(cd "$(dirname "$0")/.." && pwd)` and its like stand for; None for anything else."""
    if "--show-toplevel" in text and "git" in text:
        return ROOT_FOLDER
    if text in _FOLDER_EXPANSIONS:
        return SCRIPT_FOLDER
    if "dirname" not in text or ("$0" not in text and "BASH_SOURCE" not in text) or len(text) > 200:
        return None
    found = _AFTER_DIRNAME.search(text)
    suffix = found.group(1) if found else ""
    if _COMPUTING.sub("", text.replace(suffix, "", 1) if suffix else text):
        return None
    return SCRIPT_FOLDER + suffix


def folder_of_variable(name: str) -> str | None:
    """Return the folder that a variable set by the CI system stands for."""
    return ROOT_FOLDER if name in _ROOT_VARIABLES else None
