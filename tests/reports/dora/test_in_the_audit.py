"""The metrics beside the controls, in the summary of a run."""

from __future__ import annotations

from sp404audit.dora.figures import MetricsReport
from sp404audit.outcome import Audit
from sp404audit.policy.model import Policy
from sp404audit.reports import render


def test_the_summary_of_a_run_has_the_figures(finished: MetricsReport) -> None:
    audit = Audit("1", Policy("recommended"), (), (), (), {}).with_metrics(finished)
    text = render("markdown", audit)
    head, _, metrics = text.partition("#### Delivery metrics\n\n")
    assert head.startswith("### ")
    assert metrics.startswith("| Metric | Value |")
    assert all(figure.title.split()[0] in metrics for figure in finished.figures)
    assert render("markdown", Audit("1", Policy("recommended"), (), (), (), {})).count("Delivery metrics") == 0
