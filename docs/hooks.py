"""What the site holds beside the files of this folder: mkdocs calls these functions while it builds.

The schemas come from the package, where the code that is held to them reads them, and some pages from the top of the
repository, where GitHub looks for them. In the source, pages link to both where they lie, so that a link works on
GitHub as well; here it is turned to where the site has them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
SCHEMAS = {path.name: path for path in sorted((ROOT / "sp404audit").rglob("schema/*.json"))}
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security-policy.md"}

_LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the schemas, and the pages from the top of the repository."""
    from mkdocs.structure.files import File

    for name, path in SCHEMAS.items():
        files.append(File.generated(config, f"schemas/{name}", abs_src_path=str(path)))
    for name, page in PAGES.items():
        if (ROOT / name).is_file():
            files.append(File.generated(config, page, content=(ROOT / name).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links that leave the folder of the documentation to where the site has their targets."""
    uri = page.file.src_uri
    source = {page: name for name, page in PAGES.items()}.get(uri, f"docs/{uri}")
    up = "../" * uri.count("/")

    def turned(match: re.Match[str]) -> str:
        place = site_place(posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1])))
        return f"]({up}{place}{match[2] or ''})" if place else match[0]

    return _LINK.sub(turned, markdown)


def site_place(path: str) -> str:
    """Where the site has a file of the repository; empty when it has it not."""
    name = posixpath.basename(path)
    if name in SCHEMAS and ROOT / path == SCHEMAS[name]:
        return f"schemas/{name}"
    return PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else "")
