"""Pages to look at, and the browser to look at them with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit.outcome import Audit
from sp404audit.reports import render
from sp404audit.results import Location, Region, Result, Severity, Snippet

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PLACES_OF_A_RULE = 40


@pytest.fixture
def long_audit(finished_audit: Audit) -> Audit:
    """One of everything, and a rule that fails in more places than are shown in full."""
    snippet = Snippet(1, ("FROM python:3.12-slim", "COPY . /app", 'CMD ["python", "-m", "app"]'))
    more = tuple(
        Result(
            "ci/coverage-gate",
            "fail",
            Severity.MEDIUM,
            f"suite number {number} has no minimum",
            Location(f"services/s{number:02}/Dockerfile", Region(2, 1, 2, 5)),
            snippet=snippet,
            fingerprint=f"{number:032x}",
            baseline="new",
        )
        for number in range(PLACES_OF_A_RULE)
    )
    return dataclasses.replace(finished_audit, results=(*finished_audit.results, *more))


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium without a window. For tests marked `heavy("chromium")`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Containers have no user namespaces, which Chromium's own sandbox needs; it opens only our own pages here.
        started = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


class Complaints(list[str]):
    """What a page must not do: messages in the console, errors, requests."""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a report, and fails the test at its end if the page complained or asked for anything.

    Returns:
        A function from an audit, and options of the browser's context, to the page.
    """
    complaints = Complaints()
    contexts: list[BrowserContext] = []

    def open_page(audit: Audit, **options: Any) -> Page:
        file = tmp_path / f"report{len(contexts)}.html"
        file.write_text(render("html", audit), encoding="utf-8", newline="\n")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: complaints.append(f"request: {request.url}"))
        page.goto(file.as_uri())
        assert complaints.pop(0) == f"request: {file.as_uri()}"
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
