"""Whether the failure of a command ends the script that it stands in with an error.

The rules are those of POSIX shells (https://pubs.opengroup.org/onlinepubs/9799919799/, `set -e`) and of bash's
`pipefail`. A step of a workflow runs under `bash -e`, a recipe line of make or a package script without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sp404audit.documents.shell.commands import Frame, ShellCommand

__all__ = ["swallowed_by"]

_TELLS = ("exit", "return", "false", "die", "fail", "abort")
_JUMPS = frozenset(_TELLS)


def swallowed_by(command: ShellCommand, siblings: Sequence[ShellCommand]) -> str:
    """Say what throws the command's failure away.

    Args:
        command: the command.
        siblings: all commands of its unit, in order.

    Returns:
        An empty text when the failure ends the script with an error, else what hides it. Where the script looks at the
        status itself, it is given the benefit of the doubt.
    """
    if command.guarded:
        return "`|| true` behind it"
    alternative = next((frame for frame in reversed(command.frames) if frame.kind == "list" and frame.partner), None)
    if alternative is not None and not alternative.partner_text.lstrip("{( ").startswith(_TELLS):
        if not _exits_within(alternative.partner, siblings):
            return f"`|| {alternative.partner_text.split()[0][:30]}` behind it" if alternative.partner_text else "`||`"
        return ""
    if alternative is not None:
        return ""
    tested = next((frame for frame in command.frames if frame.kind in ("condition", "negated")), None)
    if tested is not None:
        return (
            ""
            if _exits_within((tested.start, tested.end), siblings) or _exits_later(command, siblings)
            else "a test around it"
        )
    _, place, size = command.pipeline or (0, 0, 1)
    if place < size - 1 and "pipefail" not in command.options:
        return "the pipe behind it, without `pipefail`"
    if "errexit" in command.options and not command.errexit_ignored:
        return ""
    if _is_last(command, siblings) or _exits_later(command, siblings):
        return ""
    if "errexit" in command.options:
        return "the `&&` list that it stands in, which `set -e` does not watch"
    return "the commands behind it: the script goes on without `set -e`"


def _outermost(frames: Sequence[Frame], kinds: tuple[str, ...]) -> Frame | None:
    return next((frame for frame in frames if frame.kind in kinds), None)


def _is_last(command: ShellCommand, siblings: Sequence[ShellCommand]) -> bool:
    """Whether the statement that the command belongs to is the last one of the script."""
    statement = _outermost(command.frames, ("list", "pipeline", "subshell", "group", "payload"))
    end = statement.end if statement is not None else command.end
    return not any(other.start >= end and other.name for other in siblings)


def _exits_within(span: tuple[int, int] | None, siblings: Sequence[ShellCommand]) -> bool:
    """Whether a command in a stretch of the script ends it with an error."""
    if span is None:
        return False
    return any(
        other.name in _JUMPS and other.argv[1:2] != ("0",) for other in siblings if span[0] <= other.start < span[1]
    )


def _exits_later(command: ShellCommand, siblings: Sequence[ShellCommand]) -> bool:
    """Whether the script later ends with a status that it computed (`exit $status`) or on a condition."""
    return any(
        other.name == "exit" and other.start > command.start and (other.argv[1:2] != ("0",) and len(other.argv) > 1)
        for other in siblings
    )
