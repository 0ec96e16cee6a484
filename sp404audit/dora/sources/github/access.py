"""Which GitHub is asked, about which repository, and as whom.

The token comes from the environment, goes into one header, and nowhere else. Which server it goes to is for the
environment to say as well, never for the repository: whoever writes a repository's `.git/config` must not be able to
have the token sent to a host of theirs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sp404audit.dora.sources.github.problems import AccessError
from sp404audit.dora.sources.http import Url, UrlError, parse_url
from sp404audit.lazy import regex

__all__ = [
    "VARIABLES",
    "Token",
    "api_url",
    "host_of_repositories",
    "repository_at",
    "repository_of",
    "repository_of_remote",
]

PUBLIC_API = "https://api.github.com"

VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
"""Where a token is looked for, in this order: what GitHub Actions and its command line use."""

_MAX_LENGTH = 4096


class Token:
    """A secret that shows itself in no message and no `repr`."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Token(…)"

    def __reduce__(self) -> str:
        raise TypeError("a token is not written anywhere")

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Token | None:
        """Take the token from the environment; None when there is none.

        Raises:
            AccessError: for what can be no token; the text names the variable, not its value.
        """
        for name in VARIABLES:
            secret = environment.get(name, "").strip()
            if not secret:
                continue
            # A line end in it would end the header that it goes into.
            if len(secret) > _MAX_LENGTH or not secret.isascii() or not secret.isprintable() or " " in secret:
                raise AccessError(f"{name} holds no token: blanks, control or foreign characters are in it")
            return cls(secret)
        return None

    @property
    def header(self) -> str:
        """The value of the header `Authorization`."""
        return f"Bearer {self._secret}"

    @property
    def hash(self) -> str:
        """Tells tokens apart in the cache, and does not lead back to them."""
        import hashlib

        return hashlib.sha256(self._secret.encode()).hexdigest()


def api_url(environment: Mapping[str, str], token: Token | None) -> Url:
    """The API that `GITHUB_API_URL` names (as GitHub's runners set it), or that of github.com.

    Raises:
        AccessError: for an address that means nothing, or over which others would read the token.
    """
    text = environment.get("GITHUB_API_URL", "").strip() or PUBLIC_API
    try:
        url = parse_url(text)
    except UrlError as error:
        raise AccessError(f"GITHUB_API_URL: {error}") from None
    if token is not None and not url.is_private:
        raise AccessError("GITHUB_API_URL: the token is not sent over http, where others can read it; write https://")
    return url


def host_of_repositories(api: Url) -> str:
    """The host that clones come from where the API is this one.

    An enterprise server has both on one host; github.com and its European and other regions (`SUBDOMAIN.ghe.com`) have
    `api.` before it.
    """
    return api.host.removeprefix("api.") if not api.path else api.host


_NAME = r"[A-Za-z0-9_.-]{1,100}"
_SLUG = regex(rf"({_NAME})/({_NAME})")
# git-clone(1), "GIT URLS": scheme://[user[:password]@]host[:port]/path, and scp's [user@]host:path.
_ADDRESS = regex(
    rf"(?:(?:https?|ssh|git(?:\+ssh)?)://(?:[^/@\s]{{0,300}}@)?([A-Za-z0-9.-]{{1,253}})(?::[0-9]{{1,5}})?/|"
    rf"(?:[^/@:\s]{{1,100}}@)?([A-Za-z0-9.-]{{1,253}}):/?)({_NAME})/({_NAME})/?"
)
_MAX_ADDRESS = 2048


def repository_of(text: str) -> str:
    """The repository that somebody names: `owner/name`, checked.

    Raises:
        AccessError: for anything else.
    """
    match = _SLUG.fullmatch(text.strip())
    if match is None or {".", ".."} & {match[1], match[2]}:
        raise AccessError("a repository on GitHub is named owner/name")
    return f"{match[1]}/{match[2].removesuffix('.git')}"


def repository_of_remote(address: str, api: Url) -> str:
    """The repository that the address of a git remote means, as `owner/name`.

    Raises:
        AccessError: for an address of another server than the API's, or none that is understood.
    """
    match = _ADDRESS.fullmatch(address.strip()) if len(address) <= _MAX_ADDRESS else None
    if match is None:
        raise AccessError("the remote origin is no address of a repository on GitHub; name it: --github owner/name")
    host = (match[1] or match[2]).lower()
    wanted = host_of_repositories(api)
    # ssh.github.com takes ssh on the port of https where a firewall lets nothing else through.
    if host.removeprefix("ssh.").removeprefix("www.") != wanted:
        raise AccessError(
            f"the remote origin is on {host}, and the API that is asked belongs to {wanted}; for a GitHub Enterprise "
            f"Server set GITHUB_API_URL (https://HOST/api/v3), or name the repository: --github owner/name"
        )
    return repository_of(f"{match[3]}/{match[4]}")


def repository_at(root: str | os.PathLike[str], api: Url) -> str:
    """The repository that a clone comes from, by its remote `origin`.

    Raises:
        AccessError: when it has none, or one elsewhere.
    """
    from sp404audit.git import GitError, git

    try:
        output = git(root, "config", "remote.origin.url")
    except GitError:
        raise AccessError("no remote origin to tell the repository by; name it: --github owner/name") from None
    return repository_of_remote(output.decode("utf-8", "replace").rstrip("\0\n"), api)
