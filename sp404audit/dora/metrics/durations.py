"""What the times of failures and incidents share: durations of which some are not over yet.

The mean is of those that ended; the median takes the others into account (Kaplan and Meier), for the longest are the
ones that last on. Spans are in whole seconds: nothing is cut to hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from sp404audit.dora.figures import Counted, Interval
from sp404audit.dora.metrics.assembly import ends
from sp404audit.dora.statistics import (
    LEAST_FOR_INTERVAL,
    bootstrap_mean,
    kaplan_meier_median,
    mean,
    median,
    order_statistic,
    quantile,
)
from sp404audit.dora.wording import plural, span
from sp404audit.records import NamedTuple

__all__ = ["Spell", "Spells"]


_QUANTILES = {"median_seconds": 0.5, "p75_seconds": 0.75, "p90_seconds": 0.9}


class Spell(NamedTuple):
    """One stretch of time that something lasted.

    Attributes:
        seconds: how long it lasted, or has lasted so far when it `is_open`; negative when its times contradict.
    """

    event: str
    at: int
    seconds: int
    is_open: bool
    rule: str
    source: str = ""
    url: str = ""

    @property
    def evidence(self) -> Counted:
        """Its line behind the figure."""
        if self.seconds < 0:
            return Counted(self.event, self.at, None, False, "ends before it begins", self.source, self.url)
        rule = f"{self.rule}; not over: at least {span(self.seconds)}" if self.is_open else self.rule
        return Counted(self.event, self.at, float(self.seconds), True, rule, self.source, self.url)


class Spells:
    """The numbers of a list of spells."""

    def __init__(self, spells: Sequence[Spell]) -> None:
        self.all = sorted(spells, key=lambda each: (each.at, each.event))
        self.ended = sorted(each.seconds for each in spells if not each.is_open and each.seconds >= 0)
        self.open = sorted(each.seconds for each in spells if each.is_open and each.seconds >= 0)
        self.negative = len(spells) - len(self.ended) - len(self.open)
        self.n = len(self.ended) + len(self.open)

    @property
    def median(self) -> float | None:
        """The median; None when there is none, or too many last on for one."""
        if self.open:
            return kaplan_meier_median(self.ended, self.open)
        return median(self.ended) if self.ended else None

    @property
    def mean(self) -> float | None:
        """The mean of those that ended."""
        return mean(self.ended) if self.ended else None

    @cached_property
    def intervals(self) -> dict[str, Interval | None]:
        """Of every number that a target may speak of. What is not over yet leaves the upper end open."""
        found = {name: self._interval(q) for name, q in _QUANTILES.items()}
        found["mean_seconds"] = bootstrap_mean(self.ended)
        mean_interval = found["mean_seconds"]
        if self.open and mean_interval is not None:
            found["mean_seconds"] = mean_interval._replace(upper=None)
        return found

    def _interval(self, q: float) -> Interval | None:
        """Between order statistics: an open spell counts as one that lasts for ever."""
        interval = order_statistic([*map(float, self.ended), *[float("inf")] * len(self.open)], q)
        if interval is None or interval.lower == float("inf"):
            return None
        return interval._replace(upper=None) if interval.upper == float("inf") else interval

    def values(self) -> dict[str, object]:
        """Every number by its name in the JSON report."""
        is_whole = bool(self.ended) and not self.open
        few = [*self.ended] if 0 < self.n < LEAST_FOR_INTERVAL else None
        return {
            "median_seconds": self.median,
            "mean_seconds": self.mean,
            "p75_seconds": quantile(self.ended, 0.75) if is_whole else None,
            "p90_seconds": quantile(self.ended, 0.9) if is_whole else None,
            "n": self.n,
            "open": len(self.open),
            "open_at_least_seconds": list(self.open),
            "median_method": "kaplan-meier" if self.open else "type 7",
            "interval_seconds": ends(self.intervals["median_seconds"]),
            "mean_interval_seconds": ends(self.intervals["mean_seconds"]),
            "values_seconds": few,
            "negative": self.negative,
        }

    def remarks(self, noun: str) -> list[str]:
        """What people should know of the numbers."""
        remarks = []
        if self.open:
            lasting = ", ".join(f"at least {span(each)}" for each in self.open[-3:])
            remarks.append(
                f"{plural(len(self.open), noun)} not over yet ({lasting}): the median takes that into account, "
                "the mean is of those that ended"
            )
        if 0 < self.n < LEAST_FOR_INTERVAL:
            remarks.append(f"{plural(self.n, noun)}: too few for an interval, which needs {LEAST_FOR_INTERVAL}")
        return remarks
