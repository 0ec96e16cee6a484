"""Who is asked: tokens, addresses of the API, and what a remote may say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sp404audit.dora.sources.github import AccessError, open_client, repository_name
from sp404audit.dora.sources.github.access import Token, api_url, host_of_repositories, repository_of_remote
from sp404audit.dora.sources.github.links import next_page, within
from sp404audit.dora.sources.http import parse_url

PUBLIC = parse_url("https://api.github.com")
ENTERPRISE = parse_url("https://code.example.com/api/v3")


class TestTokens:
    def test_from_the_environment_alone(self, secret: str) -> None:
        for environment in ({"GITHUB_TOKEN": secret}, {"GH_TOKEN": f" {secret}\n"}):
            token = Token.of(environment)
            assert token is not None
            assert token.header == f"Bearer {secret}"
        assert Token.of({"GITHUB_TOKEN": " ", "TOKEN": secret}) is None

    def test_it_does_not_show_itself(self, secret: str) -> None:
        import pickle

        token = Token.of({"GH_TOKEN": secret})
        assert token is not None
        assert secret not in repr(token)
        assert secret not in str(token)
        assert secret not in f"{[token]!r}"
        assert secret not in token.hash
        with pytest.raises(TypeError):
            pickle.dumps(token)

    @pytest.mark.parametrize("tail", ["\r\nX-Evil: 1", " x", "\x00", "é", "a" * 5000])
    def test_what_is_none_is_not_repeated(self, secret: str, tail: str) -> None:
        with pytest.raises(AccessError) as caught:
            Token.of({"GH_TOKEN": f"{secret}{tail}"})
        assert "GH_TOKEN" in str(caught.value)
        assert secret not in str(caught.value)


class TestApi:
    def test_where_it_is(self) -> None:
        assert api_url({}, None) == PUBLIC
        assert api_url({"GITHUB_API_URL": "https://code.example.com/api/v3/"}, None) == ENTERPRISE

    def test_a_token_goes_over_https_only(self, secret: str) -> None:
        token = Token.of({"GH_TOKEN": secret})
        with pytest.raises(AccessError, match="write https://"):
            api_url({"GITHUB_API_URL": "http://code.example.com/api/v3"}, token)
        api_url({"GITHUB_API_URL": "http://127.0.0.1:8080"}, token)

    def test_credentials_do_not_belong_in_it(self, secret: str) -> None:
        with pytest.raises(AccessError) as caught:
            api_url({"GITHUB_API_URL": f"https://x:{secret}@code.example.com"}, None)
        assert secret not in str(caught.value)

    def test_the_host_of_clones(self) -> None:
        assert host_of_repositories(PUBLIC) == "github.com"
        assert host_of_repositories(ENTERPRISE) == "code.example.com"
        assert host_of_repositories(parse_url("https://api.octo.ghe.com")) == "octo.ghe.com"


class TestRemotes:
    @pytest.mark.parametrize(
        "address",
        [
            "https://github.com/octo/shop.git",
            "https://github.com/octo/shop",
            "https://user:password@github.com/octo/shop.git",
            "https://www.github.com/octo/shop/",
            "http://github.com/octo/shop.git",
            "git://github.com/octo/shop.git",
            "ssh://git@github.com/octo/shop.git",
            "ssh://git@ssh.github.com:443/octo/shop.git",
            "git+ssh://git@github.com/octo/shop.git",
            "git@github.com:octo/shop.git",
            "git@GitHub.com:/octo/shop.git",
            "github.com:octo/shop",
        ],
    )
    def test_forms(self, address: str) -> None:
        assert repository_of_remote(address, PUBLIC) == "octo/shop"
        enterprise = address.lower().replace("ssh.github", "github").replace("www.", "")
        enterprise = enterprise.replace("github.com", "code.example.com")
        assert repository_of_remote(enterprise, ENTERPRISE) == "octo/shop"

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/octo/shop.git",
            "https://github.com.evil.example/octo/shop.git",
            "https://evil.example/github.com/octo/shop.git",
            "https://github.com@evil.example/octo/shop.git",
            "git@evil.example:octo/shop.git",
            "https://github.com/octo",
            "https://github.com/../shop",
            "https://github.com/octo/shop/../../x",
            "/srv/git/shop.git",
            "../shop",
            "file:///srv/git/octo/shop",
            "ext::sh -c touch% /tmp/x",
            "",
            "https://github.com/octo/" + "x" * 5000,
            "git@github.com:octo/shop\nhttps://evil.example/a/b",
        ],
    )
    def test_others(self, address: str) -> None:
        with pytest.raises(AccessError):
            repository_of_remote(address, PUBLIC)

    def test_another_server_is_named_with_the_way_out(self) -> None:
        with pytest.raises(AccessError, match=r"GITHUB_API_URL \(https://HOST/api/v3\)"):
            repository_of_remote("git@code.example.com:octo/shop.git", PUBLIC)

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=80) | st.text(alphabet="ghtubcom./:@-\n", max_size=60))
    def test_anything(self, text: str) -> None:
        try:
            slug = repository_of_remote(text, PUBLIC)
        except AccessError:
            return
        assert slug.count("/") == 1
        assert "github.com" in text.lower()

    def test_from_a_clone(self, tmp_path: Path) -> None:
        with open_client({}, cache=False) as client:
            with pytest.raises(AccessError, match="no remote origin"):
                repository_name("", tmp_path, client)
            subprocess.run(["git", "init", "-q", tmp_path], check=True)
            with pytest.raises(AccessError, match="no remote origin"):
                repository_name("", tmp_path, client)
            config = tmp_path / ".git/config"
            config.write_text(config.read_text() + '[remote "origin"]\n\turl = git@github.com:octo/shop.git\n')
            assert repository_name("", tmp_path, client) == "octo/shop"
            assert repository_name("octo/other.git", tmp_path, client) == "octo/other"

    def test_a_clone_does_not_say_where_the_token_goes(self, tmp_path: Path, secret: str) -> None:
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        evil = "https://evil.example/octo/shop.git"
        subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", evil], check=True)
        with open_client({"GITHUB_TOKEN": secret}, root=tmp_path, cache=False) as client:
            assert client.url == PUBLIC
            with pytest.raises(AccessError, match=r"origin is on evil\.example"):
                repository_name("", tmp_path, client)


class TestLinks:
    def test_the_next_page(self) -> None:
        first, following = "<https://api.github.com/x?page=1>", "<https://api.github.com/x?page=3>"
        for header in (
            f'{first}; rel="prev", {following}; rel="next"',
            f"{first}; rel=prev,{following};rel=next",
            f'{following}; rel="next", {first}; rel="last"',
        ):
            assert next_page(header) == "https://api.github.com/x?page=3"
        for header in (
            "",
            f'{first}; rel="last"',
            "rel=next",
            "<>; rel=next",
            f'{first}; title="rel=next"',
            "<" * 9000,
        ):
            assert next_page(header) is None

    def test_within(self) -> None:
        assert within("https://api.github.com/repositories/1/issues?page=2", PUBLIC) == "/repositories/1/issues?page=2"
        assert within("https://api.github.com:443/x", PUBLIC) == "/x"
        assert within("/x?page=2", PUBLIC) == "/x?page=2"
        assert within("https://code.example.com/api/v3/x", ENTERPRISE) == "/x"
        for address in (
            "http://api.github.com/x",
            "https://api.github.com:8443/x",
            "https://api.github.com.evil.example/x",
            "https://evil.example/x",
            "//evil.example/x",
            "https://api.github.com@evil.example/x",
            "https://a:b@api.github.com/x",
            "https://api.github.com\\@evil.example/x",
            "https://api.github.com/x y",
            "https://api.github.com/x\r\nX-Evil: 1",
            "https://[::1/x",
            "https://api.github.com:99999999/x",
            "javascript:alert(1)",
            "x",
            "",
        ):
            assert within(address, PUBLIC) is None, address
        for address in ("https://code.example.com/x", "https://code.example.com/api/v3/../../x"):
            assert within(address, ENTERPRISE) is None, address

    @settings(max_examples=100, deadline=None)
    @given(
        st.text(max_size=60),
        st.sampled_from(["", "https://", "//", "https://api.github.com", "https://api.github.com/"]),
    )
    def test_anything(self, text: str, start: str) -> None:
        found = within(start + text, PUBLIC)
        assert found is None or found.startswith("/")
        next_page(start + text)
