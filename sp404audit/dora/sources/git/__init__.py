"""What a git clone alone tells: deployments from tags or merges, the changes in each, and hints at failures.

One `git for-each-ref` gives the tags and branches (`references`), one `git log` over all of them the commits
(`commits`), which make a graph in compact arrays (`graph`, `history`). Nothing is fetched, and nothing of the
repository is run (`sp404audit.git`).
"""

from sp404audit.dora.sources.git.collecting import HistoryError, collect
from sp404audit.dora.sources.git.history import GitHistory

__all__ = ["GitHistory", "HistoryError", "collect"]
