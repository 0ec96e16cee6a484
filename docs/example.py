"""A quarter of a system's commits, deployments, incidents and builds: made up, and always the same."""

from __future__ import annotations

import datetime
import json
import random
import subprocess
from pathlib import Path
from typing import Any

SINCE, UNTIL = "2026-07-01", "2026-10-01"
EVENTS = "events.json"
_DAYS = 92
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_INCIDENTS = {9: 14, 41: 38, 77: 9}
"""How many minutes the incident lasted that a deployment caused, by the day."""

_ROLLED_FORWARD = 42
"""The day of an unplanned deployment that repairs the one before it."""


def example(folder: Path) -> Path:
    """Write the repository, and beside its history an event file; returns the folder."""
    start = int(datetime.datetime.fromisoformat(f"{SINCE}T00:00:00+00:00").timestamp())
    weekdays = [day for day in range(_DAYS) if (day + 2) % 7 < 5]  # the first day is a Wednesday
    dice = random.Random(404)
    commits: list[int] = []
    deployments: list[tuple[int, int, int]] = []
    for day in weekdays:
        live = start + day * _DAY + 14 * _HOUR + dice.randrange(90) * _MINUTE
        commits += sorted(live - dice.randrange(30, 20 * 60) * _MINUTE for _ in range(dice.randrange(1, 4)))
        deployments.append((day, live, len(commits)))
    ids = _history(folder, sorted(commits))
    events = {
        "deployments": [_deployment(day, live, ids[number - 1]) for day, live, number in deployments],
        "incidents": [_incident(day, live) for day, live, _ in deployments if day in _INCIDENTS],
        "builds": [_build(live, dice.randrange(170, 330)) for _, live, _ in deployments],
    }
    folder.joinpath(EVENTS).write_text(json.dumps(events, indent=1) + "\n", "utf-8")
    return folder


def _deployment(day: int, live: int, sha: str) -> dict[str, Any]:
    unplanned = {"unplanned": True} if day == _ROLLED_FORWARD else {}
    return {"id": f"day-{day}", "finished_at": live, "environment": "production", "sha": sha, **unplanned}


def _incident(day: int, live: int) -> dict[str, Any]:
    opened = live + 7 * _MINUTE
    over = opened + _INCIDENTS[day] * _MINUTE
    return {"id": f"INC-{day}", "opened_at": opened, "resolved_at": over, "caused_by": [f"day-{day}"]}


def _build(live: int, seconds: int) -> dict[str, Any]:
    return {"id": f"build-{live}", "started_at": live - 20 * _MINUTE, "finished_at": live - 20 * _MINUTE + seconds}


def _history(folder: Path, commits: list[int]) -> list[str]:
    """Write the commits, and return their ids in order."""
    script = []
    for number, at in enumerate(commits, 1):
        author = f"A Developer <developer@example.com> {at} +0000"
        above = f"from :{number - 1}\n" if number > 1 else ""
        script.append(
            f"commit refs/heads/main\nmark :{number}\nauthor {author}\ncommitter {author}\ndata 6\nchange\n{above}\n"
        )
    script += [f"get-mark :{number}\n" for number in range(1, len(commits) + 1)]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    importing = ["git", "fast-import", "--quiet", "--cat-blob-fd=1"]
    done = subprocess.run(importing, cwd=folder, input="".join(script), check=True, capture_output=True, text=True)
    return done.stdout.split()
