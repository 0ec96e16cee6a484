"""Scripts that stop, and calls that lead somewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]


def kinds(results: list[Result]) -> list[str]:
    return sorted({result.kind for result in results})


class TestStrictMode:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("#!/bin/bash\nset -euo pipefail\nrm x\nmv a b\n", ["pass"]),
            ("#!/bin/bash -eu\nset -o pipefail\nrm x\nmv a b\n", ["pass"]),
            ("#!/bin/sh\nset -eu\nrm x\nmv a b\n", ["pass"]),
            ("#!/usr/bin/env zsh\nsetopt err_exit no_unset pipe_fail\nrm x\nmv a b\n", ["pass"]),
            ("#!/bin/bash\nmain() {\n  set -euo pipefail\n  rm x\n}\nmain\n", ["pass"]),
            ("#!/bin/bash\nusage() { exit 1; }\n[ $# = 1 ] || usage\nset -euo pipefail\nrm x\nmv a b\n", ["pass"]),
            ("#!/bin/bash\nclean() { rm x; }\nclean\nset -euo pipefail\nrm x\nmv a b\n", ["fail"]),
            ("#!/bin/bash\nset -e\nrm x\nmv a b\n", ["fail"]),
            ("#!/bin/bash\nf() { rm x; }\ng() { mv a b; }\n", []),
            ("#!/bin/sh\nexec app\n", []),
            ("#!/bin/sh\nrm x &&\n  mv a b\n", []),
        ],
    )
    def test_options(self, judge: Judge, text: str, kind: list[str]) -> None:
        assert kinds(judge("shell/strict-mode", {"run.sh": text})) == kind

    def test_options_of_the_first_line_are_lost(self, judge: Judge) -> None:
        files = {
            "run.sh": "#!/bin/sh -eu\nrm x\nmv a b\n",
            "all.sh": "#!/bin/sh\nset -eu\nbash run.sh\nbash run.sh\n",
        }
        failed = [result.location.path for result in judge("shell/strict-mode", files) if result.kind == "fail"]
        assert failed == ["run.sh"]

    def test_a_library_is_left_to_its_users(self, judge: Judge) -> None:
        files = {"lib.sh": "rm x\nmv a b\n", "run.sh": "#!/bin/bash\nset -euo pipefail\n. ./lib.sh\nrm y\nmv c d\n"}
        assert kinds(judge("shell/strict-mode", files)) == ["pass"]

    def test_the_fix_replaces_the_options(self, judge: Judge) -> None:
        (result,) = judge("shell/strict-mode", {"run.sh": "#!/bin/bash\nset -e\nrm x\nmv a b\n"})
        assert result.fix is not None
        assert [edit.text for edit in result.fix.edits] == ["set -euo pipefail"]
        assert not result.fix.safe


class TestTargets:
    @pytest.mark.parametrize(
        "call",
        [
            "cd sub && ./there.sh",
            'cd "$(dirname "$0")/../sub"\n./there.sh',
            "[ -f ./gone.sh ] && ./gone.sh",
            "cat > sub/gone.sh <<'EOF'\ntext\nEOF\nbash sub/gone.sh",
            "ssh host ./gone.sh",
            "docker exec box sh /app/gone.sh",
            "source ./gone.sh || true",
            "/opt/app/gone.sh",
            'cd "$UNKNOWN"\n./gone.sh',
            "bash -c 'echo ./gone.sh'",
        ],
    )
    def test_no_claim_or_a_true_one(self, judge: Judge, call: str) -> None:
        files = {"bin/run.sh": f"#!/bin/bash\n{call}\n", "sub/there.sh": "#!/bin/sh\necho\n"}
        assert "fail" not in kinds(judge("shell/exec-targets-exist", files))

    @pytest.mark.parametrize(
        "call",
        ["./bin/gone.sh", "bash bin/gone.sh x", 'source "$(dirname "$0")/gone.sh"', "if ! bin/gone.sh; then exit; fi"],
    )
    def test_a_call_of_nothing(self, judge: Judge, call: str) -> None:
        assert kinds(judge("shell/exec-targets-exist", {"bin/run.sh": f"#!/bin/bash\n{call}\n"})) == ["fail"]

    def test_what_a_build_makes_is_not_claimed(self, judge: Judge) -> None:
        package = '{"name": "a", "scripts": {"start": "node dist/server.js", "seed": "node tools/seed.js"}}'
        files = {"package.json": package, "tools/other.js": "0\n"}
        found = {result.kind: result.message for result in judge("shell/exec-targets-exist", files)}
        assert sorted(found) == ["fail", "open"]
        assert "tools/seed.js" in found["fail"]

    def test_what_a_package_manager_installs_is_left_alone(self, judge: Judge) -> None:
        package = '{"name": "a", "scripts": {"postinstall": "node ./node_modules/x/install.js"}}'
        assert judge("shell/exec-targets-exist", {"package.json": package}) == []

    def test_the_working_directory_of_a_step(self, judge: Judge) -> None:
        workflow = (
            "on: push\njobs: {b: {runs-on: x, steps: [{uses: actions/checkout@v4},"
            " {run: ./there.sh, working-directory: sub}, {run: ./there.sh}]}}\n"
        )
        files = {".github/workflows/b.yml": workflow, "sub/there.sh": "#!/bin/sh\necho\n"}
        found = judge("shell/exec-targets-exist", files)
        assert any(result.kind == "pass" for result in found)

    @pytest.mark.parametrize(
        ("named", "kind"), [("acme/tools", []), ("${{ github.repository }}", ["fail"]), ("''", ["fail"])]
    )
    def test_a_checkout_of_another_repository(self, judge: Judge, named: str, kind: list[str]) -> None:
        checkout = f'{{uses: actions/checkout@v4, with: {{repository: "{named}"}}}}'.replace("\"''\"", "''")
        workflow = f"on: push\njobs: {{b: {{runs-on: x, steps: [{checkout}, {{run: ./gone.sh}}]}}}}\n"
        assert kinds(judge("shell/exec-targets-exist", {".github/workflows/b.yml": workflow})) == kind
