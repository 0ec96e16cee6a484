"""What kind of file each path is: by its path where that is enough, by its first bytes where it is not."""

from __future__ import annotations

import enum
import re
from functools import cache

__all__ = ["Doubt", "Kind", "by_content", "by_path"]


class Kind(enum.StrEnum):
    """The kinds of file that are told apart."""

    WORKFLOW = "workflow"
    ACTION = "action"
    DEPENDABOT = "dependabot"
    RENOVATE = "renovate"
    CODEOWNERS = "codeowners"
    CODECOV = "codecov"
    PRE_COMMIT = "pre-commit"
    DOCKERFILE = "dockerfile"
    DOCKERIGNORE = "dockerignore"
    COMPOSE = "compose"
    TERRAFORM = "terraform"
    TFVARS = "tfvars"
    HCL = "hcl"
    """HCL that is not Terraform's: Terragrunt, Packer, Nomad, docker-bake."""
    KUBERNETES = "kubernetes"
    KUSTOMIZATION = "kustomization"
    HELM_CHART = "helm-chart"
    SHELL = "shell"
    MAKEFILE = "makefile"
    JUSTFILE = "justfile"
    CRONTAB = "crontab"
    SYSTEMD = "systemd"
    DOTENV = "dotenv"
    SOPS_CONFIG = "sops-config"
    KEYSTORE = "keystore"
    PROMETHEUS = "prometheus"
    PROMETHEUS_RULES = "prometheus-rules"
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    GRAFANA_PROVISIONING = "grafana-provisioning"
    OTEL_COLLECTOR = "otel-collector"
    BACKUP_CONFIG = "backup-config"
    ANSIBLE = "ansible"
    CLOUDFORMATION = "cloudformation"
    PYTHON_PROJECT = "python-project"
    NODE_PROJECT = "node-project"
    BUILD_PROJECT = "build-project"
    """Build files of other languages: Maven, Gradle, Cargo, Go, Bundler, Composer, NuGet …"""
    TEMPLATE = "template"
    """A file that becomes one of an audited kind only when something fills it in; told, not audited."""
    TEXT = "text"
    """Any other text: read for secrets alone."""


class Doubt(enum.StrEnum):
    """What a path leaves open; `by_content` decides."""

    YAML = "yaml"
    JSON = "json"
    SCRIPT = "script"
    ACTION = "action metadata"
    DOCKERFILE = "something about Dockerfiles"


HEAD_BYTES = 16 * 1024
"""How much of a file `by_content` wants to see."""

_BUILD_NAMES = """
    pom.xml go.mod cargo.toml .tarpaulin.toml tarpaulin.toml gemfile gems.rb composer.json mix.exs build.sbt
    .testcoverage.yml .testcoverage.yaml bunfig.toml pubspec.yaml package.swift packages.config
    directory.build.props directory.packages.props .simplecov spec_helper.rb test_helper.rb rails_helper.rb
    unit_helper.rb simplecov_helper.rb build.gradle build.gradle.kts"""

_NAMES: dict[str, Kind] = {
    ".dockerignore": Kind.DOCKERIGNORE,
    ".containerignore": Kind.DOCKERIGNORE,
    "chart.yaml": Kind.HELM_CHART,
    "kustomization.yaml": Kind.KUSTOMIZATION,
    "kustomization.yml": Kind.KUSTOMIZATION,
    "kustomization": Kind.KUSTOMIZATION,
    "crontab": Kind.CRONTAB,
    "makefile": Kind.MAKEFILE,
    "gnumakefile": Kind.MAKEFILE,
    "justfile": Kind.JUSTFILE,
    ".justfile": Kind.JUSTFILE,
    ".envrc": Kind.SHELL,
    ".env": Kind.DOTENV,
    ".flaskenv": Kind.DOTENV,
    ".sops.yaml": Kind.SOPS_CONFIG,
    ".sops.yml": Kind.SOPS_CONFIG,
    ".pre-commit-config.yaml": Kind.PRE_COMMIT,
    ".pre-commit-config.yml": Kind.PRE_COMMIT,
    "codecov.yml": Kind.CODECOV,
    "codecov.yaml": Kind.CODECOV,
    ".codecov.yml": Kind.CODECOV,
    ".codecov.yaml": Kind.CODECOV,
    "renovate.json": Kind.RENOVATE,
    "renovate.json5": Kind.RENOVATE,
    ".renovaterc": Kind.RENOVATE,
    ".renovaterc.json": Kind.RENOVATE,
    ".renovaterc.json5": Kind.RENOVATE,
    "pgbackrest.conf": Kind.BACKUP_CONFIG,
    "rclone.conf": Kind.BACKUP_CONFIG,
    "pyproject.toml": Kind.PYTHON_PROJECT,
    "setup.cfg": Kind.PYTHON_PROJECT,
    "setup.py": Kind.PYTHON_PROJECT,
    "tox.ini": Kind.PYTHON_PROJECT,
    "tox.toml": Kind.PYTHON_PROJECT,
    "pytest.ini": Kind.PYTHON_PROJECT,
    ".pytest.ini": Kind.PYTHON_PROJECT,
    "pytest.toml": Kind.PYTHON_PROJECT,
    "noxfile.py": Kind.PYTHON_PROJECT,
    ".coveragerc": Kind.PYTHON_PROJECT,
    ".coveragerc.toml": Kind.PYTHON_PROJECT,
    "pipfile": Kind.PYTHON_PROJECT,
    "package.json": Kind.NODE_PROJECT,
    ".nycrc": Kind.NODE_PROJECT,
    ".nycrc.json": Kind.NODE_PROJECT,
    ".nycrc.yml": Kind.NODE_PROJECT,
    ".nycrc.yaml": Kind.NODE_PROJECT,
    "nyc.config.js": Kind.NODE_PROJECT,
    ".c8rc": Kind.NODE_PROJECT,
    ".c8rc.json": Kind.NODE_PROJECT,
    **dict.fromkeys(_BUILD_NAMES.split(), Kind.BUILD_PROJECT),
}

_BINARY = """
    7z a ai apk avi avif bin blend bmp br bz2 cab class crx cur dat db deb dex dll dmg doc docx dylib eot eps
    exe flac gif glb gltf gz hdf5 heic icns ico idx iso jar jp2 jpeg jpg lib lz4 lzma map mkv mo mov mp3 mp4
    mpeg msi nib npy npz o obj odp ods odt ogg onnx otf parquet pb pdf pkl png pot ppt pptx psd pt pyc pyd pyo
    rar rlib rpm safetensors snap so sqlite sqlite3 svg swf tar tflite tgz tif tiff ttf war wasm wav webm webp
    whl wmv woff woff2 xcf xls xlsx xz zip zst"""
_CODE_EXTENSIONS = "c cjs cs cts d go h html java js json jsx kt lock md mjs mts php py rb rs rst swift ts tsx txt"
_PROSE_NAMES = """
    authors changelog code_of_conduct codeowners contributing contributors copying copyright history install
    license licence maintainers manifest news notice patents readme security todo version"""

_EXTENSIONS: dict[str, Kind | Doubt | None] = {
    **dict.fromkeys(_BINARY.split()),  # neither text nor anything else that is audited
    "tf": Kind.TERRAFORM,
    "tofu": Kind.TERRAFORM,
    "tfvars": Kind.TFVARS,
    "hcl": Kind.HCL,
    "sh": Kind.SHELL,
    "bash": Kind.SHELL,
    "ksh": Kind.SHELL,
    "zsh": Kind.SHELL,
    "dash": Kind.SHELL,
    "mk": Kind.MAKEFILE,
    "just": Kind.JUSTFILE,
    "cron": Kind.CRONTAB,
    "timer": Kind.SYSTEMD,
    "service": Kind.SYSTEMD,
    "env": Kind.DOTENV,
    "dockerfile": Kind.DOCKERFILE,
    "containerfile": Kind.DOCKERFILE,
    "dockerignore": Kind.DOCKERIGNORE,
    "gradle": Kind.BUILD_PROJECT,
    "gemspec": Kind.BUILD_PROJECT,
    "csproj": Kind.BUILD_PROJECT,
    "fsproj": Kind.BUILD_PROJECT,
    "vbproj": Kind.BUILD_PROJECT,
    "p12": Kind.KEYSTORE,
    "pfx": Kind.KEYSTORE,
    "jks": Kind.KEYSTORE,
    "keystore": Kind.KEYSTORE,
    "jceks": Kind.KEYSTORE,
    "bks": Kind.KEYSTORE,
    "yml": Doubt.YAML,
    "yaml": Doubt.YAML,
    "rules": Doubt.YAML,
    "json": Doubt.JSON,
}

_TEMPLATES = frozenset(("j2", "jinja", "jinja2", "tmpl", "tpl", "template", "gotmpl", "erb", "mustache", "hbs", "ejs"))
_CODE = frozenset(_CODE_EXTENSIONS.split())
_PROSE = frozenset(_PROSE_NAMES.split())
_BEGINNINGS = ("docker", "contain", "compose", ".env.", "require", "constraint", "jest", "vite", "borgmatic")
_CONFIGS = ("jest.config", "vitest.config", "vite.config")
_SCRIPTS = ("js", "ts", "mjs", "cjs", "mts", "cts", "json")


def by_path(folder: str, name: str) -> Kind | Doubt | None:
    """Tell the kind of a file by where it lies and what it is called.

    Args:
        folder: relative to the root, empty for the root itself.
        name: of the file.

    Returns:
        None for a file that is not read at all.
    """
    lower = name.lower()
    if (kind := _NAMES.get(lower)) is not None:
        return kind
    stem, dot, extension = lower.rpartition(".")
    if folder.startswith(".github") and (special := _in_github(folder, lower, extension)) is not None:
        return special
    if lower.startswith(_BEGINNINGS):
        named = _by_beginning(lower, stem, extension)
        if named is not None:
            return named
    if not dot:
        return _without_extension(folder, lower)
    if extension in _TEMPLATES:
        inner = by_path(folder, name[: len(stem)]) if stem else None
        return Kind.TEMPLATE if isinstance(inner, Kind) and inner is not Kind.TEXT else Kind.TEXT
    found = _EXTENSIONS.get(extension, Kind.TEXT)
    if isinstance(found, Doubt):
        return _structured(folder, stem, found)
    if found is Kind.TEXT and folder.rpartition("/")[2] == "requirements" and extension in ("txt", "in"):
        return Kind.PYTHON_PROJECT
    if found is Kind.HCL and lower == ".terraform.lock.hcl":
        return Kind.TEXT
    return found


def _in_github(folder: str, lower: str, extension: str) -> Kind | None:
    yaml = extension in ("yml", "yaml")
    if folder == ".github/workflows" and yaml:
        return Kind.WORKFLOW
    if folder == ".github":
        if yaml and lower.startswith("dependabot."):
            return Kind.DEPENDABOT
        if lower == "codeowners":
            return Kind.CODEOWNERS
    return None


def _by_beginning(lower: str, stem: str, extension: str) -> Kind | Doubt | None:
    """Tell kinds whose names vary at the end: `Dockerfile.dev`, `compose.prod.yaml`, `requirements-test.txt`."""
    yaml = extension in ("yml", "yaml")
    for word, separators in (("dockerfile", ".-_"), ("containerfile", ".-_")):
        if lower == word or (lower.startswith(word) and lower[len(word)] in separators):
            if extension == "dockerignore":
                return Kind.DOCKERIGNORE
            if extension in _TEMPLATES:
                return Kind.TEMPLATE
            if extension in _CODE or yaml:
                return None
            return Kind.DOCKERFILE if lower == word else Doubt.DOCKERFILE
    for word in ("docker-compose", "compose"):
        if yaml and (stem == word or (stem.startswith(word) and stem[len(word)] in ".-_")):
            return Kind.COMPOSE
    if lower.startswith(".env.") and extension not in _CODE and not yaml:
        return Kind.DOTENV
    if lower.startswith(("requirements", "constraints")) and extension in ("txt", "in", "lock"):
        return Kind.PYTHON_PROJECT
    if stem in _CONFIGS and extension in _SCRIPTS:
        return Kind.NODE_PROJECT
    if lower.startswith("borgmatic") and yaml:
        return Kind.BACKUP_CONFIG
    return None


def _without_extension(folder: str, lower: str) -> Kind | Doubt:
    if lower == "codeowners" and folder in ("", "docs"):
        return Kind.CODEOWNERS
    parent = folder.rpartition("/")[2]
    if parent.startswith("cron.d") or parent == "crontabs":
        return Kind.CRONTAB
    return Kind.TEXT if lower in _PROSE else Doubt.SCRIPT


def _structured(folder: str, stem: str, doubt: Doubt) -> Kind | Doubt:
    """Settle what the path alone can tell about a YAML or JSON file."""
    if doubt is Doubt.JSON:
        if stem.endswith((".tf", ".tfvars", ".tofu")):
            return Kind.TFVARS if stem.endswith(".tfvars") else Kind.TERRAFORM
        return doubt
    if stem == "action":
        return Doubt.ACTION
    if folder.endswith("/.github/workflows"):
        return Kind.TEXT  # of a repository inside this one: GitHub runs only the root's
    if "borgmatic" in folder:
        return Kind.BACKUP_CONFIG
    return doubt


def by_content(doubt: Doubt, path: str, head: bytes) -> Kind:
    """Tell the kind of a file whose path left it open.

    Args:
        doubt: what `by_path` said.
        path: relative to the root.
        head: the first `HEAD_BYTES` of the file.
    """
    if doubt is Doubt.SCRIPT:
        return Kind.SHELL if _shebang().match(head) else Kind.TEXT
    if doubt is Doubt.JSON:
        return _json(path, head)
    if doubt is Doubt.DOCKERFILE:
        return Kind.DOCKERFILE if _instruction().search(head) else Kind.TEXT
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode("utf-8", "replace")
    keys = frozenset(_top_level_key().findall(head.removeprefix(b"\xef\xbb\xbf")))
    if doubt is Doubt.ACTION and (b"runs" in keys or path.startswith((".github/", "action."))):
        return Kind.ACTION
    return _yaml(path, keys, head)


def _yaml(path: str, keys: frozenset[bytes], head: bytes) -> Kind:
    if b"apiVersion" in keys and b"kind" in keys:
        filled_in = (b"{{" in head and "/templates/" in f"/{path}") or _template_line().search(head) is not None
        return Kind.TEMPLATE if filled_in else Kind.KUBERNETES
    if b"apiVersion" in keys and keys & {b"datasources", b"providers", b"contactPoints", b"policies", b"groups"}:
        return Kind.GRAFANA_PROVISIONING
    if b"receivers" in keys and keys & {b"exporters", b"processors", b"service"}:
        return Kind.OTEL_COLLECTOR
    if b"receivers" in keys and b"route" in keys:
        return Kind.ALERTMANAGER
    if keys & {b"scrape_configs", b"rule_files", b"scrape_config_files"} and not keys & {b"clients", b"positions"}:
        return Kind.PROMETHEUS
    if (b"groups" in keys and _rule().search(head)) or {b"slos", b"service"} <= keys:
        return Kind.PROMETHEUS_RULES  # written, or what Sloth makes them from
    if b"services" in keys and _service().search(head) and _element().search(head):
        return Kind.COMPOSE
    if b"repositories" in keys and b"source_directories" in keys:
        return Kind.BACKUP_CONFIG
    if not keys and _target_list().search(head):
        return Kind.PROMETHEUS  # a list of targets for file_sd_configs, or of additional scrape configurations
    if b"AWS::S3::Bucket" in head and b"Resources" in keys:
        return Kind.CLOUDFORMATION
    if b"ansible.builtin." in head or _play().search(head) or "/tasks/" in path or "/handlers/" in path:
        return Kind.ANSIBLE
    name = path.rpartition("/")[2].lower()
    if name in ("prometheus.yml", "prometheus.yaml"):
        return Kind.PROMETHEUS
    if name in ("alertmanager.yml", "alertmanager.yaml"):
        return Kind.ALERTMANAGER
    return Kind.TEXT


def _json(path: str, head: bytes) -> Kind:
    if b'"apiVersion"' in head and b'"kind"' in head:
        return Kind.KUBERNETES
    if b'"panels"' in head or b'"rows"' in head or b'"__inputs"' in head or b'"templating"' in head:
        signs = (b'"schemaVersion"', b'"gridPos"', b'"templating"', b'"annotations"', b'"datasource"', b'"fieldConfig"')
        if any(sign in head for sign in signs) or "grafana" in path.lower() or "dashboard" in path.lower():
            return Kind.GRAFANA
    elif b'"annotations"' in head and b'"list"' in head and b'"builtIn"' in head:
        return Kind.GRAFANA  # a long list of annotations comes before the panels
    elif b'"targets"' in head and head.lstrip().startswith(b"["):
        return Kind.PROMETHEUS  # a file of targets for file_sd_configs
    return Kind.TEXT


@cache
def _target_list() -> re.Pattern[bytes]:
    return re.compile(rb"(?:\A|[\r\n])-[ \t]+(?:\{[ \t]*)?[\"']?(?:targets|job_name)[\"']?[ \t]*:")


@cache
def _shebang() -> re.Pattern[bytes]:
    return re.compile(rb"#![ \t]*(?:[^\s/]*/)*(?:env[ \t]+(?:-\S+[ \t]+)*)?(?:[^\s/]*/)*(?:ba|da|k|z|a|mk)?sh(?=\s|\Z)")


@cache
def _instruction() -> re.Pattern[bytes]:
    return re.compile(rb"(?i)(?:\A|[\r\n])[ \t]*(?:FROM|ARG|RUN|COPY|ENV|CMD|ENTRYPOINT)[ \t]+[^\s=(]")


@cache
def _top_level_key() -> re.Pattern[bytes]:
    return re.compile(rb"(?:\A|(?<=[\r\n]))(?:\{[ \t]*)?[\"']?([A-Za-z_][\w-]*)[\"']?[ \t]*:(?=[\s{\[\"']|\Z)")


@cache
def _template_line() -> re.Pattern[bytes]:
    return re.compile(rb"(?:\A|[\r\n])\{[{%]")


@cache
def _rule() -> re.Pattern[bytes]:
    return re.compile(rb"[\r\n{,][ \t-]*[\"']?(?:alert|record|expr)[\"']?[ \t]*:")


@cache
def _play() -> re.Pattern[bytes]:
    """A play of Ansible: an item of the outermost list that names hosts."""
    return re.compile(rb"(?:\A|[\r\n])(?:-[ \t]+|[ \t]{2})hosts[ \t]*:[ \t]*[\"'\w{\[]")


@cache
def _service() -> re.Pattern[bytes]:
    """The first child of `services` is a key: in a list (GitLab, Travis) it would be a dash."""
    rest_of_line = rb"[ \t]*(?:#[^\r\n]*)?"
    head = rb"(?:\A|[\r\n])[\"']?services[\"']?[ \t]*:"
    return re.compile(
        head + rb"(?:[ \t]*\{|" + rest_of_line + rb"(?:[\r\n]++" + rest_of_line + rb")*+(?<=[ \t])[\"'\w&])"
    )


@cache
def _element() -> re.Pattern[bytes]:
    """An element of a compose service; a file that others extend may have neither `image` nor `build`."""
    element = rb"[\"']?(?:image|build|healthcheck|env_file|container_name|depends_on|cap_drop|cap_add)[\"']?[ \t]*:"
    return re.compile(rb"[\r\n{,][ \t]+" + element + rb"|\{" + element)
