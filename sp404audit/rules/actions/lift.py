"""The remedy for an expression in code: a variable in the step's `env:`, used as the language spells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.github.expression import Context, walk
from sp404audit.documents.yaml_tree import Mapping, Scalar
from sp404audit.lazy import regex
from sp404audit.results import Edit, Fix, Region

if TYPE_CHECKING:
    from sp404audit.documents.github.code import Code
    from sp404audit.documents.github.expression import Embedded
    from sp404audit.documents.github.steps import Step
    from sp404audit.documents.yaml_tree import Node

__all__ = ["lift_to_variables"]

_NOT_IN_NAMES = regex(r"[^A-Z0-9]+")
_UNINFORMATIVE = frozenset({"github", "event", "inputs", "outputs", "env", "steps", "needs", "matrix", "*"})
_RESERVED = frozenset(
    {
        "BASH",
        "CI",
        "ENV",
        "HOME",
        "HOST",
        "HOSTNAME",
        "IFS",
        "LANG",
        "PATH",
        "PWD",
        "SHELL",
        "TEMP",
        "TERM",
        "TMP",
        "USER",
    }
)
_RESERVED_PREFIXES = ("ACTIONS_", "BASH_", "DYLD_", "GITHUB_", "INPUT_", "LC_", "LD_", "NODE_", "PYTHON", "RUNNER_")
"""Names that mean something to the runner, to a shell or to a loader."""
_WORD = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_CODE = 20_000


def lift_to_variables(code: Code, found: list[Embedded]) -> Fix | None:
    """Make the fix that moves expressions out of code; None where it could not be sure to keep the meaning.

    Args:
        code: the code of a step.
        found: the expressions to move.
    """
    step = code.step
    if step is None or code.what not in ("run", "script") or not _is_editable(code.scalar, found):
        return None
    taken = _names_in_use(step.env) | set(_WORD.findall(code.scalar.value))
    variables: dict[str, str] = {}
    edits: list[Edit] = []
    for embedded in found:
        expression = code.scalar.value[embedded.start : embedded.end]
        if "\n" in expression or " #" in expression or ": " in expression:
            return None
        name = next((name for name, value in variables.items() if value == expression), None)
        name = name or _name(embedded, taken | variables.keys())
        replaced = _replacement(code, embedded, name)
        if replaced is None:
            return None
        start, end, text = replaced
        variables[name] = expression
        edits.append(Edit(code.source.path, code.region_of(start, end), text))
    insertion = _insertion(step, variables)
    if insertion is None:
        return None
    return Fix("hand the values over in variables", (insertion, *edits), safe=False)


def _is_editable(scalar: Scalar, found: list[Embedded]) -> bool:
    """Whether text can be put into a scalar as it is: in a literal block, or in a plain line but for its beginning."""
    if len(scalar.value) > _MAX_CODE:
        return False
    if scalar.style == "|":
        return True
    return scalar.style == "" and "\n" not in scalar.value.strip() and all(embedded.start for embedded in found)


def _names_in_use(env: Mapping | None) -> set[str]:
    return {name for name, _, _ in env.pairs()} if env is not None else set()


def _name(embedded: Embedded, taken: set[str]) -> str:
    """Make a variable's name of the last two steps of the first context in the expression."""
    context = next((node for node in walk(embedded.tree) if isinstance(node, Context)), None) if embedded.tree else None
    steps = [step for step in context.path if step not in _UNINFORMATIVE][-2:] if context is not None else []
    name = _NOT_IN_NAMES.sub("_", "_".join(steps).upper()).strip("_")[:60] or "VALUE"
    if name[0].isdigit():
        name = f"VALUE_{name}"
    if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
        name = f"{name}_VALUE"
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _replacement(code: Code, embedded: Embedded, name: str) -> tuple[int, int, str] | None:
    """Return what to replace in the code and by what; None where the language or the quotes around it forbid it."""
    start, end = embedded.start, embedded.end
    value = code.scalar.value
    if code.language in ("bash", "sh"):
        # Without quotes, like the expression: a list of words stays one.
        return (start, end, f"${{{name}}}") if _expands_in_shell(value, start) else None
    if code.language == "powershell":
        return (start, end, f"${{env:{name}}}") if _expands_in_powershell(value, start) else None
    if code.language == "javascript":
        # Only what is a whole string: elsewhere the text is read as a number or a list, which a variable is not.
        is_string = start > 0 and value[start - 1] in "'\"`" and value[end : end + 1] == value[start - 1]
        return (start - 1, end + 1, f"process.env.{name}") if is_string else None
    return None


def _expands_in_powershell(text: str, offset: int) -> bool:
    """Whether PowerShell expands a variable at this place: not within `'`, and not where the text is too clever."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return "@'" not in text and "#" not in line and line.count("'") % 2 == 0


def _expands_in_shell(text: str, offset: int) -> bool:
    """Whether a shell expands a variable at this place.

    Not so within `'`, in a comment, and where the text is too clever to tell: here-documents, substitutions in quotes.
    """
    if "<<" in text:
        return False
    state = ""
    position = 0
    while position < offset:
        character = text[position]
        if character == "\\" and state != "'":
            position += 2
            continue
        if state:
            if state == '"' and (character == "`" or text.startswith("$(", position)):
                return False
            state = "" if character == state else state
        elif character in "'\"":
            state = character
        elif character == "#" and (position == 0 or text[position - 1].isspace()):
            line_end = text.find("\n", position)
            if line_end < 0 or line_end >= offset:
                return False
            position = line_end
        elif text.startswith("${{", position):
            # The expressions before this one: their quotes are none of the shell's.
            close = text.find("}}", position)
            position = close + 1 if close > 0 else position
        position += 1
    return state != "'"


def _insertion(step: Step, variables: dict[str, str]) -> Edit | None:
    """Return the edit that adds the variables: to the step's `env:`, or as a new one before what the step runs."""
    env = step.env
    path = step.source.path
    if env is not None:
        first = env.children[0] if env.children else None
        return _before(env, first, "", variables, path)
    return _before(step.node, step.node.key("run") or step.node.key("uses"), "env:", variables, path)


def _before(mapping: Mapping, key: Node | None, heading: str, variables: dict[str, str], path: str) -> Edit | None:
    """Return the edit that puts lines before a key; None where the mapping is not written key by line."""
    if not isinstance(key, Scalar) or key.value == "<<" or not _is_block(mapping, mapping.children[0]):
        return None
    line, column = key.start.line + 1, key.start.column + 1
    text = "".join(f"{each}\n{' ' * key.start.column}" for each in _lines(heading, variables))
    return Edit(path, Region(line, column, line, column), text)


def _lines(heading: str, variables: dict[str, str]) -> Iterator[str]:
    if heading:
        yield heading
    inner = "  " if heading else ""
    for name, value in variables.items():
        yield f"{inner}{name}: {value}"


def _is_block(mapping: Mapping, first: Node) -> bool:
    """Whether a mapping is written over lines, not between braces."""
    return mapping.start.index == first.start.index
