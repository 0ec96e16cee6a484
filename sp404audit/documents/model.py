"""What every document has in common, and the repository as the sum of what its documents say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from sp404audit.documents.source import Problem, Source

if TYPE_CHECKING:
    from sp404audit.results import Location

__all__ = ["Document", "Fact", "Repository"]

Fact = tuple[Any, ...]
"""A fact is a NamedTuple of plain, immutable values: it outlives the document that it was read from."""

F = TypeVar("F", bound=Fact)
T = TypeVar("T")


class Document:
    """One file, parsed once. Dropped when its own rules have run; its facts remain."""

    kinds: ClassVar[tuple[str, ...]] = ()
    """The kinds of file (`discovery.Kind`) that this subject is read from."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    @property
    def is_partial(self) -> bool:
        """Whether a part of the file could not be judged, so that what rests on it is not proven."""
        return any(problem.level == "error" for problem in self.problems)

    def subjects(self) -> Iterator[object]:
        """Yield every part that a rule may judge, the document itself first."""
        yield self

    def facts(self) -> Iterator[Fact]:
        """Yield what cross-file rules need to know of this document."""
        return iter(())

    def release(self) -> None:
        """Let go of parts that refer back to the document, once nobody needs it: memory is then free at once.

        Without this, whole documents wait for the collector of cycles, which costs more than to parse them.
        """


class Repository:
    """The whole repository, as a subject: the paths in it and the facts that its documents yielded.

    Args:
        kinds: the kind of each audited file, by path.
        paths: every path in the tree, audited or not (files only).
        facts: what the documents yielded, in the order of their paths.
        unread: audited files that could not be read, with where and why.
    """

    kinds: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        file_kinds: Mapping[str, str],
        paths: Iterable[str],
        facts: Iterable[Fact] = (),
        unread: Iterable[Location] = (),
    ) -> None:
        self.file_kinds = file_kinds
        self.paths = frozenset(paths)
        self.unread = tuple(unread)
        by_type: dict[type[Fact], list[Fact]] = {}
        for fact in facts:
            by_type.setdefault(type(fact), []).append(fact)
        self._facts = {kind: tuple(found) for kind, found in by_type.items()}
        self._derived: dict[Callable[[Repository], object], object] = {}
        self._folders: frozenset[str] | None = None

    def facts(self, kind: type[F]) -> tuple[F, ...]:
        """Return the facts of one type, in the order of their files."""
        return cast("tuple[F, ...]", self._facts.get(kind, ()))

    def files(self, *kinds: str) -> list[str]:
        """Return the paths of the audited files of these kinds, sorted."""
        return sorted(path for path, kind in self.file_kinds.items() if kind in kinds)

    def exists(self, path: str) -> bool:
        """Tell whether the tree holds this file or folder (a path relative to the root, `/` between its parts)."""
        return path in self.paths or path.rstrip("/") in self.folders

    @property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file, the root being the empty string."""
        if self._folders is None:
            found = {""}
            for path in self.paths:
                while "/" in path:
                    path = path.rpartition("/")[0]
                    if path in found:
                        break
                    found.add(path)
            self._folders = frozenset(found)
        return self._folders

    def derived(self, function: Callable[[Repository], T]) -> T:
        """Return `function(self)`, computed once: how a compose project or a Terraform module is put together."""
        if function not in self._derived:
            self._derived[function] = function(self)
        return cast("T", self._derived[function])
