"""Requirements on compose services, as they are after merging."""
