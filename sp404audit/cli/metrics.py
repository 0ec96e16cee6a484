"""Delivery metrics for `scan --dora`: measured from git, or read from a report that was written before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sp404audit.outcome import Audit
from sp404audit.results import Notification

if TYPE_CHECKING:
    from sp404audit.dora.figures import MetricsReport

__all__ = ["MetricsFileError", "with_metrics"]

_MAX_BYTES = 64 * 1024 * 1024


class MetricsFileError(Exception):
    """A file that holds no metrics report; the text names the way out."""


def with_metrics(finished: Audit, root: Path, file: str, **in_force: Any) -> Audit:
    """Put metrics beside the results of a scan.

    Args:
        finished: the scan; its results are named beside the figures that they bear upon.
        root: of the repository.
        file: a metrics report in JSON; empty for measuring from git.
        in_force: `policy`, `isolated` and `config`, as for the scan.

    Returns:
        The audit with metrics. When nothing can be measured, it says so and is incomplete: no target is met unseen.

    Raises:
        MetricsFileError: when the file is no metrics report.
    """
    from sp404audit.dora.influences import with_influences
    from sp404audit.dora.measure import MeasureError, measure

    if file:
        known = _read(Path(file))
        return finished.with_metrics(replace(known, figures=with_influences(known.figures, finished.results)))
    try:
        return finished.with_metrics(measure(root, findings=finished.results, **in_force))
    except MeasureError as error:
        note = Notification("metrics/not-measured", "error", str(error))
        return replace(finished, notifications=(note, *finished.notifications))


def _read(path: Path) -> MetricsReport:
    import json

    from sp404audit.reports.dora.rebuild import rebuild_metrics

    try:
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
        return rebuild_metrics(json.loads(data))
    except OSError as error:
        raise MetricsFileError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, AttributeError, RecursionError) as error:
        raise MetricsFileError(
            f"{path} is no metrics report ({error}); write one with `sp404audit dora -f json:FILE`"
        ) from None
