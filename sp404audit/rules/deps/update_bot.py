"""Somebody proposes newer dependencies."""

from __future__ import annotations

from sp404audit.documents.model import Repository
from sp404audit.documents.pipeline.model import pipeline_of
from sp404audit.documents.projects.facts import Manifest
from sp404audit.documents.projects.update_bots import UpdateBot
from sp404audit.results import Location
from sp404audit.rules import Verdicts, fail, not_applicable, passed, rule, unproven

__all__ = ["update_bot"]

_RENOVATE_PLACES = ("", ".github", ".gitlab")
_UPDATABLE = ("workflow", "action", "dockerfile", "compose", "terraform", "helm-chart", "pre-commit")
"""Kinds of file besides package manifests that name versions of other people's work."""
_OTHER_BOTS = {
    ".pyup.yml": "PyUp",
    ".scala-steward.conf": "Scala Steward",
    "updatecli.yaml": "Updatecli",
    ".depfu.yml": "Depfu",
}
_BOT_ACTIONS = ("renovatebot/github-action", "dependabot/fetch-metadata")


@rule("deps/update-bot", severity="medium", equivalents=["scorecard:Dependency-Update-Tool"], cwe=[1104])
def update_bot(repository: Repository) -> Verdicts:
    """A bot proposes updates of dependencies: Dependabot or Renovate is configured, and the configuration is valid.

    Known holes in dependencies are closed by newer versions, and updates that nobody proposes are not made. A bot whose
    configuration has an error does nothing, silently: GitHub tells it in a corner of the web pages only.

    Fix: add `.github/dependabot.yml` with `version: 2` and an entry for each ecosystem, or a `renovate.json`.

    Passes:
        --- .github/dependabot.yml
        version: 2
        updates:
          - package-ecosystem: pip
            directory: /
            schedule:
              interval: weekly
        --- requirements.txt
        flask==3.0.3

    Passes:
        --- renovate.json5
        {
          // what we agreed on
          extends: ["config:recommended"],
        }
        --- package.json
        {"name": "web", "dependencies": {"express": "5.1.0"}}

    Fails:
        --- package.json
        {"name": "web", "dependencies": {"express": "5.1.0"}}

    Fails (the second version of the format is the only one that works):
        --- .github/dependabot.yml
        version: 1
        update_configs:
          - package_manager: python
            directory: /
            update_schedule: live
        --- requirements.txt
        flask==3.0.3

    Fails (without a schedule Dependabot refuses the file):
        --- .github/dependabot.yml
        version: 2
        updates:
          - package-ecosystem: npm
            directory: /
        --- package.json
        {"name": "web", "dependencies": {"express": "5.1.0"}}
    """
    used = _first_dependency(repository)
    bots = [bot for bot in repository.facts(UpdateBot) if _is_read(bot)]
    if used is None and not bots:
        yield not_applicable(Location(""), "the repository names no dependency that a bot could update")
        return
    valid = [bot for bot in bots if bot.valid]
    for bot in bots:
        if bot.valid:
            yield passed(bot.location, f"{bot.bot.title()} proposes updates")
        elif not valid:
            message = f"{bot.bot.title()} ignores this configuration: {bot.reason}; mend it, or nothing is updated"
            yield fail(bot.location, message)
    if bots:
        return
    unreadable = next((place for place in repository.unread if _may_be_configuration(place.path)), None)
    elsewhere = next((path for path in _OTHER_BOTS if path in repository.paths), None)
    action = next(
        (run for job in pipeline_of(repository) for run in job.runs if run.words[:1] == _BOT_ACTIONS[:1]), None
    )
    if action is not None:
        yield passed(action.location, "a workflow runs Renovate")
    elif unreadable is not None:
        yield unproven(unreadable, "the bot's configuration could not be read")
    elif elsewhere is not None:
        yield unproven(
            Location(elsewhere), f"{_OTHER_BOTS[elsewhere]} is configured; whether it covers the rest is not known"
        )
    else:
        message = "no bot proposes updates: there is no dependabot.yml and no Renovate configuration; add one"
        yield fail(used or Location(""), message)


def _is_read(bot: UpdateBot) -> bool:
    """Whether the bot looks for its configuration there."""
    folder, _, name = bot.location.path.rpartition("/")
    return bot.bot == "dependabot" or folder in (_RENOVATE_PLACES if name != "package.json" else ("",))


def _may_be_configuration(path: str) -> bool:
    name = path.rpartition("/")[2]
    return "renovate" in name or name.startswith("dependabot.")


def _first_dependency(repository: Repository) -> Location | None:
    """Evidence that there is something to update."""
    for manifest in repository.facts(Manifest):
        if manifest.dependencies is not False:
            return manifest.location
    found = repository.files(*_UPDATABLE)
    return Location(found[0]) if found else None
