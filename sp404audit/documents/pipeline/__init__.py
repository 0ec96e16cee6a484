"""The pipeline of a repository as one model, across workflows, scripts and task files."""
