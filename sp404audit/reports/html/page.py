"""Puts the page together: rows from the modules beside this one, templates, style sheet and script, in one file.

The page's own Content-Security-Policy lets nothing in but its style sheet and its script, each by its hash: should an
escape ever be missed, what slips through is still neither run nor fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from sp404audit.records import NamedTuple
from sp404audit.reports.escape import visible
from sp404audit.reports.html import acceptances, controls, findings, gaps
from sp404audit.reports.html.overview import overview
from sp404audit.reports.html.rules import weakness_link
from sp404audit.reports.html.texts import Anchors, Places

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from sp404audit.outcome import Audit
    from sp404audit.reports import Options
    from sp404audit.results import Result

__all__ = ["MORE_SECTIONS", "Section", "render"]

_OPEN_UP_TO = 3
"""Up to how many groups of findings are unfolded at first: a longer list is better read as a list."""

_OTHER_LINKS = {"accepted": "accepted", "notApplicable": "not-applicable"}
"""Where more is told of controls that have no row of their own, by how they stand."""


class Section(NamedTuple):
    """A section that another part of the tool brings: shown after the overview, and named in the contents.

    `content` is made of elements already; everything in it that comes from elsewhere is escaped (`visible`, then
    markupsafe). It begins below the section's own heading, which is `title`.
    """

    anchor: str
    title: str
    content: Markup


def _metrics(audit: Audit) -> Section | None:
    """The section of delivery metrics, when the audit has them."""
    if audit.metrics is None:
        return None
    from markupsafe import Markup

    from sp404audit.reports.dora import wording
    from sp404audit.reports.html import metrics

    content = (
        _environment()
        .get_template("metrics.html")
        .render(
            intro=metrics.intro(audit.metrics),
            cards=metrics.cards(audit),
            plots=metrics.plots(audit.metrics),
            sources=[(source, wording.told(source)) for source in audit.metrics.sources],
            disagreements=audit.metrics.disagreements,
        )
    )
    return Section("metrics", "Delivery metrics", Markup(content))  # noqa: S704 (made by an environment that escapes)


MORE_SECTIONS: tuple[Callable[[Audit], Section | None], ...] = (_metrics,)
"""Who brings a further section: a function from the audit to the section, or to None where there is nothing to show."""


def render(audit: Audit, options: Options) -> str:
    """Write the report as one HTML document; the same audit gives the same bytes.

    Places are links where `options.repository_url` says at what address the files can be seen.
    """
    anchors, places = Anchors(), Places(options)
    groups = findings.grouped(audit, audit.failures, anchors, places)
    known = findings.grouped(audit, _of_baseline(audit, "unchanged"), anchors, places)
    unproven = controls.judged(audit, "open", anchors, places)
    passed = controls.judged(audit, "pass", anchors, places)
    states = controls.states(audit)
    links = {state.rule_id: _OTHER_LINKS[state.kind] for state in states if state.kind in _OTHER_LINKS}
    links |= {row.rule_id: row.anchor for rows in (passed, unproven, known, groups) for row in rows}
    summed_up = overview(audit, states)
    accepted, more_accepted = acceptances.accepted(audit, places)
    style, script = _asset("report.css"), _asset("report.js")
    if audit.metrics is not None:
        style += _asset("metrics.css")
    page = _environment().get_template("page.html")
    return page.render(
        audit=audit,
        csp=_content_security_policy(style, script),
        style=_verbatim(style),
        script=_verbatim(script),
        overview=summed_up,
        counts={figure.section: figure.value for figure in summed_up.figures}
        | {"known": sum(result.count for result in _of_baseline(audit, "unchanged"))},
        domains=controls.by_domain(states, links),
        frameworks=controls.by_framework(audit, states, links),
        sections=[section for make in MORE_SECTIONS if (section := make(audit)) is not None],
        groups=groups,
        unfold=len(groups) <= _OPEN_UP_TO,
        found_in=sorted({group.domain for group in groups}),
        known=known,
        gone=findings.lines(_of_baseline(audit, "absent"), anchors, places),
        unproven=unproven,
        passed=passed,
        not_applicable=controls.not_applicable(audit),
        accepted=accepted,
        more_accepted=more_accepted,
        judged_on=audit.today if any(row.expiry.left for row in accepted) else None,
        gaps=gaps.gaps(audit, places),
        missing=gaps.missing_engines(audit),
    )


def _of_baseline(audit: Audit, state: str) -> Sequence[Result]:
    """The failures that a baseline knew: those that are still there, or those that are gone."""
    return [
        result
        for result in audit.results
        if result.kind == "fail" and result.baseline == state and result.suppression is None
    ]


@cache
def _environment() -> Environment:
    """The templates. They print each text spelled out, then escaped; a name that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("sp404audit.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["weakness_link"] = weakness_link
    return environment


def _finalized(value: object) -> object:
    """What a template prints: elements as they are, everything else as text in which each character can be seen."""
    if hasattr(value, "__html__"):
        return value
    return visible(str(value))


@cache
def _asset(name: str) -> str:
    """A file that goes into the page as it is."""
    from importlib.resources import files

    return files("sp404audit.reports.html").joinpath(f"templates/{name}").read_text("utf-8").replace("\r\n", "\n")


def _verbatim(text: str) -> Markup:
    """A file of ours as elements: the style sheet and the script, which no escape may change."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 (ours, with no part from anywhere else)


def _content_security_policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    """What CSP Level 3 knows a style sheet or a script by: the hash of all between its tags."""
    import base64
    import hashlib

    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
