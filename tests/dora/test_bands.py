"""Bands: the whole interval is ranked, by tables that say where they are from."""

from __future__ import annotations

import pytest

from sp404audit.dora.bands import NO_BANDS, band, tables
from sp404audit.dora.figures import Interval

HOUR, DAY = 3600.0, 86_400.0


def test_an_interval_over_several_classes_tells_them_all() -> None:
    found = band("lead_time", 2 * DAY, Interval(HOUR, 8 * DAY, ""), "dora-2024", "high")
    assert found is not None
    assert found.classes == ("less than one day", "one day to one week", "one week to one month")
    assert found.clusters == ("elite", "high", "medium")


@pytest.mark.parametrize("confidence", ["low", "none"])
def test_what_was_only_inferred_is_not_ranked(confidence: str) -> None:
    assert band("lead_time", DAY, None, "dora-2024", confidence) is None  # type: ignore[arg-type]


def test_no_evidence_is_not_the_best_band() -> None:
    assert band("lead_time", None, None, "dora-2024", "high") is None


def test_a_rate_is_put_beside_the_clusters_and_into_none_of_them() -> None:
    found = band("change_failure_rate", 0.15, None, "dora-2024", "high")
    assert found is not None
    assert found.clusters == ("elite 5 %", "high 20 %", "medium 10 %", "low 40 %")


def test_only_a_derived_table_ranks_a_rate() -> None:
    found = band("change_failure_rate", 0.05, Interval(0.01, 0.12, ""), "dora-2023-monotone", "high")
    assert found is not None
    assert found.clusters == ("elite", "high", "medium")
    assert "no publication" in found.source


def test_bands_can_be_off() -> None:
    found = band("deployment_frequency", 7.0, None, NO_BANDS, "medium")
    assert found is not None
    assert (found.classes, found.clusters) == (("once a day or more often",), ())
    assert band("change_failure_rate", 0.1, None, NO_BANDS, "high") is None


@pytest.mark.parametrize("table", tables())
@pytest.mark.parametrize("metric", ["lead_time", "recovery_time", "deployment_frequency"])
def test_every_table_has_a_source_and_only_known_classes(table: str, metric: str) -> None:
    for value in (0.0, 0.1, 1.0, 3.0, 7.0, HOUR, DAY, 10 * DAY, 100 * DAY, 1000 * DAY):
        found = band(metric, value, None, table, "high")
        assert found is not None
        assert len(found.classes) == 1
        assert found.source
