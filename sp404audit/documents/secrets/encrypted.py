"""Files whose secrets are encrypted in place, and what in them is not.

Tools and their marks: SOPS (YAML, JSON, dotenv, INI; https://getsops.io/docs), dotenvx (`encrypted:` values), Ansible
Vault (`$ANSIBLE_VAULT` files and `!vault` values), sealed-secrets (`spec.encryptedData`), and whole files: age,
git-crypt, OpenPGP, `openssl enc`, Rails credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from sp404audit.documents.secrets.words import is_placeholder, is_reference, names_secret
from sp404audit.documents.source import DocumentError, Source
from sp404audit.documents.yaml_tree import Mapping, Node, Scalar, Sequence, mapping, parse_stream, text
from sp404audit.records import NamedTuple
from sp404audit.results import WHOLE_FILE, Region

__all__ = ["Plain", "Sealed", "may_be", "read", "safe_pattern"]

_MARKS = (
    b"ENC[AES256_GCM,",
    b"$ANSIBLE_VAULT;",
    b"!vault",
    b"encrypted:B",
    b"SealedSecret",
    b"BEGIN AGE ENCRYPTED FILE",
)
_BEGINNINGS = (
    (b"age-encryption.org/v1\n", "age"),
    (b"\0GITCRYPT\0", "git-crypt"),
    (b"Salted__", "openssl enc"),
    (b"U2FsdGVkX1", "openssl enc"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (b"-----BEGIN PGP MESSAGE-----", "OpenPGP"),
    (b"$ANSIBLE_VAULT;", "Ansible Vault"),
)
_SOPS_OPTIONS = (
    "unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex",
    "unencrypted_comment_regex", "encrypted_comment_regex",
)  # fmt: skip
_MAX_PATTERN = 500
_MAX_KEY = 200
_MIN_CIPHERTEXT = 100
"""Characters of the shortest sealed-secrets value: an RSA-encrypted session key alone is longer."""


class Plain(NamedTuple):
    """A value that is not encrypted.

    Attributes:
        name: the way to it, `smtp.password`.
        region: of the value.
        expected: whether the tool's own settings say that it is to be encrypted; else it is only named like a secret.
        certain: False when those settings cannot be read.
    """

    name: str
    region: Region
    expected: bool
    certain: bool = True


class Sealed(NamedTuple):
    """A file, or a document in it, that a tool has encrypted.

    Attributes:
        tool: `SOPS`, `age`, …
        region: what shows it.
        values: how many values are ciphertext; 0 when the file as a whole is.
        plain: what should be and is not.
    """

    tool: str
    region: Region
    values: int
    plain: tuple[Plain, ...] = ()


def may_be(data: bytes) -> bool:
    """Tell in no time whether a file is worth a closer look."""
    return (
        data.startswith(tuple(mark for mark, _ in _BEGINNINGS))
        or any(mark in data for mark in _MARKS)
        or _is_rails(data)
    )


def read(source: Source) -> Iterator[Sealed]:
    """Yield what is encrypted in a file; nothing for a file without encryption."""
    data = source.data
    for mark, tool in _BEGINNINGS:
        if data.startswith(mark):
            body = data[len(mark) :]
            is_plain = (tool == "Ansible Vault" and not _is_vault(data)) or (
                mark.startswith(b"-----") and not _is_armour(body)
            )
            yield Sealed(tool, WHOLE_FILE, 0, (Plain("the file", WHOLE_FILE, expected=True),) if is_plain else ())
            return
    if _is_rails(data):
        yield Sealed("Rails credentials", WHOLE_FILE, 0)
        return
    name = source.path.rpartition("/")[2].lower()
    reader = _dotenv if name.startswith(".env") else next((one for ends, one in _READERS if name.endswith(ends)), None)
    if reader is not None:
        try:
            yield from reader(source)
        except DocumentError:
            return


def _is_vault(data: bytes) -> bool:
    """Tell whether what follows the header is hexadecimal throughout, as Ansible Vault writes it."""
    body = data.partition(b"\n")[2]
    return bool(body.strip()) and not body.translate(None, b"0123456789abcdefABCDEF \t\r\n")


def _is_armour(body: bytes) -> bool:
    """Tell whether an armoured file holds base64: at least the first line that is no header does."""
    lines = [line for line in body[:2000].split(b"\n")[1:] if line.strip() and b":" not in line]
    return bool(lines) and re.fullmatch(rb"[A-Za-z0-9+/]+={0,2}", lines[0].strip()) is not None


def _is_rails(data: bytes) -> bool:
    """`ciphertext--iv--tag`, each in base64: ActiveSupport::MessageEncryptor with AES-256-GCM."""
    return 40 < len(data) < 10_000_000 and data.count(b"--") == 2 and _rails().fullmatch(data) is not None


class _Rules:
    """What a SOPS file's metadata say is to be encrypted."""

    def __init__(self, options: dict[str, str]) -> None:
        given = {name: value for name, value in options.items() if value}
        self.options = given if any(name in given for name in _SOPS_OPTIONS) else {"unencrypted_suffix": "_unencrypted"}
        self.certain = not any(name.endswith("comment_regex") for name in given)

    def covers(self, path: tuple[str, ...]) -> bool | None:
        """Tell whether the value at this path is to be encrypted; None when the settings cannot be read."""
        covered: bool | None = self.certain or None
        for name, value in self.options.items():
            if name.endswith("comment_regex"):
                continue
            hit = _any_matches(name, value, path)
            if hit is None:
                return None
            if name.startswith("encrypted"):
                covered = hit
            elif hit:
                covered = False
        return covered


def _any_matches(option: str, value: str, path: tuple[str, ...]) -> bool | None:
    if option.endswith("suffix"):
        return any(part.endswith(value) for part in path)
    pattern = safe_pattern(value)
    return None if pattern is None else any(pattern.search(part[:_MAX_KEY]) for part in path)


@cache
def safe_pattern(text: str) -> re.Pattern[str] | None:
    """Compile a pattern of the audited repository unless it could take long: no repeated group, two wildcards."""
    if len(text) > _MAX_PATTERN or len(re.findall(r"[*+{]", text)) > 2 or re.search(r"\)[*+?{]|\\\d|\(\?[^:i]", text):
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def _structured(source: Source) -> Iterator[Sealed]:
    roots: list[Node | None]
    if source.text.lstrip()[:1] == "{":
        from sp404audit.documents import json_tree

        roots = [json_tree.parse(source)]
    else:
        roots = parse_stream(source).roots
    vaulted: list[Node | None] = []
    for root in roots:
        fields = mapping(root)
        sops = mapping(fields.get("sops")) if fields else None
        if fields is not None and sops is not None and ("mac" in sops or "lastmodified" in sops):
            yield _sops(fields, sops)
        elif fields is not None and text(fields.get("kind")) == "SealedSecret":
            yield _sealed_secret(fields)
        else:
            vaulted.append(root)
    if "!vault" in source.text:
        yield from _ansible_values(vaulted)


def _sops(fields: Mapping, sops: Mapping) -> Sealed:
    rules = _Rules({name: text(sops.get(name)) or "" for name in _SOPS_OPTIONS})
    is_secret = text(fields.get("kind")) == "Secret"
    plain: list[Plain] = []
    values = 0
    for path, leaf in _leaves(fields):
        if path[0] == "sops" or not leaf.value or leaf.resolved is None:
            continue
        if _sops_value().fullmatch(leaf.value):
            values += 1
        elif (found := _plain(rules, path, leaf.value, leaf.region, is_secret=is_secret)) is not None:
            plain.append(found)
    key = fields.key("sops")
    region = key.region if key is not None else WHOLE_FILE
    if "mac" not in sops:
        plain.append(Plain("sops.mac", region, expected=True))
    return Sealed("SOPS", region, values, tuple(plain))


def _plain(
    rules: _Rules, path: tuple[str, ...], value: str, region: Region, *, is_secret: bool = False
) -> Plain | None:
    """Judge a value that is no ciphertext by what the file itself says, and by its name."""
    covered = rules.covers(path)
    name = ".".join(path)
    if covered is not False:
        return Plain(name, region, expected=covered is True, certain=covered is True)
    chosen = any(option.startswith("unencrypted") for option in rules.options)
    of_secret = is_secret and path[0] in ("data", "stringData") and not path[-1].lower().endswith((".crt", ".pub"))
    if chosen or not (of_secret or names_secret(path[-1])) or is_placeholder(value) or is_reference(value):
        return None
    return Plain(name, region, expected=False)


def _leaves(root: Node) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    """Yield every scalar with the keys that lead to it; an alias is walked once."""
    pending: list[tuple[tuple[str, ...], Node]] = [((), root)]
    seen: set[int] = set()
    while pending:
        path, node = pending.pop()
        if isinstance(node, Scalar):
            if path:
                yield path, node
        elif id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, Mapping):
                pending.extend(reversed([((*path, name), value) for name, _, value in node.pairs()]))
            elif isinstance(node, Sequence):
                pending.extend((path, item) for item in reversed(list(node)))


def _sealed_secret(fields: Mapping) -> Sealed:
    spec = mapping(fields.get("spec"))
    sealed = mapping(spec.get("encryptedData")) if spec else None
    template = mapping(spec.get("template")) if spec else None
    plain: list[Plain] = []
    values = 0
    for name, _, node in sealed.pairs() if sealed else ():
        value = text(node) or ""
        if len(value) >= _MIN_CIPHERTEXT and _base64().fullmatch(value):
            values += 1
        else:
            plain.append(Plain(f"spec.encryptedData.{name}", node.region, expected=True))
    for part in ("data", "stringData"):
        beside = mapping(template.get(part)) if template else None
        for name, _, node in beside.pairs() if beside else ():
            value = text(node) or ""
            if names_secret(name) and not is_placeholder(value) and not is_reference(value):
                plain.append(Plain(f"spec.template.{part}.{name}", node.region, expected=False))
    key = fields.key("kind")
    return Sealed("sealed-secrets", key.region if key is not None else WHOLE_FILE, values, tuple(plain))


def _ansible_values(roots: list[Node | None]) -> Iterator[Sealed]:
    """In a file that has `!vault` values, those beside them that are named like secrets should be such too."""
    vaulted: list[Scalar] = []
    plain: list[Plain] = []
    for root in roots:
        for path, leaf in _leaves(root) if root is not None else ():
            if leaf.tag == "!vault":
                if leaf.value.lstrip().startswith("$ANSIBLE_VAULT;"):
                    vaulted.append(leaf)
                else:
                    plain.append(Plain(".".join(path), leaf.region, expected=True))
            elif isinstance(leaf.resolved, str) and names_secret(path[-1]) and _is_literal(leaf.value):
                plain.append(Plain(".".join(path), leaf.region, expected=False))
    if vaulted:
        yield Sealed("Ansible Vault", vaulted[0].region, len(vaulted), tuple(plain))


def _is_literal(value: str) -> bool:
    return not is_placeholder(value) and not is_reference(value) and "{{" not in value


def _dotenv(source: Source) -> Iterator[Sealed]:
    from sp404audit.documents.secrets.dotenv import Entry, parse

    entries = parse(source).entries
    options = {entry.name: entry.value or "" for entry in entries}
    if "sops_mac" in options or "sops_version" in options:
        rules = _Rules({name: options.get(f"sops_{name}", "") for name in _SOPS_OPTIONS})
        own = [entry for entry in entries if not entry.name.startswith("sops_") and entry.value]
        plain = [
            found
            for entry in own
            if not _sops_value().fullmatch(entry.value or "")
            and (found := _plain(rules, (entry.name,), entry.value or "", entry.value_region)) is not None
        ]
        if "sops_mac" not in options:
            plain.append(Plain("sops_mac", WHOLE_FILE, expected=True))
        yield Sealed("SOPS", WHOLE_FILE, len(own) - len(plain), tuple(plain))
        return
    sealed = [entry for entry in entries if (entry.value or "").startswith("encrypted:")]

    def is_plain(entry: Entry) -> bool:
        value = entry.value or ""
        return entry.holds_secret and not entry.is_reference and not is_placeholder(value)

    if sealed:
        plain = [Plain(entry.name, entry.value_region, expected=False) for entry in entries if is_plain(entry)]
        yield Sealed("dotenvx", sealed[0].region, len(sealed), tuple(plain))


def _ini(source: Source) -> Iterator[Sealed]:
    from sp404audit.documents import ini

    sections = ini.parse(source)
    sops = sections.get("sops")
    if not sops or not {"mac", "version"} & sops.keys():
        return
    rules = _Rules({name: sops[name].text if name in sops else "" for name in _SOPS_OPTIONS})
    plain: list[Plain] = []
    values = 0
    for section, entries in sections.items():
        for name, option in entries.items() if section != "sops" else ():
            if _sops_value().fullmatch(option.text.strip()):
                values += 1
            elif option.text and (found := _plain(rules, (section, name), option.text, option.region)) is not None:
                plain.append(found)
    yield Sealed("SOPS", WHOLE_FILE, values, tuple(plain))


_READERS: tuple[tuple[tuple[str, ...], Callable[[Source], Iterator[Sealed]]], ...] = (
    ((".yaml", ".yml", ".json"), _structured),
    ((".ini", ".cfg"), _ini),
    ((".env",), _dotenv),
)


@cache
def _rails() -> re.Pattern[bytes]:
    return re.compile(rb"[A-Za-z0-9+/]+={0,2}--[A-Za-z0-9+/]{8,32}={0,2}--[A-Za-z0-9+/]{16,32}={0,2}\s*")


@cache
def _sops_value() -> re.Pattern[str]:
    base64 = "[A-Za-z0-9+/=]*"
    return re.compile(rf"ENC\[AES256_GCM,data:{base64},iv:{base64},tag:{base64},type:[a-z]+\]")


@cache
def _base64() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
