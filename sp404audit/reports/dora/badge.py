"""Badges: what shields.io's endpoint reads (https://shields.io/badges/endpoint-badge), one for each figure.

A badge shows a value and whether the target is met; never a level alone, and grey where the evidence does not decide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sp404audit.reports.dora import wording

if TYPE_CHECKING:
    from sp404audit.dora.figures import Figure, MetricsReport

__all__ = ["render", "render_all"]

_COLORS = {"pass": "brightgreen", "fail": "red", "not proven": "lightgrey", "no target": "blue"}


def render(report: MetricsReport) -> str:
    """One badge for the targets together: how many are met."""
    asked = [figure for figure in report.figures if figure.target is not None]
    met = sum(figure.verdict == "pass" for figure in asked)
    if any(figure.verdict == "fail" for figure in asked):
        color = _COLORS["fail"]
    else:
        color = _COLORS["pass" if asked and met == len(asked) else "not proven"]
    return _badge("delivery targets", f"{met} of {len(asked)} met" if asked else "none set", color)


def render_all(report: MetricsReport) -> dict[str, str]:
    """A file for each figure, and `targets.json` for them together."""
    return {
        "targets.json": render(report),
        **{f"{figure.metric}.json": _figure(figure) for figure in report.figures},
    }


def _figure(figure: Figure) -> str:
    if figure.value is None and wording.bounds(figure) is None:
        return _badge(figure.title.lower(), wording.NO_EVIDENCE, _COLORS["not proven"])
    return _badge(figure.title.lower(), wording.headline(figure), _COLORS[figure.verdict])


def _badge(label: str, message: str, color: str) -> str:
    return json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": color}, indent=1) + "\n"
