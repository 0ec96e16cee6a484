"""Project files of every language: dependencies, tasks, limits of coverage."""
