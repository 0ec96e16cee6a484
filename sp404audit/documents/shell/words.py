"""The words of shell commands: from the nodes of the syntax tree to pieces whose meaning is known, or is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sp404audit.documents.shell.model import Part, Word
from sp404audit.documents.shell.rows import PlacedRow, Row, read_lines, read_row
from sp404audit.documents.shell.text import MASK, View
from sp404audit.lazy import regex

if TYPE_CHECKING:
    from tree_sitter import Node

    from sp404audit.documents.source import Excerpt

__all__ = ["WordReader"]

MAX_DEFAULTS = 4
"""How deep `${A:-${B:-…}}` is followed."""

_KINDS = frozenset({
    "word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "number", "simple_expansion",
    "expansion", "command_substitution", "process_substitution", "arithmetic_expansion", "brace_expression", "regex",
    "extglob_pattern", "test_operator", "array", "special_variable_name", "variable_name", "subscript",
})  # fmt: skip
_SIMPLE_WORD = regex(rf"""(?P<plain>[A-Za-z0-9_./:=@%+,^-]+)|(?P<quoted>"[^"$`\\\r{MASK}]*"|'[^'\r{MASK}]*')""")
_SUBSTITUTES = regex(r"[$<>]\(|`")
_MASKED = regex(f"({MASK}+)")
_UNQUOTED_ESCAPE = regex(r"\\(\r?\n|[\s\S])")
_QUOTED_ESCAPE = regex(r"\\(\r?\n|[$`\"\\])")
_ANSI_ESCAPE = regex(r"\\([\s\S])")
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_EXPANSION = regex(r"\$\{([A-Za-z_]\w*|\d+|[@*#?$!-])(:?[-=?+]|%%?|##?)?", re.ASCII)
_GLOB = frozenset("*?[")


class WordReader:
    """Reads the words of one view."""

    kinds = _KINDS

    def __init__(self, excerpt: Excerpt, view: View) -> None:
        self.excerpt = excerpt
        self.view = view

    # -- words ------------------------------------------------------------------------------------------------------

    def join(self, nodes: Sequence[Node]) -> tuple[Word, ...]:
        """Return the words that the nodes make up: two with no blank between them are one word to the shell."""
        groups: list[list[Node]] = []
        for node in nodes:
            if node.start_byte == node.end_byte:
                continue
            if groups and groups[-1][-1].end_byte == node.start_byte:
                groups[-1].append(node)
            else:
                groups.append([node])
        return tuple([self.word(group) for group in groups])

    def word(self, nodes: Sequence[Node]) -> Word:
        """Return one word, made of adjacent nodes."""
        start, end = nodes[0].start_byte, nodes[-1].end_byte
        # Most words hold nothing that a shell would look at twice: no need to look at their nodes either.
        simple = _SIMPLE_WORD.fullmatch(self.view.original, start, end)
        if simple is None:
            parts = _merged([part for node in nodes for part in self.parts(node)])
        elif simple.lastgroup == "plain":
            parts = (Part("literal", simple.group()),)
        else:
            inside = simple.group()[1:-1]
            parts = (Part("literal", inside, True),) if inside else ()
        return Word(self.excerpt, *self.view.span(start, end), parts)

    def row(self, start: int, end: int) -> Row | None:
        """Return the words of a stretch that mean what they say, and stand so in the file."""
        return read_row(self.view.original[start:end]) if isinstance(self.view.places, int) else None

    def lines(self) -> list[PlacedRow] | None:
        """Return the commands of a text in which each stands on a line of its own and is such a row."""
        return read_lines(self.view.original) if isinstance(self.view.places, int) else None

    def leaves(self, node: Node) -> list[Node]:
        """Return the words and operators inside a construct such as `[[ … ]]`, in order."""
        found: list[Node] = []
        pending = [node]
        while pending:
            current = pending.pop()
            if current.type in _KINDS or (current.child_count == 0 and current is not node):
                found.append(current)
            else:
                pending += reversed(current.children)
        return found

    def substitutions(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the outermost `$(…)`, backticks and `<(…)` inside the nodes, in order."""
        found: list[Node] = []
        if not nodes or not self._may_substitute(nodes[0], nodes[-1]):
            return found
        pending = list(reversed(nodes))
        while pending:
            node = pending.pop()
            if node.type in ("command_substitution", "process_substitution"):
                found.append(node)
            elif node.named_child_count:
                pending += reversed(node.named_children)
        return found

    def _may_substitute(self, first: Node, last: Node) -> bool:
        """Whether the text from one node to another holds anything like a substitution."""
        start, end = min(first.start_byte, last.start_byte), max(first.end_byte, last.end_byte)
        return _SUBSTITUTES.search(self.view.text, start, end) is not None

    def operator(self, node: Node) -> str:
        """Return the operator of a redirection with its descriptor: `2>`, `>>`, `<<<`."""
        pieces = []
        for child in node.children:
            if child.type == "file_descriptor" or not child.is_named:
                pieces.append(self.view.text[child.start_byte : child.end_byte])
                if not child.is_named:
                    break
        return "".join(pieces)

    def target(self, node: Node) -> Word | None:
        """Return the word that a redirection goes to or comes from."""
        nodes = [child for child in node.named_children if child.type in _KINDS]
        words = self.join(nodes)
        return words[0] if words else None

    def payload(self, word: Word) -> View | None:
        """Return the text that the word hands to another shell; None when its source is no literal at all."""
        if not any(part.kind == "literal" for part in word.parts) or "$'" in word.text:
            return None
        return self.view.unquoted(self.view.back(word.start), self.view.back(word.end))

    # -- pieces -----------------------------------------------------------------------------------------------------

    def parts(self, node: Node, quoted: bool = False, depth: int = 0) -> Iterator[Part]:
        """Yield the pieces of one node."""
        kind, start, end = node.type, node.start_byte, node.end_byte
        if kind in ("string", "translated_string"):
            if kind == "translated_string":
                start += 1
                node = node.named_children[0] if node.named_children else node
            closed = end - 1 if self.view.text[end - 1 : end] == '"' and end - 1 > start else end
            children = [child for child in node.named_children if child.type != "string_content"]
            yield from self.sequence(children, start + 1, closed, True, depth)
        elif kind == "raw_string":
            yield from self.literal(start + 1, max(end - 1, start + 1), None, True)
        elif kind == "ansi_c_string":
            text = _ANSI_ESCAPE.sub(
                lambda m: _ANSI.get(m.group(1), m.group(1)), self.view.original[start + 2 : end - 1]
            )
            yield Part("literal", text, True)
        elif kind in ("concatenation", "command_name"):
            if depth > MAX_DEFAULTS * 3:
                yield Part("other", self.view.original[start:end], quoted)
            else:
                yield from self.sequence(node.named_children, start, end, quoted, depth + 1)
        elif kind == "variable_assignment":
            yield from self.declared(node, depth)
        elif kind == "simple_expansion":
            yield Part("variable", self.view.text[start + 1 : end], quoted)
        elif kind == "expansion":
            yield self.expansion(node, quoted, depth)
        elif kind == "command_substitution":
            yield Part("substitution", self.view.original[start:end], quoted)
        elif kind in ("process_substitution", "arithmetic_expansion", "array", "subscript"):
            yield Part("other", self.view.original[start:end], quoted)
        else:
            yield from self.literal(start, end, _UNQUOTED_ESCAPE, quoted)

    def sequence(self, nodes: Sequence[Node], start: int, end: int, quoted: bool, depth: int) -> Iterator[Part]:
        """Yield the pieces of the nodes between two offsets, and the literal text between them."""
        escape = _QUOTED_ESCAPE if quoted else _UNQUOTED_ESCAPE
        for node in nodes:
            if node.start_byte < start:
                continue
            yield from self.literal(start, node.start_byte, escape, quoted)
            yield from self.parts(node, quoted, depth)
            start = node.end_byte
        yield from self.literal(start, end, escape, quoted)

    def declared(self, node: Node, depth: int) -> Iterator[Part]:
        """`NAME=value` as a word of `export` and its like."""
        value = node.child_by_field_name("value")
        stop = value.start_byte if value is not None else node.end_byte
        yield Part("literal", self.view.original[node.start_byte : stop])
        if value is not None:
            yield from self.parts(value, False, depth + 1)

    def literal(self, start: int, end: int, escape: re.Pattern[str] | None, quoted: bool) -> Iterator[Part]:
        """Yield a stretch of plain text, and what something else fills in."""
        if start >= end:
            return
        text = self.view.original[start:end]
        if MASK not in text:
            yield Part("literal", _unescape(text, escape), quoted)
            return
        position = start
        for piece in _MASKED.split(text):
            if piece.startswith(MASK):
                begin, stop = self.view.span(position, position + len(piece))
                yield Part("expression", self.excerpt.text[begin:stop], quoted)
            elif piece:
                yield Part("literal", _unescape(piece, escape), quoted)
            position += len(piece)

    def expansion(self, node: Node, quoted: bool, depth: int) -> Part:
        """`${NAME}` and the operators that we know the meaning of."""
        start, end = node.start_byte, node.end_byte
        source = self.view.original[start:end]
        match = _EXPANSION.match(source)
        if match is None or depth > MAX_DEFAULTS:
            return Part("other", source, quoted)
        name, operator = match.groups()
        rest = source[match.end() : -1] if source.endswith("}") else source[match.end() :]
        if operator is None:
            return Part("other", source, quoted) if rest else Part("variable", name, quoted)
        if operator in (":-", "-", ":=", "="):
            begin, stop = start + match.end(), start + match.end() + len(rest)
            children = [child for child in node.named_children if child.start_byte >= begin]
            default = _merged(list(self.sequence(children, begin, stop, quoted, depth + 1)))
            return Part("variable", name, quoted, default, assigns=operator.endswith("="))
        if operator in (":?", "?"):
            return Part("variable", name, quoted)
        plain = rest and not _GLOB & set(rest) and "$" not in rest and "`" not in rest
        if operator[0] in "%#" and plain:
            return Part("variable", name, quoted, None, (operator, rest))
        return Part("other", source, quoted)


def _unescape(text: str, escape: re.Pattern[str] | None) -> str:
    if escape is None or "\\" not in text:
        return text
    return escape.sub(lambda match: "" if match.group(1).endswith("\n") else match.group(1), text)


def _ansi(text: str) -> str:
    return _ANSI_ESCAPE.sub(lambda match: _ANSI.get(match.group(1), match.group(1)), text)


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    """Put literals with the same quoting that follow each other together."""
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last is not None and last.kind == part.kind == "literal" and last.quoted == part.quoted:
            merged[-1] = Part("literal", last.text + part.text, part.quoted)
        else:
            merged.append(part)
    return tuple(merged)
