"""GitHub as a source of events: deployments, releases, incidents, pull requests and builds, over its REST API.

`open_client` makes a client from the environment, `repository_name` tells which repository is meant, `collect` asks.
"""

from __future__ import annotations

from sp404audit.dora.sources.github.collect import collect, open_client, repository_name
from sp404audit.dora.sources.github.problems import AccessError

__all__ = ["AccessError", "collect", "open_client", "repository_name"]
