"""Compose files: merged as compose merges them, with places."""
