"""What names and values tell of a credential: whether a key holds one, and whether a value stands in for one.

Nothing here looks for secrets in free text: a key or a format must say first what a value is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise

from sp404audit.lazy import regex

__all__ = ["holds_url_password", "is_placeholder", "is_reference", "looks_random", "names_secret", "words"]

# A key with one of these words holds a credential …
_HOLDING_TEXT = """
    PASSWORD PASSWORDS PASSWD PASSWORT PASS PASSPHRASE PWD SECRET SECRETS TOKEN TOKENS APIKEY APIKEYS SECRETKEY
    AUTHTOKEN ACCESSTOKEN CREDENTIAL CREDENTIALS CREDS PAT PRIVATEKEY"""
# … and so does one with KEY behind one of these …
_KEY_OF_TEXT = """
    API SECRET ACCESS PRIVATE ENCRYPTION SIGNING AUTH MASTER APP LICENSE LICENCE JWT SESSION COOKIE WEBHOOK
    STORAGE ACCOUNT ROLE SERVICE HMAC AES CRYPT CIPHER DECRYPTION DEPLOY SSH"""
# … unless it ends like something about a credential …
_NAMING_ENDS_TEXT = """
    NAME NAMES ID IDS ARN PATH PATHS FILE FILES FILENAME DIR FOLDER URL URLS URI ENDPOINT LENGTH LEN SIZE TYPE
    VERSION POLICY TTL EXPIRY EXPIRES EXPIRE EXPIRATION TIMEOUT LIFETIME AGE DURATION ALGORITHM ALG ALGO HOST
    PORT USER USERNAME ENABLED DISABLED REQUIRED PREFIX SUFFIX HEADER ISSUER AUDIENCE COUNT LIMIT MIN MAX ROUNDS
    FIELD PARAM REGION FORMAT REF REFS MANAGER STORE PROVIDER ENGINE BACKEND SCOPE SCOPES PUBLIC"""
# … or begins like a switch.
_NAMING_BEGINNINGS_TEXT = """
    PUBLIC NO DISABLE ENABLE USE REQUIRE REQUIRES ALLOW SHOW IS HAS HIDE SKIP VALIDATE"""
# Any of these in a value makes it a placeholder, unless it looks random …
_PLACEHOLDER_WORDS_TEXT = """
    change changeme changeit replace replaceme your yours todo fixme example examples sample dummy fake mock
    placeholder insert redacted removed masked hidden foobar lorem ipsum here xxx"""
# … and these do when they are the whole of it.
_PLACEHOLDERS_TEXT = """
    foo bar baz unset none null nil undefined na true false yes no on off secret password passwd pass pwd token
    key apikey test testing default empty value string blank tbd"""
_HOLDING = frozenset(_HOLDING_TEXT.split())
_KEY_OF = frozenset(_KEY_OF_TEXT.split())
_NAMING_ENDS = frozenset(_NAMING_ENDS_TEXT.split())
_NAMING_BEGINNINGS = frozenset(_NAMING_BEGINNINGS_TEXT.split())
_PLACEHOLDER_WORDS = frozenset(_PLACEHOLDER_WORDS_TEXT.split())
_PLACEHOLDERS = frozenset(_PLACEHOLDERS_TEXT.split())
_WORD = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_REFERENCE_BEGINNINGS = (
    "$", "{{", "<%", "%{", "op://", "vault:", "ref+", "encrypted:", "enc[", "file:", "/run/secrets/", "sm://", "ssm:",
    "awssm:", "gcpsm:", "keyvault:", "@microsoft.keyvault(", "secretref:", "env:", "projects/", "!vault", "./", "../",
    "~/",
)  # fmt: skip
_FILE_ENDINGS = (".json", ".pem", ".key", ".p12", ".pfx", ".jks", ".crt", ".yaml", ".yml", ".txt", ".asc", ".gpg")
_BRACKETS = {"<": ">", "[": "]", "{": "}", "(": ")"}
_RUNS = ("xxxx", "****", "....", "----", "____", "1234567", "abcdefg")
_MAX_VALUE = 4096


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """Cut a key into its words, in upper case.

    >>> words("dbPassword"), words("AWS_SECRET_ACCESS_KEY")
    (('DB', 'PASSWORD'), ('AWS', 'SECRET', 'ACCESS', 'KEY'))
    """
    return tuple(word.upper() for word in _WORD.findall(name[:200]))


def names_secret(name: str) -> bool:
    """Tell whether a key of this name holds a credential, and not the name, the place or the age of one.

    >>> [name for name in ("DB_PASSWORD", "TOKEN_TTL", "PUBLIC_KEY", "apiKey", "PWD", "SORT_KEY") if names_secret(name)]
    ['DB_PASSWORD', 'apiKey']
    """
    parts = words(name)
    while parts and parts[-1].isdigit():
        parts = parts[:-1]
    if not parts or parts[-1] in _NAMING_ENDS or parts[0] in _NAMING_BEGINNINGS or parts in (("PWD",), ("OLD", "PWD")):
        return False
    if "PUBLIC" in parts[:-1] and parts[-1] in ("KEY", "TOKEN") and parts[-2] == "PUBLIC":
        return False
    if not _HOLDING.isdisjoint(parts):
        return True
    return any(last in ("KEY", "KEYS", "SALT") and first in _KEY_OF for first, last in pairwise(parts))


def is_reference(value: str) -> bool:
    """Tell whether a value only says where the real one is found: a variable, a template, a store, a ciphertext."""
    value = value.strip()
    lower = value[:40].lower()
    if lower.startswith(_REFERENCE_BEGINNINGS) or (len(value) > 2 and value[0] == value[-1] == "%"):
        return True
    if value.lower().endswith(_FILE_ENDINGS) and set(value).isdisjoint(" :@"):
        return True  # the name of a file, as GOOGLE_APPLICATION_CREDENTIALS holds it
    return lower.startswith("arn:") and ":secret" in value[:300]


def is_placeholder(value: str) -> bool:
    """Tell whether a value is one that people are told to replace, or none at all.

    >>> [value for value in ("", "changeme", "<key>", "xxxx", "hunter2", "my-example-key") if is_placeholder(value)]
    ['', 'changeme', '<key>', 'xxxx', 'my-example-key']
    """
    value = value.strip().strip("'\"")
    if not value or len(value) > _MAX_VALUE:
        return not value
    lower = value.lower()
    if (
        len(set(value)) == 1
        or _BRACKETS.get(value[0]) == value[-1]
        or lower.strip("/").rstrip("0123456789") in _PLACEHOLDERS
    ):
        return True
    if any(run in lower for run in _RUNS):
        return True
    return not looks_random(value) and not _PLACEHOLDER_WORDS.isdisjoint(_separator().split(lower))


def holds_url_password(value: str) -> bool:
    """Tell whether a value is an address with a literal password in it: `postgres://user:password@host`."""
    match = _url_password().match(value[:_MAX_VALUE])
    return match is not None and not is_placeholder(match[1]) and not is_reference(match[1])


def looks_random(value: str) -> bool:
    """Tell whether a value reads like drawn by a machine: long, of letters and digits, its characters evenly spread."""
    value = value[:_MAX_VALUE]
    if len(value) < 16 or not any(c.isdigit() for c in value) or not any(c.isalpha() for c in value) or " " in value:
        return False
    import math

    counts = [value.count(character) for character in set(value)]
    entropy = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    alphabet = 16 if all(c in "0123456789abcdefABCDEF-" for c in value) else 62
    return entropy / math.log2(min(len(value), alphabet)) >= 0.75


@cache
def _separator() -> re.Pattern[str]:
    return re.compile(r"[^a-z0-9]+")


@cache
def _url_password() -> re.Pattern[str]:
    return re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,40}://[^\s:/@]{0,100}:([^\s/@]{1,300})@[\w.\-\[\]]")
