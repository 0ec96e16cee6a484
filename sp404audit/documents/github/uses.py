"""What a workflow uses: `uses:` of a step or of a job, taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from sp404audit.lazy import regex

if TYPE_CHECKING:
    from sp404audit.documents.source import Source
    from sp404audit.documents.yaml_tree import Scalar
    from sp404audit.results import Region

__all__ = ["Uses", "UsesKind"]

UsesKind = Literal["repository", "local", "docker", "expression", "invalid"]

_COMMIT = regex(r"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?")
_COMMENT = regex(r"[ \t]+#[ \t]*(.*)")


class Uses:
    """A reference to an action, a reusable workflow or an image.

    Attributes:
        text: as written.
        kind: `repository` (`owner/repo/path@ref`), `local` (`./path`, or `$/path` for the repository itself), `docker`
            (`docker://image`), `expression` (GitHub evaluates none here and refuses it) or `invalid`.
        owner, repository: in lower case, as GitHub compares them; empty unless the kind is `repository`.
        path: below the repository, or the local path without `./` or `$/`; empty for the root.
        ref: the branch, tag or commit; empty when there is none.
        is_workflow: whether a job uses it, as a reusable workflow.
    """

    kinds: ClassVar[tuple[str, ...]] = ("workflow", "action")
    __slots__ = ("_source", "is_workflow", "kind", "owner", "path", "ref", "repository", "scalar", "text")

    def __init__(self, scalar: Scalar, source: Source, *, is_workflow: bool = False) -> None:
        self.scalar = scalar
        self._source = source
        self.is_workflow = is_workflow
        self.text = scalar.value.strip()
        self.owner = self.repository = self.path = self.ref = ""
        self.kind: UsesKind = self._take_apart(self.text)

    def _take_apart(self, text: str) -> UsesKind:
        if "${{" in text:
            return "expression"
        if text.startswith("docker://"):
            return "docker"
        if text.startswith(("./", ".\\", "$/")) or text in (".", "$"):
            self.path = text[2:].replace("\\", "/").strip("/")
            return "local"
        target, _, self.ref = text.partition("@")
        # GitHub takes a backslash for a slash.
        parts = target.replace("\\", "/").split("/")
        if len(parts) < 2 or not parts[0] or not parts[1]:
            return "invalid"
        self.owner, self.repository = parts[0].lower(), parts[1].lower()
        self.path = "/".join(part for part in parts[2:] if part)
        return "repository"

    @property
    def source_path(self) -> str:
        """The file it stands in."""
        return self._source.path

    @property
    def region(self) -> Region:
        """Where the value stands."""
        return self.scalar.region

    @property
    def name(self) -> str:
        """`owner/repo`, in lower case; empty unless the kind is `repository`."""
        return f"{self.owner}/{self.repository}" if self.owner else ""

    @property
    def action(self) -> str:
        """`owner/repo/path`, in lower case: what to look up in a table of known actions."""
        return f"{self.name}/{self.path.lower()}" if self.path else self.name

    @property
    def is_commit(self) -> bool:
        """Whether the ref is a full commit hash: 40 hexadecimal digits, or 64 for SHA-256."""
        return _COMMIT.fullmatch(self.ref) is not None

    @property
    def image(self) -> str:
        """The image of `docker://image`; empty for another kind."""
        return self.text.removeprefix("docker://") if self.kind == "docker" else ""

    @property
    def comment(self) -> str:
        """The comment after the value on its line, without the `#`: where people note a commit's version."""
        match = _COMMENT.match(self._rest_of_line)
        return match.group(1).strip() if match else ""

    @property
    def ends_its_line(self) -> bool:
        """Whether nothing follows the value on its line: a comment can be added there."""
        return not self._rest_of_line.strip()

    @property
    def _rest_of_line(self) -> str:
        end = self.scalar.end
        return self._source.line(end.line + 1)[end.column :]
