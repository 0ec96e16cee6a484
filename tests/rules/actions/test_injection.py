from __future__ import annotations

from textwrap import dedent, indent

import pytest

from sp404audit.documents.github import action, workflow
from sp404audit.documents.github.code import Code
from sp404audit.documents.source import Source
from sp404audit.results import Fix, Severity
from sp404audit.rules.actions.injection import no_script_injection
from sp404audit.rules.registry import Verdict


def judge(text: str, *, include_refs: bool = False) -> list[Verdict]:
    source = Source(".github/workflows/w.yml", dedent(text).encode())
    codes = [subject for subject in workflow.parse(source).subjects() if isinstance(subject, Code)]
    return [verdict for code in codes for verdict in no_script_injection(code, include_refs=include_refs)]


def in_job(steps: str, on: str = "issues", extra: str = "") -> str:
    head = f"on: {on}\njobs:\n  one:\n    runs-on: ubuntu-24.04\n"
    return head + indent(dedent(extra), "    ") + "    steps:\n" + indent(dedent(steps), "      ")


def severities(text: str, *, include_refs: bool = False) -> list[str]:
    found = judge(text, include_refs=include_refs)
    return [(verdict.severity or Severity.HIGH).label for verdict in found if verdict.kind == "fail"]


def expands(expression: str, on: str = "issues") -> list[str]:
    return severities(in_job(f"- run: echo ${{{{ {expression} }}}}\n", on))


@pytest.mark.parametrize(
    "expression",
    [
        "github.event.issue.title",
        "GitHub.Event.Issue['title']",
        "github.event.*.body",
        "toJSON(github.event)",
        "toJSON(github)",
        "format('{0}', github.event.comment.body)",
        "github.event.issue.title || 'none'",
        "github.event.pages[0].page_name",
        "github.event.workflow_run.pull_requests.*.head.ref",
        "github.head_ref || github.sha",
    ],
)
def test_what_anyone_writes(expression: str) -> None:
    assert expands(expression) == ["critical"]
    assert expands(expression, "pull_request") == ["high"]


@pytest.mark.parametrize(
    "expression",
    [
        "github.event.issue.number",
        "github.event.issue.title == 'x'",
        "contains(github.event.issue.title, 'x')",
        "github.event.issue.title && 'long' || 'short'",
        "!github.head_ref",
        "github.event",
        "github.actor",
        "github.event.pull_request.head.sha",
        "github.event.pull_request.head.repo.full_name",
        "github.event.issue.html_url",
        "needs.x.result",
        "steps.x.outcome",
        "secrets.KEY",
        "vars.NAME",
        "hashFiles(github.head_ref)",
        "inputs.undeclared",
        "'a literal'",
    ],
)
def test_what_holds_no_code(expression: str) -> None:
    assert expands(expression) == []


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("push", ["low"]),
        ("schedule", ["low"]),
        ("workflow_call", ["high"]),
        ("check_suite", ["medium"]),
        ("[push, pull_request]", ["high"]),
        ("[pull_request, pull_request_target]", ["critical"]),
    ],
)
def test_the_trigger_grades(on: str, expected: list[str]) -> None:
    assert expands("github.event.pull_request.title", on) == expected


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("{type: string}", ["medium"]),
        ("{type: environment}", ["medium"]),
        ("", ["medium"]),
        ("{type: boolean}", []),
        ("{type: number}", []),
        ("{type: choice, options: [a]}", []),
    ],
)
@pytest.mark.parametrize("expression", ["inputs.x", "inputs['X']", "github.event.inputs.x", "toJSON(inputs)"])
def test_inputs_by_their_type(definition: str, expected: list[str], expression: str) -> None:
    assert expands(expression, f"{{workflow_dispatch: {{inputs: {{X: {definition}}}}}}}") == expected


def test_names_of_refs_are_reported_on_request_where_they_are_free() -> None:
    for on, expected in [
        ("push", ["low"]),
        ("{push: {tags: ['v*']}}", ["low"]),
        ("{push: {branches: [main]}}", []),
        ("pull_request_target", []),
        ("workflow_dispatch", ["low"]),
    ]:
        text = in_job("- run: echo ${{ github.ref_name }}\n", on)
        assert severities(text, include_refs=True) == expected
        assert severities(text) == []


def test_through_variables_of_every_scope() -> None:
    text = """\
        on: issues
        env: {A: '${{ github.event.issue.title }}', B: literal, C: '${{ github.event.issue.title }}'}
        jobs:
          one:
            runs-on: ubuntu-24.04
            env: {C: literal}
            steps:
              - run: echo ${{ env.a }} ${{ env.B }} ${{ env.C }} ${{ env.D }} ${{ env.unknown }}
                env: {D: 'x ${{ env.A }}'}
        """
    assert len(severities(text)) == 2


def test_through_files_of_the_runner() -> None:
    steps = """\
        - id: one
          env: {TITLE: '${{ github.event.issue.title }}'}
          run: |
            echo "title=$TITLE" >> "$GITHUB_OUTPUT"
            echo "fixed=1" >> "$GITHUB_OUTPUT"
            echo "LATER=${TITLE}" >> $GITHUB_ENV
        - run: echo ${{ steps.one.outputs.title }}
        - run: echo ${{ steps.one.outputs.fixed }}
        - run: echo ${{ env.LATER }}
        """
    assert len(severities(in_job(steps))) == 2


def test_through_outputs_of_jobs_and_of_known_actions() -> None:
    text = """\
        on: pull_request_target
        jobs:
          a:
            outputs:
              files: ${{ steps.changed.outputs.all_changed_files }}
              count: ${{ steps.changed.outputs.count }}
            steps: [{id: changed, uses: tj-actions/changed-files@v1}]
          b:
            needs: a
            strategy: {matrix: {file: '${{ fromJSON(needs.a.outputs.files) }}', os: [linux]}}
            steps:
              - run: lint ${{ matrix.file }}
              - run: lint ${{ needs.a.outputs.files }} ${{ needs.a.outputs.count }}
              - run: lint ${{ matrix.os }}
        """
    assert severities(text) == ["critical", "critical"]


def test_code_that_is_no_command() -> None:
    steps = """\
        - uses: actions/github-script@v7
          with: {script: 'core.info("${{ github.event.issue.title }}")'}
        - uses: octo/say@v1
          with: {script: '${{ github.event.issue.title }}'}
        - uses: docker/build-push-action@v6
          with: {context: '${{ github.head_ref }}'}
        - if: github.event.issue.title == 'x'
          run: 'true'
          shell: ${{ github.event.issue.title }}
        """
    extra = "container: {image: a, options: '--name ${{ github.head_ref }}'}\n"
    messages = [verdict.message for verdict in judge(in_job(steps, extra=extra)) if verdict.kind == "fail"]
    assert [message.partition(" expands")[0] for message in messages] == [
        "'container.options' of job 'one'",
        "'script' of step 'actions/github-script@v7'",
        "'shell' of step 4",
    ]


def test_what_never_runs_is_not_judged() -> None:
    assert judge(in_job("- if: false\n  run: echo ${{ github.head_ref }}\n")) == []


@pytest.mark.parametrize(
    ("on", "output", "kind"),
    [
        ("pull_request", "steps.look.outputs.found", "open"),
        ("push", "steps.look.outputs.found", "pass"),
        ("pull_request", "steps.look.outputs.cache-hit", "pass"),
        ("pull_request", "steps.look.outcome", "pass"),
        ("pull_request", "needs.called.outputs.x", "open"),
        ("pull_request", "steps.look.outputs.found == '1'", "pass"),
    ],
)
def test_outputs_whose_origin_is_not_known_are_not_proven(on: str, output: str, kind: str) -> None:
    steps = f"- {{id: look, uses: octo/look@v1}}\n- run: echo ${{{{ {output} }}}}\n"
    text = in_job(steps, on) + "  called:\n    uses: octo/x/.github/workflows/y.yml@v1\n"
    assert [verdict.kind for verdict in judge(text)] == [kind]


def test_inputs_of_an_action() -> None:
    text = """\
        inputs: {name: {}}
        runs:
          using: composite
          steps: [{run: 'echo ${{ inputs.name }} ${{ github.head_ref }}', shell: bash}]
        """
    document = action.parse(Source("action.yml", dedent(text).encode()))
    codes = [subject for subject in document.subjects() if isinstance(subject, Code)]
    found = [verdict.severity for code in codes for verdict in no_script_injection(code)]
    assert found == [Severity.MEDIUM, Severity.HIGH]


def test_values_that_refer_to_values_are_followed_within_a_budget() -> None:
    doubling = "".join(f"  V{n}: '{f'${{{{ env.V{n + 1} }}}}' * 60}'\n" for n in range(30))
    text = f"on: issues\nenv:\n{doubling}jobs:\n  a:\n    steps: [{{run: 'echo ${{{{ env.V0 }}}}'}}]\n"
    assert [verdict.kind for verdict in judge(text)] == ["open"]


def test_the_trigger_is_shown() -> None:
    (verdict,) = judge(in_job("- run: echo ${{ github.event.issue.title }}\n"))
    assert [message for _, message in verdict.related] == ["'issues' runs it with the repository's own rights"]


def fixed(text: str) -> str | None:
    """The text as the first verdict's fix leaves it."""
    fix = judge(text)[0].fix
    return applied(text, fix) if fix else None


def applied(text: str, fix: Fix) -> str:
    source = Source("w", text.encode())
    for edit in sorted(fix.edits, key=lambda edit: edit.region, reverse=True):
        region = edit.region
        start = source.offset(region.start_line, region.start_column)
        end = source.offset(region.end_line, region.end_column)
        text = text[:start] + edit.text + text[end:]
    return text


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            "- name: greet\n  run: echo '#1' \"${{ github.event.issue.title }}\"\n",
            "- name: greet\n  env:\n    ISSUE_TITLE: ${{ github.event.issue.title }}\n"
            "  run: echo '#1' \"${ISSUE_TITLE}\"\n",
        ),
        (
            "- run: |\n    a ${{ github.head_ref }}\n    b ${{ github.head_ref }}-${{ github.event.issue.body }}\n"
            "  env:\n    X: y\n",
            "- run: |\n    a ${HEAD_REF}\n    b ${HEAD_REF}-${ISSUE_BODY}\n"
            "  env:\n    HEAD_REF: ${{ github.head_ref }}\n    ISSUE_BODY: ${{ github.event.issue.body }}\n    X: y\n",
        ),
        (
            "- uses: actions/github-script@v7\n  with:\n    script: return '${{ github.event.issue.title }}'\n",
            "- env:\n    ISSUE_TITLE: ${{ github.event.issue.title }}\n"
            "  uses: actions/github-script@v7\n  with:\n    script: return process.env.ISSUE_TITLE\n",
        ),
        (
            '- run: echo "${{ github.head_ref }}"\n  shell: pwsh\n',
            '- env:\n    HEAD_REF: ${{ github.head_ref }}\n  run: echo "${env:HEAD_REF}"\n  shell: pwsh\n',
        ),
    ],
)
def test_the_fix(steps: str, expected: str) -> None:
    result = fixed(in_job(steps))
    assert result == in_job(expected)
    assert result is not None
    assert all(verdict.kind == "pass" for verdict in judge(result))


@pytest.mark.parametrize(
    "steps",
    [
        "- run: echo '${{ github.head_ref }}'\n",
        "- run: |\n    cat <<E\n    ${{ github.head_ref }}\n    E\n",
        "- run: |\n    true # ${{ github.head_ref }}\n",
        "- {run: 'echo ${{ github.head_ref }}'}\n",
        "- run: ${{ github.head_ref }}\n",
        "- run: echo ${{ github.head_ref }}\n  shell: cmd\n",
        "- uses: actions/github-script@v7\n  with:\n    script: return [${{ github.event.issue.title }}]\n",
    ],
)
def test_no_fix_where_it_could_change_the_meaning(steps: str) -> None:
    assert fixed(in_job(steps)) is None


@pytest.mark.parametrize("name", ["path", "github-token", "ld_preload", "home"])
def test_the_fix_takes_no_name_that_means_something(name: str) -> None:
    text = in_job(f"- run: echo ${{{{ inputs.{name} }}}}\n", f"{{workflow_dispatch: {{inputs: {{{name}: }}}}}}")
    result = fixed(text)
    assert result is not None
    assert f"{name.upper().replace('-', '_')}_VALUE: " in result
