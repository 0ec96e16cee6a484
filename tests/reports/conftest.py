"""An audit as the conductor would hand it over, with one of everything to show, and a browser to look at pages with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy, RuleChoice
from sp404audit.reports import render
from sp404audit.results import (
    Edit,
    EngineRun,
    Fix,
    Location,
    Notification,
    Region,
    Result,
    Severity,
    Snippet,
    Suppression,
)
from sp404audit.rules.registry import Rule, Verdicts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

HOSTILE_PATH = b"d\xc3\xbcr/caf\xe9 \x1b[31m#1.yml".decode("utf-8", "surrogateescape")


def non_root_user(stage: object, *, minimum_uid: int = 1000, allowed: tuple[str, ...] = ()) -> Verdicts:
    """Containers run as a non-root user.

    Whoever breaks out of a process that runs as root in the container
    is root towards the kernel and every mount.

    Fix: create a user in the final stage and switch to it with USER.

    Passes:
        FROM python:3.12-slim
        USER app

    Fails (minimum_uid=500):
        FROM python:3.12-slim
    """
    yield from ()


def pinned_uses(step: object) -> Verdicts:
    """Actions are pinned to a full commit."""
    yield from ()


def coverage_gate(repository: object) -> Verdicts:
    """A pull request that lowers test coverage cannot be merged.

    Untested code reaches production unseen.

    Fix: give the test command a minimum.
    """
    yield from ()


def make_rule(id: str, function: Callable[..., Verdicts], **more: object) -> Rule:  # noqa: A002
    settings: dict[str, object] = {
        "severity": Severity.HIGH,
        "equivalents": (),
        "cwe": (),
        "controls": (),
        "precision": "high",
        "security": True,
    }
    return Rule(id, function, **(settings | more))  # type: ignore[arg-type]


RULES = (
    make_rule("actions/pinned-uses", pinned_uses, cwe=(829,), equivalents=("zizmor:unpinned-uses",)),
    make_rule("ci/coverage-gate", coverage_gate, severity=Severity.MEDIUM, security=False, precision="medium"),
    make_rule(
        "docker/non-root-user", non_root_user, cwe=(250,), equivalents=("hadolint:DL3002", "checkov:CKV_DOCKER_3")
    ),
)

WORKFLOW = Snippet(11, ("    steps:", "      - uses: actions/checkout@v4", "      - run: make"))
DOCKERFILE = Snippet(1, ("FROM python:3.12-slim", "COPY . /app"))


def _results() -> tuple[Result, ...]:
    uses = Region(12, 15, 12, 34)
    return (
        Result(
            "actions/pinned-uses",
            "fail",
            Severity.HIGH,
            "actions/checkout@v4 may be moved to other code: pin it to a commit",
            Location(".github/workflows/main.yml", uses),
            fix=Fix("pin it", (Edit(".github/workflows/main.yml", uses, "actions/checkout@" + "1" * 40),)),
            snippet=WORKFLOW,
            fingerprint="a" * 32,
            line_hash="12ab:1",
            baseline="new",
        ),
        Result(
            "actions/pinned-uses",
            "fail",
            Severity.HIGH,
            "actions/cache@v4 may be moved to other code: pin it to a commit",
            Location(".github/workflows/main.yml", Region(13, 9, 13, 18)),
            suppression=Suppression(
                "inSource",
                "moves with the runner image",
                Location(".github/workflows/main.yml", Region(12, 1, 12, 20)),
                until="2027-01-31",
            ),
            snippet=WORKFLOW,
        ),
        Result("checkov/CKV_X_1", "fail", Severity.LOW, "Ensure it", Location("main.tf"), engine="checkov"),
        Result(
            "ci/coverage-gate",
            "fail",
            Severity.MEDIUM,
            "no step fails below a coverage",
            Location(".github/workflows/main.yml"),
            baseline="unchanged",
        ),
        Result(
            "ci/coverage-gate", "open", Severity.MEDIUM, "codecov.yml may be set elsewhere", Location("codecov.yml")
        ),
        Result(
            "docker/non-root-user",
            "fail",
            Severity.CRITICAL,
            "no USER: the image runs as root\nunless its base says otherwise",
            Location("Dockerfile", Region(1, 1, 1, 22)),
            related=(Location("compose.yml", Region(4, 5, 4, 13), "the service that runs it"),),
            also=("hadolint:DL3002",),
            snippet=DOCKERFILE,
            fingerprint="b" * 32,
            count=3,
        ),
        Result("docker/non-root-user", "pass", Severity.HIGH, "runs as app", Location("api/Dockerfile"), count=2),
        Result("docker/non-root-user", "notApplicable", Severity.HIGH, "builds no image", Location("x/Dockerfile")),
    )


@pytest.fixture
def finished_audit() -> Audit:
    """Failures, an unproven and a passed control, a suppression, a baseline, an engine's check, notifications."""
    return Audit(
        version="0.1.0",
        policy=Policy("recommended", ("recommended",), {"ci/coverage-gate": RuleChoice(severity=Severity.LOW)}),
        rules=RULES,
        results=_results(),
        notifications=(
            Notification("input/too-large", "error", "12 MiB; the limit is 10 MiB", "big.yml"),
            Notification("input/link", "note", "leads out of the tree", "link.yml"),
            Notification("yaml/syntax", "error", "bad \x1b[31m token", HOSTILE_PATH, Region(3, 1, 3, 2)),
            Notification("rule/crashed", "error", "failed", "Dockerfile", None, "docker/non-root-user"),
        ),
        files={"workflow": 1, "dockerfile": 2},
        engines=(EngineRun("native", "0.1.0"), EngineRun("checkov", missing="pip install 'sp404audit[engines]'")),
        used_baseline=True,
    )


@pytest.fixture
def clean_audit() -> Audit:
    """Nothing failed, nothing was left out."""
    passed = Result("docker/non-root-user", "pass", Severity.HIGH, "runs as app", Location("Dockerfile"))
    return Audit("0.1.0", Policy("recommended"), RULES, (passed,), (), {"dockerfile": 1}, (EngineRun("native"),))


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
    """Opens a report or a page, and fails the test at its end if the page complained or asked for anything.

    Returns:
        A function from an audit or a page, and options of the browser's context, to what the browser shows.
    """
    complaints = Complaints()
    contexts: list[BrowserContext] = []

    def open_page(shown: Audit | str, **options: Any) -> Page:
        file = tmp_path / f"report{len(contexts)}.html"
        file.write_text(shown if isinstance(shown, str) else render("html", shown), encoding="utf-8", newline="\n")
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
