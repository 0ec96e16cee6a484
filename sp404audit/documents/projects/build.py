"""Build files of the JVM, Go, Rust, Ruby, PHP, .NET, Elixir, Dart and others: dependencies and coverage limits.

Programs (Gradle, Ruby, Elixir) are read for the few literal statements that set a limit of coverage; XML by patterns
over text without its comments, so that no entity is ever expanded. What a limit is when it is computed is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from sp404audit.documents import json_tree, yaml_tree
from sp404audit.documents.model import Document, Fact
from sp404audit.documents.projects.facts import CoverageSetting, Manifest, folder_of, number, task_facts
from sp404audit.documents.source import Source
from sp404audit.documents.toml_file import read_toml
from sp404audit.lazy import regex
from sp404audit.results import WHOLE_FILE, Location

__all__ = ["BuildProject", "parse"]

_LARGEST = 1 << 20
_XML_COMMENT = regex(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE_COMMENT = regex(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_HASH_COMMENT = regex(r"(?m)(?:^|(?<=\s))#[^\n]*")

_POM_PLUGIN = regex(r"<artifactId>\s*jacoco-maven-plugin\s*</artifactId>")
_POM_CHECK = regex(r"<goal>\s*check\s*</goal>")
_POM_MINIMUM = regex(r"<minimum>\s*([^<\s]{1,60})\s*</minimum>")
_POM_HALT = regex(r"<haltOnFailure>\s*false\s*</haltOnFailure>")
_POM_PHASE = regex(r"<phase>\s*([\w-]{1,40})\s*</phase>")
_POM_DEPENDENCY = regex(r"<(?:dependency|parent)>")

_GRADLE_DEPENDENCY = regex(
    r"(?m)^[ \t]*(?:api|implementation|compile|compileOnly|runtimeOnly|testImplementation|testCompile|kapt|ksp|"
    r"annotationProcessor|classpath)\b[ \t(]+(?!project)"
)
_GRADLE_LIMIT = regex(r"\bminimum\s*(?:=|\.set\(|\s)\s*[\"']?([0-9.]{1,8}|[A-Za-z_][\w.]*)")
_GRADLE_VERIFY = "jacocoTestCoverageVerification"
_GRADLE_WIRED = regex(
    r"\b(?:check|build|test)\b[^\n]{0,200}(?:dependsOn|finalizedBy)[^\n]{0,200}jacocoTestCoverageVerification"
    r"|\b(?:check|build|test)\b[\"'>)\s]{0,20}\{[^{}]{0,400}(?:dependsOn|finalizedBy)[^{}]{0,200}"
    r"jacocoTestCoverageVerification"
)
_KOVER_LIMIT = regex(r"\b(?:minBound\s*\(\s*|minValue\s*(?:=|\.set\()\s*|min\s*=\s*)([0-9.]{1,8})")

_SIMPLECOV = regex(
    r"\bminimum_coverage(?:_by_file)?\s*(?:\(|\s|=)\s*(?:\{?\s*(?:line:|:line\s*=>)\s*)?([0-9.]{1,8}|[A-Za-z_][\w.]*)"
)
_GEM = regex(r"(?m)^[ \t]*gem\s")
_GO_REQUIRE = regex(r"(?m)^[ \t]*require\b|^\t\S+ v\d")
_MIX_THRESHOLD = regex(r"\bthreshold:\s*([0-9.]{1,8})")
_NUGET = regex(r"<PackageReference\b|<PackageVersion\b|<package\b")
_COVERLET = regex(r"<Threshold>\s*([^<\s]{1,20})\s*</Threshold>")
_SBT_MINIMUM = regex(r"\bcoverageMinimum(?:StmtTotal)?\s*:=\s*([0-9.]{1,8})")
_SBT_FAILS = regex(r"\bcoverageFailOnMinimum\s*:=\s*true")


class BuildProject(Document):
    """One build file: its text, and for TOML and JSON what it holds."""

    kinds: ClassVar[tuple[str, ...]] = ("build-project",)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.name = source.path.rpartition("/")[2]
        self.folder = folder_of(source.path)
        self.text = source.text[:_LARGEST]
        self.tables: dict[str, Any] = {}
        self.tree: yaml_tree.Node | None = None

    def blank(self, pattern: re.Pattern[str]) -> str:
        """The text with what the pattern matches replaced by spaces."""
        return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), self.text)

    def location(self, match: re.Match[str] | None) -> Location:
        """A place in this file."""
        if match is None:
            return Location(self.source.path, WHOLE_FILE)
        return Location(self.source.path, self.source.region(match.start(), match.end()))

    def facts(self) -> Iterator[Fact]:
        """Yield the manifest and the coverage limit, if the file holds one."""
        for pattern, reader in _READERS:
            if pattern.fullmatch(self.name):
                yield from reader(self)
                return


def parse(source: Source) -> BuildProject:
    """Read one build file; its name decides how.

    Raises:
        DocumentError: when Cargo.toml or composer.json cannot be read.
    """
    document = BuildProject(source)
    if document.name == "Cargo.toml":
        document.tables = read_toml(source)
    elif document.name == "composer.json":
        document.tree = json_tree.parse(source)
    return document


def _manifest(document: BuildProject, ecosystem: str, used: bool | None) -> Manifest:
    return Manifest(Location(document.source.path, WHOLE_FILE), ecosystem, document.folder, used)


def _pom(document: BuildProject) -> Iterator[Fact]:
    text = document.blank(_XML_COMMENT)
    yield _manifest(document, "maven", bool(_POM_DEPENDENCY.search(text)))
    plugin = _POM_PLUGIN.search(text)
    if plugin is None:
        return
    minimum = _POM_MINIMUM.search(text, plugin.start())
    checks = _POM_CHECK.search(text, plugin.start()) is not None and not _POM_HALT.search(text, plugin.start())
    value = minimum.group(1) if minimum else None
    if value is not None and value.startswith("${"):
        name = re.escape(value[2:-1])
        property_ = re.search(rf"<{name}>\s*([^<\s]{{1,20}})\s*</{name}>", text)
        value = property_.group(1) if property_ else value
    setting = _setting(document, "jacoco-maven", minimum, _share(value), checks)
    end = text.find("</plugin>", plugin.start())
    phases = _POM_PHASE.findall(text, plugin.start(), end if end > 0 else len(text))
    setting = setting._replace(note=" ".join(phases))
    yield setting if minimum else setting._replace(location=document.location(plugin))


def _setting(
    document: BuildProject, tool: str, match: re.Match[str] | None, amount: float | None, enabled: bool | None = None
) -> CoverageSetting:
    """A limit of coverage; one that was matched but is no number is computed somewhere."""
    known = match is None or amount is not None
    return CoverageSetting(document.location(match), tool, document.folder, amount, known, enabled)


def _share(value: str | None) -> float | None:
    """A share of one or a percentage, in per cent: `0.80`, `80%` and `80` are the same."""
    amount = number(value)
    if amount is None:
        return None
    is_share = amount <= 1 and not str(value).endswith("%")
    return round(amount * 100, 4) if is_share else amount


def _gradle(document: BuildProject) -> Iterator[Fact]:
    text = document.blank(_CODE_COMMENT)
    yield _manifest(document, "gradle", bool(_GRADLE_DEPENDENCY.search(text)))
    at = text.find(_GRADLE_VERIFY)
    if at >= 0:
        limit = _GRADLE_LIMIT.search(text, at)
        amount = _share(limit.group(1)) if limit else None
        yield _setting(document, "jacoco-gradle", limit, amount, _GRADLE_WIRED.search(text) is not None)
    if re.search(r"\bkover\b", text):
        limit = _KOVER_LIMIT.search(text)
        if limit is not None:
            yield _setting(document, "kover", limit, number(limit.group(1)), True)


def _ruby_coverage(document: BuildProject) -> Iterator[Fact]:
    text = document.blank(_HASH_COMMENT)
    if "SimpleCov" not in text and document.name != ".simplecov":
        return
    limit = _SIMPLECOV.search(text)
    amount = number(limit.group(1)) if limit else None
    folder = folder_of(document.folder) if document.folder.rpartition("/")[2] in ("spec", "test") else document.folder
    yield _setting(document, "simplecov", limit, amount, True)._replace(folder=folder)


def _gemfile(document: BuildProject) -> Iterator[Fact]:
    yield _manifest(document, "bundler", bool(_GEM.search(document.blank(_HASH_COMMENT))))


def _go_mod(document: BuildProject) -> Iterator[Fact]:
    yield _manifest(document, "gomod", bool(_GO_REQUIRE.search(document.blank(_CODE_COMMENT))))


def _cargo(document: BuildProject) -> Iterator[Fact]:
    """Dependencies stand in the package's tables, in the workspace's, and in those of targets."""
    tables = document.tables
    targets = tables.get("target")
    holders = [tables, tables.get("workspace"), *(targets.values() if isinstance(targets, dict) else ())]
    names = ("dependencies", "dev-dependencies", "build-dependencies")
    used = any(holder.get(name) for holder in holders if isinstance(holder, dict) for name in names)
    yield _manifest(document, "cargo", used)


def _tarpaulin(document: BuildProject) -> Iterator[Fact]:
    limit = re.search(r"(?m)^[ \t]*fail-under\s*=\s*([0-9.]{1,8})", document.text)
    if limit:
        yield _setting(document, "tarpaulin", limit, number(limit.group(1)))


def _composer(document: BuildProject) -> Iterator[Fact]:
    """`php` and `ext-…` are no packages: those have a vendor."""
    root = yaml_tree.mapping(document.tree)
    groups = [yaml_tree.mapping(root.get(name)) for name in ("require", "require-dev")] if root else []
    names = [name for group in groups if group for name, _, _ in group.pairs()]
    yield _manifest(document, "composer", any("/" in name for name in names))
    scripts = yaml_tree.mapping(root.get("scripts")) if root else None
    for name, key, value in scripts.pairs() if scripts else ():
        lines = [(line.value, line.region) for line in yaml_tree.strings(value) if not line.value.startswith("@")]
        needs = tuple(line.value[1:].split(" ")[0] for line in yaml_tree.strings(value) if line.value.startswith("@"))
        yield from task_facts(document, "composer", name, key.region, lines, needs)


def _nuget(document: BuildProject) -> Iterator[Fact]:
    text = document.blank(_XML_COMMENT)
    yield _manifest(document, "nuget", bool(_NUGET.search(text)))
    limit = _COVERLET.search(text)
    if limit:
        yield _setting(document, "coverlet", limit, number(limit.group(1).split(",")[0]))


def _mix(document: BuildProject) -> Iterator[Fact]:
    text = document.blank(_HASH_COMMENT)
    yield _manifest(document, "mix", bool(re.search(r"\{:\w+,\s*[\"']?[~>=]", text)))
    limit = _MIX_THRESHOLD.search(text)
    if limit:
        yield _setting(document, "mix", limit, number(limit.group(1)))


def _sbt(document: BuildProject) -> Iterator[Fact]:
    text = document.blank(_CODE_COMMENT)
    yield _manifest(document, "sbt", "libraryDependencies" in text)
    limit = _SBT_MINIMUM.search(text)
    if limit:
        fails = _SBT_FAILS.search(text) is not None
        yield _setting(document, "scoverage", limit, number(limit.group(1)), fails)


def _go_test_coverage(document: BuildProject) -> Iterator[Fact]:
    limit = re.search(r"(?m)^[ \t]+total:\s*([0-9.]{1,8})", document.text)
    if limit:
        yield _setting(document, "go-test-coverage", limit, number(limit.group(1)))


def _bunfig(document: BuildProject) -> Iterator[Fact]:
    limit = re.search(r"(?m)^[ \t]*coverageThreshold\s*=\s*(?:\{[^}\n]*?lines?\s*=\s*)?([0-9.]{1,8})", document.text)
    if limit:
        measured = re.search(r"(?m)^[ \t]*coverage\s*=\s*true", document.text) is not None
        yield _setting(document, "bun", limit, _share(limit.group(1)), measured or None)


def _other(ecosystem: str, pattern: str) -> Callable[[BuildProject], Iterator[Fact]]:
    """A reader of a manifest of which only the presence of dependencies is asked."""

    def read(document: BuildProject) -> Iterator[Fact]:
        yield _manifest(document, ecosystem, bool(re.search(pattern, document.text)))

    return read


_READERS: tuple[tuple[re.Pattern[str], Callable[[BuildProject], Iterator[Fact]]], ...] = tuple(
    (regex(pattern), reader)
    for pattern, reader in (
        (r"pom\.xml", _pom),
        (r"(?:build|settings)\.gradle(?:\.kts)?|.*\.gradle(?:\.kts)?", _gradle),
        (r"Gemfile|gems\.rb|.*\.gemspec", _gemfile),
        (r"go\.mod", _go_mod),
        (r"Cargo\.toml", _cargo),
        (r"\.?tarpaulin\.toml", _tarpaulin),
        (r"composer\.json", _composer),
        (r".*\.(?:cs|fs|vb)proj|Directory\.(?:Build|Packages)\.props|packages\.config", _nuget),
        (r"mix\.exs", _mix),
        (r"build\.sbt", _sbt),
        (r"\.testcoverage\.ya?ml", _go_test_coverage),
        (r"bunfig\.toml", _bunfig),
        (r"pubspec\.yaml", _other("pub", r"(?m)^(?:dev_)?dependencies:[ \t]*\n[ \t]+\w")),
        (r"Package\.swift", _other("swift", r"\.package\s*\(")),
        (r"(?:spec|test|rails|unit)_helper\.rb|\.simplecov|simplecov_helper\.rb", _ruby_coverage),
    )
)
