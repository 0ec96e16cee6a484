"""Adapters for other tools: each turns a tool's own output into our results."""
