"""Shell as scripts, workflows and hostile authors write it."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sp404audit.documents.shell import script
from sp404audit.documents.shell.commands import (
    ROOT_FOLDER,
    SCRIPT_FOLDER,
    UNKNOWN,
    Command,
    Shell,
    Unit,
    command_facts,
    expand,
    parse,
)
from sp404audit.documents.source import DocumentError, Source


def read(text: str, *, github: bool = False) -> Shell:
    return parse(Source("script.sh", text.encode("utf-8", "surrogateescape")), github=github)


def named(shell: Shell, name: str) -> Command:
    return next(command for command in shell.commands if command.name == name)


def names(text: str) -> list[str | None]:
    return [command.name for command in read(text).commands]


class TestWords:
    @pytest.mark.parametrize(
        ("word", "value"),
        [
            ("plain", "plain"),
            ("'single $x'", "single $x"),
            ('"double"', "double"),
            ("a\"b\"'c'd", "abcd"),
            (r"with\ blank", "with blank"),
            (r'"a \" quote"', 'a " quote'),
            ("$'tab\\there'", "tab\there"),
            ('"ü ♫"', "ü ♫"),
            ("--flag={{x}}", "--flag={{x}}"),
            ('""', ""),
            ("$x", None),
            ('"$(date)"', None),
            ("$((1 + 2))", None),
        ],
    )
    def test_value(self, word: str, value: str | None) -> None:
        (argument,) = named(read(f"run {word}\n"), "run").arguments
        assert argument.value == value
        assert argument.text == word

    def test_place_behind_wide_characters_and_tabs(self) -> None:
        shell = read('\techo "♫♫" here\n')
        assert shell.commands[0].arguments[1].region == (1, 12, 1, 16)

    def test_windows_line_ends(self) -> None:
        shell = read("set -e\r\npg_dump \\\r\n  --file x\r\ncat <<EOF\r\ntext\r\nEOF\r\nlast\r\n")
        assert [command.name for command in shell.commands] == ["set", "pg_dump", "cat", "last"]
        assert [word.value for word in named(shell, "pg_dump").arguments] == ["--file", "x"]

    def test_glob_and_expand(self) -> None:
        shell = read('cp "$SRC"/*.gz "a*b"')
        first, second = shell.commands[0].arguments
        assert first.has_glob
        assert not second.has_glob
        assert expand(first, lambda name: "/x") == "/x/*.gz"
        assert expand(first, lambda name: None) is None


class TestVariables:
    def test_literals_defaults_and_concatenation(self) -> None:
        shell = read(
            'DIR="${DIR:-/var/backups}"\nNAME=db\nexport FILE="$DIR/$NAME-$(date +%F).gz"\nuse "$FILE" ${NONE-x}\n'
        )
        use = named(shell, "use")
        assert shell.resolve(use.arguments[0]) == f"/var/backups/db-{UNKNOWN}.gz"
        assert shell.resolve(use.arguments[1]) == "x"
        assert shell.variables["NAME"] == "db"

    def test_the_nearest_assignment_counts(self) -> None:
        shell = read("A=1\nfirst $A\nA=2\nsecond $A\nif c; then A=3; fi\nthird $A\n")
        assert shell.resolve(named(shell, "first").arguments[0]) == "1"
        assert shell.resolve(named(shell, "second").arguments[0]) == "2"
        assert shell.resolve(named(shell, "third").arguments[0]) == UNKNOWN

    def test_assigning_default_and_removed_suffix(self) -> None:
        shell = read(': "${B:=bucket/}"\nuse "s3://${B%/}/x"\n')
        assert shell.resolve(named(shell, "use").arguments[0]) == "s3://bucket/x"

    def test_what_read_and_loops_fill_is_unknown(self) -> None:
        shell = read("x=1\nread -r x\nuse $x\ny=1\nfor y in a b; do use2 $y; done\n")
        assert shell.resolve(named(shell, "use").arguments[0]) == UNKNOWN
        assert shell.resolve(named(shell, "use2").arguments[0]) == UNKNOWN

    def test_environment_of_the_caller(self) -> None:
        shell = parse(Source("x", b"use $A $B"), environment={"A": "known", "B": None})
        assert [shell.resolve(word) for word in shell.commands[0].arguments] == ["known", UNKNOWN]

    @pytest.mark.parametrize(
        ("written", "means"),
        [
            ('"$(dirname "$0")/x.sh"', f"{SCRIPT_FOLDER}/x.sh"),
            ('"$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/x.sh"', f"{SCRIPT_FOLDER}/../x.sh"),
            ('"${BASH_SOURCE%/*}/x.sh"', f"{SCRIPT_FOLDER}/x.sh"),
            ('"$(git rev-parse --show-toplevel)/x.sh"', f"{ROOT_FOLDER}/x.sh"),
            ('"$GITHUB_WORKSPACE/x.sh"', f"{ROOT_FOLDER}/x.sh"),
            ('"$(dirname "$0" && curl example.com)/x.sh"', f"{UNKNOWN}/x.sh"),
        ],
    )
    def test_folders(self, written: str, means: str) -> None:
        shell = read(f"source {written}\n")
        assert shell.resolve(named(shell, "source").arguments[0]) == means

    def test_doubling_values_stay_small(self) -> None:
        text = "A0=xxxxxxxx\n" + "".join(f"A{i}=$A{i - 1}$A{i - 1}\n" for i in range(1, 200)) + "use $A199\n"
        shell = read(text)
        assert len(shell.resolve(named(shell, "use").arguments[0])) < 10_000


class TestCommands:
    @pytest.mark.parametrize(
        ("text", "name", "arguments", "wrappers"),
        [
            ("sudo -u postgres env A=1 timeout 5 pg_dump x", "pg_dump", ["x"], ("sudo", "env", "timeout")),
            ("find . | xargs -r -n 1 rm -f", "rm", ["-f"], ("xargs",)),
            ("flock -n /run/x.lock ./run.sh", "run.sh", [], ("flock",)),
            ("nohup nice -n 10 /usr/bin/restic backup &", "restic", ["backup"], ("nohup", "nice")),
            ("command -v jq", "command", ["-v", "jq"], ()),
            ("uv run --with x pytest -q", "pytest", ["-q"], ("uv",)),
            ("poetry install", "poetry", ["install"], ()),
        ],
    )
    def test_wrappers(self, text: str, name: str, arguments: list[str], wrappers: tuple[str, ...]) -> None:
        command = named(read(text), name)
        assert [word.value for word in command.arguments] == arguments
        assert command.wrappers == wrappers

    def test_pipelines_lists_and_conditions(self) -> None:
        shell = read("if ! a | b > f; then c; fi || true\nd && e || { f; exit 1; }\n! g\nwhile h; do i; done\n")
        assert named(shell, "a").pipeline == (3, 0, 2)
        assert named(shell, "a").in_condition
        assert named(shell, "b").redirects[0].target is not None
        assert not named(shell, "c").in_condition
        assert named(shell, "c").conditional
        assert named(shell, "c").guarded
        alternative = named(shell, "d").alternative
        assert alternative is not None
        assert alternative.partner_text.startswith("{ f")
        assert named(shell, "d").errexit_ignored
        assert named(shell, "g").errexit_ignored
        assert named(shell, "h").in_condition
        assert not named(shell, "i").in_condition

    def test_what_stands_behind_a_heredoc_operator(self) -> None:
        shell = read("ssh host <<'EOF' 2>&1 | tee log || exit 3\nrun \"it's\"\nEOF\nafter\n")
        assert [command.name for command in shell.commands] == ["ssh", "tee", "exit", "run", "after"]
        assert named(shell, "run").payload == "ssh"
        assert named(shell, "ssh").pipeline is not None
        assert named(shell, "ssh").redirects[-1].body == 'run "it\'s"\n'
        assert named(shell, "run").region.start_line == 2

    def test_heredoc_in_a_substitution_and_what_runs_in_its_text(self) -> None:
        shell = read('x="$(cat <<EOF\nit\'s $(inner) `tick`\nEOF\n)"\nafter\n')
        assert {"cat", "inner", "tick", "after"} <= {command.name for command in shell.commands}

    def test_quoted_heredoc_runs_nothing(self) -> None:
        assert names("cat > f <<'EOF'\n$(inner)\nEOF\n") == ["cat"]

    def test_payloads(self) -> None:
        text = "ssh host \"cd /x && ./run.sh \\$HOME $(local)\"\nbash -euc 'inner | x'\n"
        shell = read(f"{text}docker exec -t db pg_dump y | gzip\n")
        assert named(shell, "run.sh").payload == "ssh"
        assert named(shell, "local").payload is None
        assert [command.name for command in shell.commands].count("local") == 1
        assert shell.options_at(named(shell, "inner")) == {"errexit", "nounset"}
        dump = named(shell, "pg_dump")
        assert dump.payload == "docker exec"
        assert dump.pipeline == named(shell, "gzip").pipeline._replace(position=0)  # type: ignore[union-attr]
        assert named(shell, "run.sh").text == "./run.sh \\$HOME $(local)"

    def test_kubectl_exec_with_a_shell(self) -> None:
        shell = read("kubectl exec -it deploy/app -- sh -c 'alembic upgrade head'\n")
        assert [command.name for command in shell.commands] == ["kubectl", "sh", "alembic"]

    def test_functions_and_traps(self) -> None:
        shell = read("undo() { kubectl rollout undo x; }\ntrap 'undo; exit' ERR\n")
        assert named(shell, "kubectl").function == "undo"
        assert shell.functions == {"undo"}
        assert named(shell, "undo").payload == "trap"


class TestOptions:
    def test_from_set(self) -> None:
        assert read("set -Eeuo pipefail\n").options >= {"errexit", "nounset", "pipefail"}
        assert read("set -o errexit -o nounset\n").options == {"errexit", "nounset"}
        assert read("setopt ERR_EXIT no_unset pipe_fail\n").options >= {"errexit", "pipefail"}
        assert read("set -- -e\n").options == frozenset()

    def test_scope(self) -> None:
        shell = read("( set -e; inside )\nout=$(set -o pipefail; sub)\noutside\nset -e\nlate\nset +e\nlater\n")
        assert shell.options_at(named(shell, "inside")) == {"errexit"}
        assert shell.options_at(named(shell, "sub")) == {"pipefail"}
        assert not shell.options_at(named(shell, "outside"))
        assert shell.options_at(named(shell, "late")) == {"errexit"}
        assert not shell.options_at(named(shell, "later"))

    def test_shebang(self) -> None:
        document = script.parse(Source("x.sh", b"#!/usr/bin/env -S bash -eu -o pipefail\nrun\n"))
        assert document.interpreter == "bash"
        assert document.shell.options_at(document.shell.commands[0]) == {"errexit", "nounset", "pipefail"}

    def test_github_expressions_are_never_known(self) -> None:
        shell = read('curl "${{ inputs.url }}/x" ${{ env.A }}-b\n', github=True)
        first, second = shell.commands[0].arguments
        assert first.value is None
        assert first.text == '"${{ inputs.url }}/x"'
        assert [part.kind for part in second.parts] == ["expression", "literal"]


class TestHostile:
    @pytest.mark.parametrize(
        "text",
        [
            "echo " + "$(" * 20_000,
            "echo " + "$(" * 20_000 + "x" + ")" * 20_000,
            "if x; then " * 5_000,
            "a | " * 10_000,
            "a && " * 5_000,
            "`" * 10_000,
            "'" + '"' * 9_999,
            "cat <<A\n$(cat <<A\n" * 2_000,
            "cat " + "<<A " * 5_000 + "\nx",
            "set -e\nset +e\n" * 2_000,
            "bash -c '" * 2_000,
            "sudo " * 10_000,
            "\x00\x01\x02${{",
        ],
        ids=lambda text: text[:12].encode("unicode_escape").decode(),
    )
    def test_is_read_in_time(self, text: str) -> None:
        start = time.process_time()
        shell = read(text)
        list(command_facts(shell, "x", Unit("script", "x")))
        assert time.process_time() - start < 5

    def test_depth_and_size_are_told(self) -> None:
        deep = read("echo " + "$(" * 500 + "x" + ")" * 500)
        assert [problem.id for problem in deep.problems] == ["shell/too-deep"]
        large = read("x" * 300_000)
        assert [problem.id for problem in large.problems] == ["shell/too-large"]
        assert not large.commands

    def test_a_program_named_like_a_script(self) -> None:
        with pytest.raises(DocumentError) as caught:
            script.parse(Source("deploy.sh", b"\x7fELF\x02\x01\x01\x00\x00"))
        assert caught.value.problem.id == "input/binary"
        assert caught.value.problem.level == "note"

    FRAGMENTS = st.sampled_from([
        "a", " ", "\n", "'", '"', "$(",
        ")", "${x:-", "}", "`", "|", "||", "&&", ";", "<<E", "\nE\n", "<<-'E'", "\\", "#",
        "{ ", "if ", "then ", "fi", "do ", "done", "for i in ", "case x in ", "esac", "$x", "> f", "bash -c ", "ssh h ",
        "é", "♫", "\r\n", "${{ x }}", "((", "[[ ", "x=", "set -e", "trap ", "\x00", "\t", "eval ",
    ])  # fmt: skip

    @settings(max_examples=150, deadline=None)
    @given(st.one_of(st.lists(FRAGMENTS, max_size=40).map("".join), st.text(max_size=60)))
    @example("x=|a")
    def test_any_text_is_read_and_words_lead_back(self, text: str) -> None:
        source = Source("x.sh", text.encode("utf-8", "surrogateescape"))
        shell = parse(source, github=True)
        for command in shell.commands:
            assert 0 <= command.start <= command.end <= len(source.text)
            for word in command.words:
                assert word.text == source.text[word.start : word.end]
                begin = source.offset(word.region.start_line, word.region.start_column)
                assert begin == word.start
        assert [fact.location.path for fact in command_facts(shell, "x.sh", Unit("script", "x.sh"))] == ["x.sh"] * len(
            shell.commands
        )
