"""Every link of the documentation leads somewhere, on GitHub and on the site, and every picture says what it shows."""

from __future__ import annotations

import posixpath
from pathlib import Path

import pytest

from docs.hooks import PAGES, SCHEMAS, site_place
from docs.pages import DOCS, ROOT, Link, anchors, links, pages

LINKS = [link for page in pages() for link in links(page)]


def local() -> list[Link]:
    """Links to other files and to anchors."""
    return [link for link in LINKS if "://" not in link.target]


def target_of(link: Link) -> tuple[Path, str]:
    """The file that a link leads to, and the anchor in it."""
    path, _, anchor = link.target.partition("#")
    return (link.page.parent / path).resolve() if path else link.page, anchor


@pytest.mark.parametrize("link", local(), ids=lambda link: f"{link} {link.target}")
def test_link_leads_somewhere(link: Link) -> None:
    path, anchor = target_of(link)
    assert path.is_file()
    assert path.is_relative_to(ROOT)
    assert not anchor or anchor in anchors(path)


@pytest.mark.parametrize("link", [link for link in LINKS if "://" in link.target], ids=str)
def test_other_sites_are_linked_over_https(link: Link) -> None:
    assert link.target.startswith("https://")
    assert not link.is_image, "nothing is fetched by whoever reads the page"


@pytest.mark.parametrize("link", [link for link in LINKS if link.is_image], ids=str)
def test_image_has_words(link: Link) -> None:
    assert len(link.text.split()) > 5


@pytest.mark.parametrize("link", local(), ids=lambda link: f"{link} {link.target}")
def test_the_site_has_the_target_too(link: Link) -> None:
    if not (link.page.is_relative_to(DOCS) or link.page.name in PAGES):
        return  # the README is GitHub's alone
    path, _ = target_of(link)
    place = site_place(path.relative_to(ROOT).as_posix())
    assert place, "the site has no such file: see docs/hooks.py"


def test_the_site_has_every_schema() -> None:
    assert len(SCHEMAS) == len(list((ROOT / "sp404audit").rglob("schema/*.json")))
    text = (DOCS / "schemas.md").read_text("utf-8")
    assert all(name in text for name in SCHEMAS)


def test_places() -> None:
    assert site_place("docs/rules/index.md") == "rules/index.md"
    assert site_place("CHANGELOG.md") == "changelog.md"
    assert site_place("sp404audit/reports/schema/report-1.json") == "schemas/report-1.json"
    assert site_place("fixtures/README.md") == ""
    assert posixpath.normpath(site_place("docs/index.md")) == "index.md"
