"""Images that back up a neighbour container, and the variables by which they are told for how long.

From the images' own documentation, as of 2025-11.
"""

from __future__ import annotations

from sp404audit.documents.compose.project import Service
from sp404audit.records import NamedTuple
from sp404audit.results import Location

__all__ = ["Sidecar", "sidecar"]

_DAYS: dict[str, tuple[tuple[str, int, int | None], ...]] = {
    "prodrigestivill/postgres-backup-local": (
        ("BACKUP_KEEP_DAYS", 1, 7), ("BACKUP_KEEP_WEEKS", 7, 4), ("BACKUP_KEEP_MONTHS", 30, 6),
    ),
    "eeshugerman/postgres-backup-s3": (("BACKUP_KEEP_DAYS", 1, None),),
    "offen/docker-volume-backup": (("BACKUP_RETENTION_DAYS", 1, None),),
    "tiredofit/db-backup": (("DEFAULT_CLEANUP_TIME", 0, None), ("DB_CLEANUP_TIME", 0, None)),
    "kartoza/pg-backup": (("REMOVE_BEFORE", 1, None),),
}  # fmt: skip
"""By image: variable, days that one unit of it is worth (0: minutes), and its default."""


class Sidecar(NamedTuple):
    """A service that makes backups. `days` is None when nothing says for how long it keeps them."""

    location: Location
    days: float | None
    text: str


def sidecar(service: Service) -> Sidecar | None:
    """Read a service of compose that backs up another one; None for any other service."""
    reference = service.image_reference
    variables = _DAYS.get(reference.repository.removeprefix("library/")) if reference is not None else None
    if variables is None:
        return None
    best: Sidecar | None = None
    for name, worth, default in variables:
        given = service.environment.get(name)
        if given is None and default is None:
            continue
        text = str(default) if given is None else given.value
        number = int(text) if text is not None and text.isdecimal() and len(text) < 8 else None
        days = None if number is None else number / 1440 if worth == 0 else float(number * worth)
        found = Sidecar(given.location if given else service.location, days, f"{name}={text or '…'}")
        if best is None or (days or 0) > (best.days or 0):
            best = found
    return best or Sidecar(service.location, None, f"{service.name} keeps what it makes; nothing says for how long")
