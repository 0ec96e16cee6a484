"""A policy, resolved: which rules are asked, with what parameters, how grave they are, and what was accepted."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from sp404audit.discovery import IgnoreRules
from sp404audit.records import NamedTuple
from sp404audit.results import Location, Severity
from sp404audit.rules.evaluation import Setting
from sp404audit.rules.registry import Rule

__all__ = ["Override", "Policy", "RuleChoice", "Waiver", "matches_any"]


class RuleChoice(NamedTuple):
    """What a policy says of a rule, or of a domain (`docker/*`): None leaves it as it was."""

    enabled: bool | None = None
    severity: Severity | None = None
    parameters: Mapping[str, Any] = {}

    def over(self, other: RuleChoice) -> RuleChoice:
        """This choice on top of an earlier one."""
        return RuleChoice(
            other.enabled if self.enabled is None else self.enabled,
            self.severity or other.severity,
            {**other.parameters, **self.parameters},
        )


class Override(NamedTuple):
    """Choices for the files that match one of the patterns."""

    paths: tuple[str, ...]
    rules: Mapping[str, RuleChoice]


class Waiver(NamedTuple):
    """An accepted failure: of which rule, where, why, by whom and until which day."""

    rule_id: str
    paths: tuple[str, ...]
    reason: str
    owner: str
    until: datetime.date
    location: Location


@cache
def _matcher(patterns: tuple[str, ...]) -> IgnoreRules:
    rules = IgnoreRules()
    rules.add("", "\n".join(patterns))
    return rules


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path matches one of the patterns (those of `.gitignore`)."""
    return _matcher(tuple(patterns)).ignores(path)


@dataclass(frozen=True)
class Policy:
    """The policy in force.

    Attributes:
        name: of the policy that it started from.
        sources: every file that went into it, outermost last.
        rules: choices by rule id or `domain/*`.
        default: whether a rule that no choice names is asked.
        overrides: choices for some paths; later ones win.
        exclude: patterns of paths that are not audited.
        waivers: accepted failures.
        fail_on: the least severity that makes a repository not compliant.
        targets: of the metrics report, as they stand in the policy.
        target_places: where each of them stands.
        metrics: the counting rules of the metrics report, as they stand in the policy.
        select, ignore: the command line's word on which rules run; it wins.
    """

    name: str
    sources: tuple[str, ...] = ()
    rules: Mapping[str, RuleChoice] = field(default_factory=dict)
    default: bool = True
    overrides: tuple[Override, ...] = ()
    exclude: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    fail_on: Severity = Severity.LOW
    targets: Mapping[str, str] = field(default_factory=dict)
    target_places: Mapping[str, Location] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def setting(self, rule: Rule, path: str = "") -> Setting | None:
        """What the policy says of a rule, in a file when `path` is given; None where it is off."""
        setting = self.setting_of(rule.id, path)
        if setting is None or not setting.parameters:
            return setting
        known = {parameter.name for parameter in rule.parameters}
        return setting._replace(parameters={key: value for key, value in setting.parameters.items() if key in known})

    def setting_of(self, rule_id: str, path: str = "") -> Setting | None:
        """The same for a rule that may be another engine's (`checkov/CKV_AWS_18`), parameters unchecked."""
        if rule_id not in self._settings:
            self._settings[rule_id] = self._resolve(rule_id, ())
        if not path or not self.overrides:
            return self._settings[rule_id]
        applying = tuple(override for override in self.overrides if matches_any(path, override.paths))
        return self._resolve(rule_id, applying) if applying else self._settings[rule_id]

    @cached_property
    def _settings(self) -> dict[str, Setting | None]:
        return {}

    def _resolve(self, rule_id: str, overrides: Iterable[Override]) -> Setting | None:
        choice = RuleChoice(self.default)
        for rules in (self.rules, *(override.rules for override in overrides)):
            for key in (f"{rule_id.partition('/')[0]}/*", rule_id):
                if key in rules:
                    choice = rules[key].over(choice)
        enabled = choice.enabled
        if self.select:
            enabled = _named(rule_id, self.select)
        if not enabled or _named(rule_id, self.ignore):
            return None
        return Setting(choice.parameters, choice.severity)

    def target_file(self, key: str) -> str:
        """The policy file that sets a target, with its line; empty when none does."""
        place = self.target_places.get(key)
        return f"{place.path}:{place.region.start_line}" if place else ""

    def might_ask(self, rule: Rule) -> bool:
        """Whether the rule is asked of any file at all."""
        return self.setting_of(rule.id) is not None or any(
            self._resolve(rule.id, (override,)) is not None for override in self.overrides
        )

    def might_ask_domain(self, domain: str) -> bool:
        """Whether a rule of another engine is asked at all."""
        if self.select and not any(name.partition("/")[0] in (domain, "all", "*") for name in self.select):
            return False
        return self.setting_of(f"{domain}/*") is not None or any(
            name.partition("/")[0] == domain and choice.enabled for name, choice in self.rules.items()
        )


def _named(rule_id: str, names: Iterable[str]) -> bool:
    """Tell whether a rule is meant by one of these names: an id, a domain, or `domain/*`."""
    domain = rule_id.partition("/")[0]
    return any(name in (rule_id, domain, f"{domain}/*", "all", "*") for name in names)
