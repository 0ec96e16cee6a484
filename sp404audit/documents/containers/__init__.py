"""Dockerfiles, image names, and which stages are really built."""
