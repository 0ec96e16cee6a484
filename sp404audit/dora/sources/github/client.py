"""Asking GitHub's REST API: one question at a time, within a budget, and leaving it alone when it asks for that.

Rules that hold for every question: the token goes to the server that it is meant for and nowhere else; what was
fetched before is asked for again only by its ETag, which costs nothing of the limit while it is unchanged
(https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api); what goes wrong for a
moment (5xx, no answer) is tried again; a limit is waited for as long as patience reaches, and ends the run beyond it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from sp404audit.dora.sources.github.access import Token
from sp404audit.dora.sources.github.limits import pause_after, server_time
from sp404audit.dora.sources.github.links import next_page, within
from sp404audit.dora.sources.github.problems import RefusedError, StopError
from sp404audit.dora.sources.github.store import KeptPage, PageStore
from sp404audit.dora.sources.http import Answer, AnswerTooLargeError, HttpError, Url
from sp404audit.dora.sources.http import Client as HttpClient
from sp404audit.records import NamedTuple

__all__ = ["API_VERSION", "DEFAULT_BUDGET", "PER_PAGE", "Client", "Page", "Usage"]

API_VERSION = "2022-11-28"
"""The version of the API that is asked for (https://docs.github.com/en/rest/about-the-rest-api/api-versions); every
GitHub Enterprise Server that is still supported knows it."""

PER_PAGE = 100
DEFAULT_BUDGET = 500
"""Half of what the token of a job on GitHub Actions may ask for in an hour."""

PATIENCE = 90.0
"""Seconds to wait for limits, over a whole run."""

_TIMEOUT = 30.0
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_ATTEMPTS = 4
_BACKOFF = 1.0
_FAILURES = 2
"""After so many questions in a row that had no answer, however often they were asked, nobody is there to ask."""

_MAX_REDIRECTS = 3
_MAX_PAGES = 1000
_REDIRECTS = (301, 302, 307, 308)


class Page(NamedTuple):
    """One answer: what it holds, and whether there is more that cannot be had."""

    data: Any
    next: str = ""
    is_cut: bool = False


class Usage(NamedTuple):
    """What a run cost.

    Attributes:
        asked: questions sent, with those that were tried again.
        charged: those of them that count against the limit and the budget.
        unchanged: pages that are as they were.
        kept: pages that need not be asked for again.
        skew: by how many seconds the server's clock is ahead of this machine's; None when it told no time.
    """

    asked: int = 0
    charged: int = 0
    unchanged: int = 0
    kept: int = 0
    skew: int | None = None


class Client:
    """Asks one GitHub; use it in a `with` statement.

    Args:
        url: the API: `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server.
        token: None to ask as nobody, which GitHub allows sixty times an hour.
        pages: what earlier runs fetched; None to do without.
        budget: how many questions may count against the limit.
        patience: seconds to wait for limits, over the whole run.
        backoff: seconds before a failed question is asked again; doubled each time.
        wait: how to wait.
    """

    def __init__(
        self,
        url: Url,
        token: Token | None = None,
        *,
        pages: PageStore | None = None,
        budget: int = DEFAULT_BUDGET,
        patience: float = PATIENCE,
        backoff: float = _BACKOFF,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": "sp404audit",  # GitHub refuses questions without one
        }
        if token is not None:
            headers["Authorization"] = token.header
        self.url = url
        self.usage = Usage()
        self._http = HttpClient(url, headers, timeout=_TIMEOUT, limit=_MAX_ANSWER_BYTES)
        self._has_token = token is not None
        self._pages = pages
        self._budget = budget
        self._patience = patience
        self._backoff = backoff
        self._wait = wait
        self._rest_until = 0.0
        self._failures = 0
        self._stopped: StopError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        if self._pages is not None:
            self._pages.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None, *, settled: str = "") -> Page:
        """Ask for one document.

        Args:
            path: below the API, such as `/repos/OWNER/NAME/releases`; each part of it quoted by the caller.
            parameters: the query, sent in the order of their names.
            settled: in what state the thing is that it tells about, where the document cannot change without that:
                a page that was kept from the same state is not asked for again.

        Raises:
            RefusedError: GitHub gives no such document, or not to this token, or nothing that can be read.
            StopError: nothing more can be asked in this run; every later question raises it, too.
        """
        return self._page(_with_query(path, parameters or {}), settled)

    def pages(self, path: str, parameters: Mapping[str, str] | None = None, *, settled: str = "") -> Iterator[Page]:
        """Ask for a list, a page of a hundred at a time, as long as the caller wants more.

        Raises:
            RefusedError, StopError: as `get`, at the page that cannot be had.
        """
        target = _with_query(path, {"per_page": str(PER_PAGE), **(parameters or {})})
        seen: set[str] = set()
        while target and target not in seen and len(seen) < _MAX_PAGES:
            seen.add(target)
            page = self._page(target, settled)
            following = within(page.next, self.url) if page.next else ""
            yield page._replace(is_cut=following is None or following in seen or len(seen) == _MAX_PAGES)
            target = following or ""

    def _page(self, target: str, settled: str) -> Page:
        address = f"{self.url.origin}{self.url.path}{target}"
        kept = self._pages.find(address) if self._pages is not None else None
        if kept is not None and settled and kept.settled == settled:
            self.usage = self.usage._replace(kept=self.usage.kept + 1)
            return Page(kept.data, kept.next)
        condition = {"If-None-Match": kept.etag} if kept is not None and kept.etag else {}
        answer = self._answer(target, condition)
        if answer.status == 304 and kept is not None:
            self.usage = self.usage._replace(unchanged=self.usage.unchanged + 1)
            return Page(kept.data, next_page(answer.headers.get("link", "")) or kept.next)
        if answer.status == 401:
            raise self._stop("token", "GitHub does not accept the token: it is not valid, or has expired; renew it")
        data = _document(answer, target)
        page = Page(data, next_page(answer.headers.get("link", "")) or "")
        if self._pages is not None:
            # A full last page may get a successor without changing itself, which its ETag would not tell.
            is_open_ended = not page.next and isinstance(data, list) and len(data) >= PER_PAGE
            etag = "" if is_open_ended else answer.headers.get("etag", "")
            self._pages.keep(address, KeptPage(etag, settled, page.next, data))
        return page

    def _answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        """The answer to a question, with its redirects followed as far as this server goes."""
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._insist(target, headers)
            if answer.status not in _REDIRECTS:
                return answer
            following = within(answer.headers.get("location", ""), self.url)
            if following is None:
                raise RefusedError("redirect", f"{_shown(target)} is redirected to another server, which is not asked")
            target = following
        raise RefusedError("redirect", f"{_shown(target)} is redirected too often")

    def _insist(self, target: str, headers: Mapping[str, str]) -> Answer:
        """Ask until there is an answer, or none is to be had."""
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._wait(self._backoff * 2 ** (attempt - 1))
            try:
                answer = self._ask(target, headers)
            except AnswerTooLargeError as error:
                raise RefusedError("too-large", f"{_shown(target)}: {error}") from None
            except HttpError as error:
                reason = str(error)
                continue
            if answer.status < 500:
                self._failures = 0
                return answer
            reason = f"{self.url.origin} answered with status {answer.status}"
        message = f"{_shown(target)}: {reason}, {_ATTEMPTS} times; run again later: what has been read is kept"
        self._failures += 1
        if self._failures >= _FAILURES:
            raise self._stop("unavailable", message)
        raise RefusedError("unavailable", message)

    def _ask(self, target: str, headers: Mapping[str, str]) -> Answer:
        """Ask once, and once again whenever a limit was waited for."""
        while True:
            self._rest(target)
            sent = time.time()
            self.usage = self.usage._replace(asked=self.usage.asked + 1)
            try:
                answer = self._http.get(target, headers)
            except HttpError:
                self._charge()
                raise
            if not (answer.status == 304 and self._has_token):
                self._charge()
            self._compare_clocks(answer, sent)
            pause = pause_after(answer, time.time())
            if pause is not None:
                self._rest_until = time.monotonic() + pause
            if pause is None or answer.status not in (403, 429):
                return answer

    def _rest(self, target: str) -> None:
        """Wait until GitHub may be asked, if that is near enough; check that it may be asked at all."""
        if self._stopped is not None:
            raise self._stopped
        if self.usage.charged >= self._budget:
            raise self._stop(
                "budget",
                f"stopped after {self.usage.charged} requests to GitHub, the budget of this run; run again to go on "
                "from there (what has been read is kept), or raise it: --api-budget",
            )
        pause = self._rest_until - time.monotonic()
        if pause <= 0:
            return
        if pause > self._patience:
            raise self._stop("rate-limit", self._limit_message(pause, target))
        self._patience -= pause
        self._wait(pause)
        self._rest_until = 0.0

    def _limit_message(self, pause: float, target: str) -> str:
        minutes = max(1, round(pause / 60))
        wait = f"{minutes} minute{'s' if minutes > 1 else ''}"
        hint = "" if self._has_token else "; without a token it is 60 requests an hour: set GITHUB_TOKEN"
        return (
            f"GitHub's limit of requests is used up before {_shown(target)}; run again in {wait}: what has been read "
            f"is kept{hint}"
        )

    def _charge(self) -> None:
        self.usage = self.usage._replace(charged=self.usage.charged + 1)

    def _compare_clocks(self, answer: Answer, sent: float) -> None:
        moment = server_time(answer)
        if self.usage.skew is None and moment is not None:
            self.usage = self.usage._replace(skew=round(moment - sent))

    def _stop(self, id: str, message: str) -> StopError:  # noqa: A002
        self._stopped = StopError(id, message)
        return self._stopped


def _with_query(path: str, parameters: Mapping[str, str]) -> str:
    from urllib.parse import urlencode

    return f"{path}?{urlencode(sorted(parameters.items()))}" if parameters else path


def _document(answer: Answer, target: str) -> Any:
    """What an answer holds.

    Raises:
        RefusedError: when it is none, with what may be the matter.
    """
    import json

    if answer.status == 200:
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise RefusedError("unreadable", f"{_shown(target)}: the answer is not JSON") from None
    reasons = {
        403: "the token may not read this: give it the permission (contents, actions, deployments, pull-requests, "
        "issues: read)",
        404: "there is no such thing, or the token may not see it: check the name, and the token's access to it",
        410: "this part of the repository is switched off",
    }
    reason = reasons.get(answer.status, f"GitHub answered with status {answer.status}")
    if answer.status == 403 and "x-github-sso" in answer.headers:
        reason = "the organization wants single sign-on: authorize the token for it, in GitHub's settings of tokens"
    raise RefusedError(f"status-{answer.status}", f"{_shown(target)}: {reason}")


def _shown(target: str) -> str:
    """The path of a question, for people; the query would say nothing to them."""
    return target.partition("?")[0]
