from sp404audit.documents.model import Repository
from sp404audit.documents.secrets.openssl import EncCommand
from sp404audit.documents.shell import script
from sp404audit.documents.shell.commands import UNKNOWN
from sp404audit.documents.source import Source


def calls(text: str) -> list[EncCommand]:
    document = script.parse(Source("a.sh", f"#!/bin/bash\n{text}\n".encode()))
    return list(EncCommand.in_repository(Repository({"a.sh": "shell"}, ["a.sh"], document.facts())))


def test_flags_and_values() -> None:
    (call,) = calls("openssl enc -aes-256-cbc -salt -pbkdf2 -iter 5 -md sha512 -in a -out b -pass env:X")
    assert call.flags == {"-aes-256-cbc", "-salt", "-pbkdf2"}
    assert call.values == {"-iter": "5", "-md": "sha512", "-in": "a", "-out": "b", "-pass": "env:X"}
    assert call.derives_slowly
    assert not call.decrypts
    assert not call.is_open
    assert call.location.region.start_line == 2


def test_ciphers_are_commands_too() -> None:
    assert len(calls("openssl aes-256-cbc -k x")) == 1
    assert len(calls("openssl des3 -k x")) == 1


def test_other_commands_are_none() -> None:
    assert not calls("openssl enc -base64 -in a\nopenssl enc -d -A -a")
    assert not calls("openssl rand -hex 16\nopenssl dgst -sha256 a\nopenssl x509 -in a\nopenssl\nenc -k x")


def test_what_only_the_run_can_tell() -> None:
    (call,) = calls('openssl enc $OPTIONS -iter "$N" -pass "pass:$P" -out')
    assert call.is_open
    assert call.values == {"-iter": UNKNOWN, "-pass": f"pass:{UNKNOWN}", "-out": UNKNOWN}


def test_continued_piped_and_wrapped() -> None:
    (one,) = calls("tar c x | sudo openssl enc \\\n  -aes-256-cbc \\\n  -k secret > out")
    (two,) = calls("if ! openssl enc -d -aes256 -kfile f; then exit; fi")
    assert one.values == {"-k": "secret"}
    assert two.decrypts
