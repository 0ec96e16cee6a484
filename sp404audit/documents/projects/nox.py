"""The sessions of a noxfile as tasks, read as a syntax tree; the file is never imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import task_facts
from sp404audit.documents.source import DocumentError

if TYPE_CHECKING:
    import ast

__all__ = ["nox_facts"]

_LARGEST = 1 << 18
_RUNNERS = frozenset({"run", "run_always", "run_install"})


def nox_facts(document: Document) -> Iterator[Fact]:
    """Yield a task for each session of a noxfile.

    Raises:
        DocumentError: when the file is no Python.
    """
    import ast
    import shlex
    import warnings

    source = document.source
    if len(source.text) > _LARGEST:
        raise DocumentError("input/too-large", f"a noxfile of more than {_LARGEST >> 10} kB is not read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise DocumentError("python/syntax", "not valid Python") from None
    listed = _default_sessions(tree)
    for function in tree.body:
        decorator = _session_decorator(function)
        if decorator is None or not isinstance(function, ast.FunctionDef):
            continue
        name = _keyword_text(decorator, "name") or function.name
        default = name in listed if listed is not None else _is_default(decorator)
        lines = []
        for node in ast.walk(function):
            words = _session_run(node)
            if words is not None and isinstance(node, ast.Call):
                text = shlex.join(words) + (" || true" if _tolerates_failure(node) else "")
                lines.append((node.lineno, text, source.line_region(node.lineno)))
        lines.sort(key=lambda line: line[0])
        needs = _keyword_texts(decorator, "requires") + tuple(_notified(function))
        region = source.line_region(function.lineno)
        yield from task_facts(document, "nox", name, region, [line[1:] for line in lines], needs, default=default)


def _session_decorator(function: ast.stmt) -> ast.expr | None:
    """The `@nox.session` or `@nox_poetry.session(…)` of a function."""
    import ast

    if not isinstance(function, ast.FunctionDef):
        return None
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name in ("session", "nox_session"):
            return decorator
    return None


def _session_run(node: ast.AST) -> list[str] | None:
    """The literal words of `session.run("pytest", "-q")`; an argument that is computed becomes `_`."""
    import ast

    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _RUNNERS):
        return None
    words = [
        argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else "_"
        for argument in node.args
        if not isinstance(argument, ast.Starred)
    ]
    return words if words and words[0] != "_" else None


def _notified(function: ast.FunctionDef) -> Iterator[str]:
    """The sessions that this one asks for: `session.notify("coverage")`."""
    import ast

    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "notify":
            yield from _literal_texts(node.args[0]) if node.args else ()


def _tolerates_failure(call: ast.Call) -> bool:
    """Whether `success_codes` lets the run go on after a failure."""
    import ast

    for keyword in call.keywords:
        if keyword.arg == "success_codes" and isinstance(keyword.value, ast.List | ast.Tuple):
            codes = [item.value for item in keyword.value.elts if isinstance(item, ast.Constant)]
            return any(code != 0 for code in codes)
    return False


def _keyword_text(decorator: ast.expr, name: str) -> str:
    import ast

    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == name and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            return keyword.value.value
    return ""


def _keyword_texts(decorator: ast.expr, name: str) -> tuple[str, ...]:
    import ast

    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == name:
            return _literal_texts(keyword.value)
    return ()


def _is_default(decorator: ast.expr) -> bool:
    import ast

    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        if keyword.arg == "default" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value is not False
    return True


def _default_sessions(tree: ast.Module) -> tuple[str, ...] | None:
    """`nox.options.sessions = ["tests"]`: what runs when nox is given no name; None when all do."""
    import ast

    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
            target = statement.targets[0]
            holder = target.value
            if target.attr == "sessions" and isinstance(holder, ast.Attribute) and holder.attr == "options":
                return _literal_texts(statement.value)
    return None


def _literal_texts(node: ast.expr) -> tuple[str, ...]:
    import ast

    items = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
    return tuple(item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str))
