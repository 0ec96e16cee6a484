"""What tests of cross-file models need: a repository made of texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sp404audit.discovery import Reader, discover
from sp404audit.documents import loader
from sp404audit.documents.model import Repository
from sp404audit.documents.source import Source

MakeRepository = Callable[[dict[str, str]], Repository]


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """Write files and read them as an audit does, into the facts that cross-file models are made from."""

    def make(files: dict[str, str]) -> Repository:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = discover(tmp_path)
        reader = Reader(tmp_path)
        documents = [loader.load(file.kind, Source(file.path, reader.read(file.path))) for file in found.files]
        facts = [fact for document in documents for fact in document.facts()]
        return Repository({file.path: file.kind for file in found.files}, found.paths, facts)

    return make
