"""Which files belong to the audit, and of which kind each is. Opens nothing outside the root, starts no process."""

from sp404audit.discovery.ignore import IgnoreRules
from sp404audit.discovery.kinds import Kind
from sp404audit.discovery.reading import MAX_BYTES, InputError, Reader, read
from sp404audit.discovery.walk import Discovery, File, discover

__all__ = ["MAX_BYTES", "Discovery", "File", "IgnoreRules", "InputError", "Kind", "Reader", "discover", "read"]
