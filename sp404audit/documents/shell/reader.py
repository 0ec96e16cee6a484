"""From the syntax tree of a stretch of shell to its commands, one pass, without recursion on what the input nests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from sp404audit.documents.shell import heredocs as shell_heredocs
from sp404audit.documents.shell.constructs import surroundings
from sp404audit.documents.shell.grammar import parse_tree
from sp404audit.documents.shell.model import (
    Assignment,
    Command,
    Frame,
    Redirect,
    Setting,
    Shell,
    Word,
)
from sp404audit.documents.shell.options import SETTERS, options_set_by
from sp404audit.documents.shell.rows import Row
from sp404audit.documents.shell.text import View
from sp404audit.documents.shell.words import WordReader
from sp404audit.documents.shell.wrappers import CARRIERS, carried, command_index, is_wrapper
from sp404audit.documents.source import Problem
from sp404audit.lazy import regex
from sp404audit.records import NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["read"]

MAX_FRAMES = 128
MAX_PAYLOADS = 2
"""How many shells in shells are read: `ssh host "sudo bash -c '…'"` is two."""
MAX_PIPES = 500
"""Members of one pipeline; the time to parse one grows with the square of their number."""
MAX_SETTINGS = 200
"""How often a script may switch its options before we stop following."""

_FILLERS = frozenset({"read", "mapfile", "readarray", "getopts"})
_STATEMENT_END = regex(r"(?<![|\\])\n|;")
_IDENTIFIER = regex(r"[A-Za-z_]\w*\Z", re.ASCII)


class _Task(NamedTuple):
    node: Node
    frames: tuple[Frame, ...]
    redirects: tuple[Node, ...] = ()


def read(shell: Shell, view: View, frames: tuple[Frame, ...] = (), payloads: int = 0) -> None:
    """Add the commands in `view` to `shell`, those of the shells that it starts included.

    Args:
        shell: takes the commands, assignments and problems.
        view: the text.
        frames: the constructs around the text.
        payloads: how many shells started one another on the way to this text.
    """
    _Reader(shell, view, payloads).run(frames)


class _Reader:
    def __init__(self, shell: Shell, view: View, payloads: int) -> None:
        self.shell = shell
        self.view = view
        self.payloads = payloads
        self.words = WordReader(shell.excerpt, view)
        self.commands: list[Command] = []
        self.tasks: list[_Task] = []
        self.too_deep = False

    def run(self, frames: tuple[Frame, ...]) -> None:
        """Read the whole text."""
        lines = self.words.lines() if len(frames) <= MAX_FRAMES else None
        if lines is None:
            self.parse(frames)
        else:
            for row, start, end in lines:
                self.plain(row, self.view.span(start, end), frames)
            self.close(frames)

    def parse(self, frames: tuple[Frame, ...]) -> None:
        """Let the grammar find the commands."""
        heredocs = shell_heredocs.scan(self.view.text)[0] if "<<" in self.view.text else []
        text = shell_heredocs.blank(self.view.text, heredocs) if heredocs else self.view.text
        if text.count("|") > MAX_PIPES and max(piece.count("|") for piece in _STATEMENT_END.split(text)) > MAX_PIPES:
            self.problem("shell/too-deep", f"a pipeline has more than {MAX_PIPES} members; the text was not audited")
            return
        tree, late = parse_tree(text)
        if late:
            self.problem("parser/timeout", "the shell text takes too long to parse; its end was not audited")
        self.tasks.append(_Task(tree.root_node, frames))
        while self.tasks:
            self.visit(self.tasks.pop())
        self.close(frames, [(heredoc, text) for heredoc in heredocs])

    def close(self, frames: tuple[Frame, ...], heredocs: Sequence[tuple[shell_heredocs.Heredoc, str]] = ()) -> None:
        """Look at what the commands that were found change or start."""
        if self.payloads > MAX_PAYLOADS:
            self.commands = [command for command in self.commands if len(command.frames) > len(frames)]
        self.commands.sort(key=attrgetter("start"))
        self.shell.commands += self.commands
        for heredoc, text in heredocs:
            self.heredoc(heredoc, text, frames)
        for command in self.commands:
            name = command.name
            if name in SETTERS:
                self.settings(command)
            elif name in CARRIERS:
                self.start(command)

    def problem(self, id: str, message: str) -> None:  # noqa: A002
        if all(problem.id != id for problem in self.shell.problems):
            region = self.shell.excerpt.region(self.view.at(0), self.view.at(0))
            self.shell.problems.append(Problem(id, message, region))

    # -- the tree ---------------------------------------------------------------------------------------------------

    def span(self, node: Node) -> tuple[int, int]:
        return self.view.span(node.start_byte, node.end_byte)

    def push(self, nodes: Sequence[Node], frames: tuple[Frame, ...], redirects: tuple[Node, ...] = ()) -> None:
        if len(frames) > MAX_FRAMES:
            if not self.too_deep:
                self.too_deep = True
                self.problem(
                    "shell/too-deep", f"constructs nest deeper than {MAX_FRAMES}; what is inside was not audited"
                )
            return
        self.tasks += [_Task(node, frames, redirects if node is nodes[-1] else ()) for node in reversed(nodes)]

    def visit(self, task: _Task) -> None:
        handler = _HANDLERS.get(task.node.type)
        if handler is not None:
            handler(self, task)
        elif task.node.type in self.words.kinds:
            self.expansions([task.node], task.frames)
        else:
            self.push(task.node.named_children, task.frames)

    def framed(self, task: _Task, kind: str, name: str = "") -> tuple[Frame, ...]:
        return (*task.frames, Frame(kind, *self.span(task.node), name))

    def expansions(self, nodes: Sequence[Node], frames: tuple[Frame, ...]) -> None:
        """Queue what runs inside words: `$(…)`, backticks, `<(…)`."""
        for found in self.words.substitutions(nodes):
            kind = "process" if found.type == "process_substitution" else "substitution"
            inner = (*frames, Frame(kind, *self.span(found)))
            self.push(found.named_children, inner)

    def simple(self, task: _Task) -> None:
        """A simple command, with its assignments and redirections."""
        node = task.node
        row = None if node.has_error else self.words.row(node.start_byte, node.end_byte)
        if row is not None:
            self.plain(row, self.span(node), task.frames, task.redirects)
            return
        words, assignments, redirects, loose = [], [], list(task.redirects), []
        for child in task.node.named_children:
            if child.type == "variable_assignment":
                assignments.append(child)
            elif child.type in ("file_redirect", "herestring_redirect"):
                redirects.append(child)
            elif child.type in self.words.kinds or child.type == "command_name":
                words.append(child)
            else:
                loose.append(child)
        self.emit(task, self.words.join(words), assignments, redirects)
        self.push(loose, task.frames)

    def plain(self, row: Row, span: tuple[int, int], frames: tuple[Frame, ...], redirects: Sequence[Node] = ()) -> None:
        """Note a command whose words mean what they say. It ends where the last of them does."""
        command = Command(self.shell.excerpt, row, span, frames)
        if is_wrapper(command.name):
            command.first, command.wrappers = command_index(command.words)
        if redirects:
            self.redirect(command, redirects)
            self.expansions(redirects, frames)
        self.add(command)

    def emit(
        self, task: _Task, words: tuple[Word, ...], assignments: Sequence[Node] = (), redirects: Sequence[Node] = ()
    ) -> Command:
        given = tuple([one for node in assignments for one in self.assignment(node, task.frames, prefix=bool(words))])
        command = Command(self.shell.excerpt, words, self.span(task.node), task.frames, given)
        if words and redirects:
            command.end = max(command.start, words[-1].end)
        command.first, command.wrappers = command_index(words)
        self.redirect(command, redirects)
        self.expansions([*task.node.named_children, *task.redirects], task.frames)
        self.add(command)
        self.defaults(words)
        return command

    def add(self, command: Command) -> None:
        self.commands.append(command)
        if command.name in _FILLERS:
            self.filled([word.value for word in command.arguments], command)

    def redirect(self, command: Command, nodes: Sequence[Node]) -> None:
        for node in nodes:
            target = self.words.target(node)
            operator = self.words.operator(node)
            command.redirects += (Redirect(operator, target),)
            command.extent = max(command.extent, self.view.at(node.end_byte))

    def declaration(self, task: _Task) -> None:
        """`export`, `local`, `declare`, `readonly`."""
        children = task.node.children
        words = self.words.join(children)
        nodes = [child for child in children if child.type == "variable_assignment"]
        command = self.emit(task, words, (), task.redirects)
        for node in nodes:
            command.assignments += tuple(self.assignment(node, task.frames))

    def bare(self, task: _Task) -> None:
        """`[[ … ]]`, `unset`: the words in it, wherever they stand."""
        leaves = self.words.leaves(task.node)
        self.emit(task, self.words.join(leaves), (), task.redirects)

    def assign(self, task: _Task) -> None:
        nodes = [task.node] if task.node.type == "variable_assignment" else task.node.named_children
        for node in nodes:
            if node.type == "variable_assignment":
                self.assignment(node, task.frames)
        self.expansions([*nodes, *task.redirects], task.frames)

    def assignment(self, node: Node, frames: tuple[Frame, ...], *, prefix: bool = False) -> list[Assignment]:
        name_node, value_node = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name_node is None:
            return []
        start, end = self.span(node)
        name = self.view.text[name_node.start_byte : name_node.end_byte]
        operator = self.view.text[name_node.end_byte : name_node.end_byte + 1]
        value: Word | None = None
        if name_node.type == "variable_name" and operator == "=":
            if value_node is None or value_node.start_byte == value_node.end_byte:  # the latter in `x=|cat`
                value = Word(self.shell.excerpt, end, end, ())
            elif value_node.type != "array":
                value = self.words.join([value_node])[0]
        around = surroundings(frames)
        made = Assignment(name.partition("[")[0], value, start, end, not around.conditional, prefix, around.function)
        self.shell.assignments.append(made)
        if value is not None:
            self.defaults((value,))
        return [made]

    def filled(self, names: Sequence[str | None], command: Command) -> None:
        """Note the variables that `read` and the like fill with something unknown."""
        for name in names:
            if name is not None and _IDENTIFIER.match(name):
                self.shell.assignments.append(
                    Assignment(name, None, command.start, command.end, function=command.function)
                )

    def defaults(self, words: tuple[Word, ...]) -> None:
        """Note `${NAME:=word}`, which assigns."""
        for word in words:
            if "=" in word.text and "${" in word.text:
                for part in word.parts:
                    if part.assigns:
                        value = Word(self.shell.excerpt, word.start, word.end, (part,))
                        self.shell.assignments.append(Assignment(part.text, value, word.start, word.end))

    # -- constructs -------------------------------------------------------------------------------------------------

    def redirected(self, task: _Task) -> None:
        body = task.node.child_by_field_name("body")
        redirects = tuple([child for child in task.node.named_children if child.type.endswith("_redirect")])
        if body is None:
            command = Command(self.shell.excerpt, (), self.span(task.node), task.frames)
            self.redirect(command, redirects)
            self.commands.append(command)
            self.expansions(redirects, task.frames)
        elif body.type in ("command", "list", "pipeline", "test_command", "declaration_command", "negated_command"):
            self.push([body], task.frames, (*redirects, *task.redirects))
        else:
            self.expansions(redirects, task.frames)
            self.push([body], task.frames)

    def and_or(self, task: _Task) -> None:
        """`a && b || c`: one frame a member, however long the chain."""
        members, operators = self.chain(task)
        span = self.span(task.node)
        partner: tuple[int, int] | None = None
        said = ""
        for index in range(len(members) - 1, -1, -1):
            member, redirects = members[index]
            following = operators[index] if index < len(operators) else ""
            if following == "||":
                alternative = members[index + 1][0]
                partner = self.span(alternative)
                said = self.view.text[alternative.start_byte : alternative.end_byte][:200]
            frame = Frame("list", *span, following, index, len(members), partner, said)
            self.push([member], (*task.frames, frame), redirects)

    @staticmethod
    def chain(task: _Task) -> tuple[list[tuple[Node, tuple[Node, ...]]], list[str]]:
        """Unfold a list, which leans to the left, into members (with redirections) and the operators between them."""
        members: list[tuple[Node, tuple[Node, ...]]] = []
        operators: list[str] = []
        node, redirects = task.node, task.redirects
        while node.type == "list" and node.child_count >= 3:
            members.append((node.children[-1], redirects))
            operators.append(node.children[1].type)
            node, redirects = node.children[0], ()
            body = node.child_by_field_name("body") if node.type == "redirected_statement" else None
            if body is not None and body.type == "list":
                redirects = tuple([child for child in node.named_children if child.type.endswith("_redirect")])
                node = body
        members.append((node, redirects))
        return members[::-1], operators[::-1]

    def pipeline(self, task: _Task) -> None:
        members = task.node.named_children
        span = self.span(task.node)
        frames = task.frames
        if members and members[0].type == "negated_command":
            frames = (*frames, Frame("negated", *span))
        for index in range(len(members) - 1, -1, -1):
            frame = Frame("pipeline", *span, "", index, len(members))
            self.push([members[index]], (*frames, frame), task.redirects if index == len(members) - 1 else ())

    def negated(self, task: _Task) -> None:
        self.push(task.node.named_children, self.framed(task, "negated"), task.redirects)

    def branching(self, task: _Task) -> None:
        """`if`, `elif` and `else` share the span of the whole statement: what is tested, and what then runs."""
        span, base = self.span(task.node), task.frames
        if task.node.type != "if_statement" and base and base[-1].kind == "branch":
            span, base = (base[-1].start, base[-1].end), base[:-1]
        kind, name = "condition", "if"
        queued = []
        for child in task.node.children:
            if child.type in ("if", "elif"):
                name = child.type
            elif child.type == "then":
                kind = "branch"
            elif child.type == "else":
                kind, name = "branch", "else"
            elif child.is_named:
                queued.append((child, (*base, Frame(kind, *span, name))))
        self.push_each(queued)

    def loop(self, task: _Task) -> None:
        span = self.span(task.node)
        name = task.node.children[0].type if task.node.children else "for"
        queued = []
        for child in task.node.named_children:
            if child.type in ("do_group", "compound_statement"):
                queued.append((child, (*task.frames, Frame("loop", *span, name))))
            elif child.type in self.words.kinds and child.type != "variable_name":
                self.expansions([child], task.frames)
            elif child.type != "variable_name":
                queued.append((child, (*task.frames, Frame("condition", *span, name))))
        variable = task.node.child_by_field_name("variable")
        if variable is not None:
            filled = self.view.text[variable.start_byte : variable.end_byte]
            self.shell.assignments.append(
                Assignment(filled, None, *self.span(variable), function=surroundings(task.frames).function)
            )
        self.push_each(queued)

    def push_each(self, queued: Sequence[tuple[Node, tuple[Frame, ...]]]) -> None:
        for node, frames in reversed(queued):
            self.push([node], frames)

    def define(self, task: _Task) -> None:
        name_node = task.node.child_by_field_name("name")
        name = self.view.text[name_node.start_byte : name_node.end_byte] if name_node is not None else ""
        rest = [child for child in task.node.named_children if child != name_node]
        self.push(rest, self.framed(task, "function", name))

    def subshell(self, task: _Task) -> None:
        self.push(task.node.named_children, self.framed(task, "subshell"))

    def group(self, task: _Task) -> None:
        self.push(task.node.named_children, self.framed(task, "group"))

    def case(self, task: _Task) -> None:
        self.push(task.node.named_children, self.framed(task, "case"))

    def substitution(self, task: _Task) -> None:
        kind = "process" if task.node.type == "process_substitution" else "substitution"
        self.push(task.node.named_children, self.framed(task, kind))

    # -- what the tree does not tell ----------------------------------------------------------------------------------

    def heredoc(self, heredoc: shell_heredocs.Heredoc, text: str, frames: tuple[Frame, ...]) -> None:
        """Give a here-document to the command that reads it, and read what runs in its text."""
        owner = self.owner(heredoc.start, text)
        body = self.view.text[heredoc.body_start : heredoc.body_end]
        start = self.view.at(heredoc.body_start)
        if owner is not None:
            owner.redirects += (Redirect("<<", None, body, heredoc.quoted, start),)
            owner.extent = max(owner.extent, self.view.at(heredoc.end))
            frames = owner.frames
        if not heredoc.quoted and ("$(" in body or "`" in body) and self.payloads <= MAX_PAYLOADS:
            read(self.shell, self.view.commands_only(heredoc.body_start, heredoc.body_end), frames, MAX_PAYLOADS + 1)

    def owner(self, operator: int, text: str) -> Command | None:
        place = self.view.at(operator)
        tried = 0
        for command in reversed(self.commands):
            if command.start > place:
                continue
            tried += 1
            if tried > 50:
                return None
            gap = text[self.view.back(command.extent) : operator]
            if command.extent >= place or not gap.replace("\\\n", "").strip(" \t"):
                return command
        return None

    def settings(self, command: Command) -> None:
        """Note what `set` and `shopt` switch on and off, and for how long it holds."""
        if len(self.shell.settings) >= MAX_SETTINGS:
            return
        until = len(self.shell.excerpt.text) + 1
        scope = command.frame("subshell", "substitution", "process", "payload")
        if scope is not None:
            until = scope.end
        for on, option in options_set_by(command):
            self.shell.settings.append(Setting(command.start, option, on, until))

    def start(self, command: Command) -> None:
        """Read what the command starts elsewhere: another shell's text, or a command of its own."""
        name = command.name
        found = carried(name, command.words, command.first) if name in CARRIERS else None
        if found is None or self.payloads >= MAX_PAYLOADS:
            return
        frames = (*command.frames, Frame("payload", command.start, max(command.end, command.extent), found.name))
        for option in found.options:
            self.shell.settings.append(Setting(command.start, option, True, command.end))
        if found.first is not None:
            self.carry(command, found.first, frames)
        elif found.script is not None:
            view = self.words.payload(command.words[found.script])
            if view is not None:
                read(self.shell, view, frames, self.payloads + 1)
        if found.stdin:
            for redirect in command.redirects:
                if redirect.body is not None:
                    begin = self.view.back(redirect.body_start)
                    read(self.shell, self.view.part(begin, begin + len(redirect.body)), frames, self.payloads + 1)

    def carry(self, outer: Command, first: int, frames: tuple[Frame, ...]) -> None:
        words = outer.words[first:]
        if not words:
            return
        inner = Command(self.shell.excerpt, words, (words[0].start, outer.end), frames)
        inner.first, inner.wrappers = command_index(words)
        inner.redirects = outer.redirects
        self.shell.commands.append(inner)
        found = carried(inner.name, words, inner.first) if inner.name in CARRIERS else None
        if found is not None and found.first is None:
            reader = _Reader(self.shell, self.view, self.payloads)
            reader.start(inner)


_HANDLERS = {
    "command": _Reader.simple,
    "declaration_command": _Reader.declaration,
    "test_command": _Reader.bare,
    "unset_command": _Reader.bare,
    "variable_assignment": _Reader.assign,
    "variable_assignments": _Reader.assign,
    "redirected_statement": _Reader.redirected,
    "list": _Reader.and_or,
    "pipeline": _Reader.pipeline,
    "negated_command": _Reader.negated,
    "if_statement": _Reader.branching,
    "elif_clause": _Reader.branching,
    "else_clause": _Reader.branching,
    "while_statement": _Reader.loop,
    "for_statement": _Reader.loop,
    "c_style_for_statement": _Reader.loop,
    "function_definition": _Reader.define,
    "subshell": _Reader.subshell,
    "compound_statement": _Reader.group,
    "case_statement": _Reader.case,
    "command_substitution": _Reader.substitution,
    "process_substitution": _Reader.substitution,
}
