import textwrap
import time

import pytest

from sp404audit.documents.github.workflow import parse
from sp404audit.documents.secrets.files import SecretFile, secret_files
from sp404audit.documents.source import Source


def files(steps: str, job: str = "") -> list[SecretFile]:
    text = "on: push\njobs:\n  a:\n    runs-on: x\n" + textwrap.indent(textwrap.dedent(job), "    ")
    text += "    steps:\n" + textwrap.indent(textwrap.dedent(steps), "      ")
    workflow = parse(Source(".github/workflows/a.yml", text.encode()))
    return [file for job in workflow.all_jobs for file in secret_files(job)]


def written(command: str) -> list[str]:
    head = "- env:\n    S: ${{ secrets.S }}\n  run: |\n"
    return [file.name for file in files(head + textwrap.indent(textwrap.dedent(command), "    "))]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo ${{ secrets.A }} > .env", [".env"]),
        ('echo "$S" > .env', [".env"]),
        ('printf %s "${S}" >> ./a/../.env', [".env"]),
        ('echo "$S" | base64 -d > key', ["key"]),
        ('base64 -d <<< "$S" > key', ["key"]),
        ('echo "$S" | sudo tee /etc/key >/dev/null', ["/etc/key"]),
        ("cat > out/x <<EOF\nA=$S\nEOF", ["out/x"]),
        ("cat <<'EOF' > x\nA=${{ secrets.A }}\nEOF", ["x"]),
        ("cat <<'EOF' > x\nA=$S\nEOF", []),
        ('{ echo a; echo "$S"; } > .env', [".env"]),
        ('KEY=$(echo "$S" | base64 -d)\necho "$KEY" > k', ["k"]),
        ('sed -i "s/TOKEN/$S/" config.yml', ["config.yml"]),
        ("envsubst < a.tmpl > a.conf", ["a.conf"]),
        ('echo "$S" > ~/.ssh/id', ["${HOME}/.ssh/id"]),
        ('echo "$S" > "$GITHUB_WORKSPACE/.env"', [".env"]),
        ("echo $S > ${{ runner.temp }}/k", ["${RUNNER_TEMP}/k"]),
        ('t=$(mktemp -d)\necho "$S" > "$t/k"', ["${t}/k"]),
        ('echo "A=$S" >> "$GITHUB_ENV"', []),
        ('echo "$S" > /dev/null', []),
        ('echo "$S" | gpg -c > a.gpg', []),
        ('echo "$S" | sha256sum > sum', []),
        ('echo "$S" | docker login --password-stdin', []),
        ('echo "$S" >> ~/.ssh/known_hosts', []),
        ('curl -H "Authorization: $S" https://x > out.json', []),
        ("echo ${{ secrets.GITHUB_TOKEN }} > x", []),
        ("echo $OTHER > x", []),
        ("echo '_authToken=${S}' > .npmrc", []),
        ('echo "_authToken=\\${S}" > .npmrc', []),
        ("echo _authToken=\\$S > .npmrc", []),
        ("X='$S'\necho \"$X\" > x", []),
        ("echo \"token = '$S'\" > x", ["x"]),
        ("echo '{\"token\": \"'$S'\"}' > x", ["x"]),
        ("cat > x <<EOF\nt='$S'\nEOF", ["x"]),
        ("echo ${{ secrets.APP_ID }} > x", []),
        ("echo ${{ secrets.APP_ID }} ${{ secrets.APP_KEY }} > x", ["x"]),
        ("echo '${{ toJSON(secrets) }}' > x", ["x"]),
        ("echo ${{ secrets[inputs.name] }} > x", ["x"]),
    ],
)
def test_what_is_written(command: str, expected: list[str]) -> None:
    assert written(command) == expected


def test_variables_of_the_job() -> None:
    (file,) = files('- run: echo "$S" > f\n', job="env:\n  S: ${{ secrets.S }}\n")
    assert file.region.start_line == 8


def test_removals() -> None:
    write = '- run: echo "${{ secrets.S }}" > "$RUNNER_TEMP/d/k"\n'
    for removal in (
        'rm "$RUNNER_TEMP/d/k"',
        "rm -rf ${RUNNER_TEMP}/d",
        "shred -u ${{ runner.temp }}/d/k",
        'rm -f "$RUNNER_TEMP"/d/*',
        'sops --encrypt --in-place "$RUNNER_TEMP/d/k"',
    ):
        (file,) = files(write + f"- run: {removal}\n")
        assert file.removal is not None, removal
    for other in ("rm k", "rm -rf other", "echo rm $RUNNER_TEMP/d/k"):
        (file,) = files(write + f"- run: {other}\n")
        assert file.removal is None, other


def test_a_trap_removes_at_the_end_of_its_own_step() -> None:
    head = "- env: {S: '${{ secrets.S }}'}\n  run: |\n"
    step = head + "    w=$(mktemp -d)\n    trap 'rm -rf \"$w\"' EXIT\n    echo $S > $w/k\n"
    (file,) = files(step)
    assert file.removal is not None
    other = "- run: trap 'rm f' EXIT\n- run: echo ${{ secrets.S }} > f\n"
    (file,) = files(other)
    assert file.removal is None


def what(steps: str) -> list[tuple[str, bool]]:
    (file,) = files(steps)
    return [(carrier.what.split()[0], carrier.certain) for carrier in file.carriers]


WRITE = "- run: echo ${{ secrets.S }} > out/k\n"
HIDDEN = "- run: echo ${{ secrets.S }} > out/.env\n"


def upload(path: str, version: str = "v4", more: str = "") -> str:
    return f"- uses: actions/upload-artifact@{version}\n  with:\n    path: {path}\n{more}"


def test_uploads() -> None:
    for path in (
        "out",
        "./out/",
        "out/k",
        "out/*",
        ".",
        "'**'",
        "${{ github.workspace }}/out",
        "|\n      a\n      out",
    ):
        assert what(WRITE + upload(path)) == [("uploads", True)], path
    for path in ("other", "out/k2", "'*.txt'", "|\n      out\n      !out/k"):
        assert what(WRITE + upload(path)) == [], path


def test_uploads_of_hidden_files() -> None:
    assert what(HIDDEN + upload("out")) == []
    assert what(HIDDEN + upload("out/.env")) == [("uploads", True)]
    assert what(HIDDEN + upload("out", "v3")) == [("uploads", True)]
    assert what(HIDDEN + upload("out", more="    include-hidden-files: true\n")) == [("uploads", True)]


def test_order_decides() -> None:
    remove = "- run: rm out/k\n"
    assert what(upload("out") + WRITE) == []
    assert what(WRITE + remove + upload("out")) == []
    assert what(WRITE + upload("out") + remove) == [("uploads", True)]


def test_a_cache_is_saved_when_the_job_ends() -> None:
    cache = "- uses: actions/cache@v4\n  with: {path: out, key: a}\n"
    assert what(cache + WRITE) == [("caches", True)]
    assert what(cache + WRITE + "- run: rm -r out\n") == []


def test_builds_and_commits() -> None:
    assert what(WRITE + "- run: docker build -t x .\n") == [("builds", False)]
    assert what(WRITE + "- uses: docker/build-push-action@v6\n  with: {context: out}\n") == [("builds", False)]
    assert what(WRITE + "- uses: docker/build-push-action@v6\n") == []
    assert what(WRITE + "- run: git add -A && git commit -m x\n") == [("commits", True)]
    assert what(WRITE + "- run: git add docs\n") == []


def test_folders_of_steps() -> None:
    (file,) = files("- working-directory: app\n  run: echo ${{ secrets.S }} > .env\n- run: rm app/.env\n")
    assert file.name == "app/.env"
    assert file.removal is not None
    (file,) = files("- working-directory: app\n  run: echo ${{ secrets.S }} > $GITHUB_WORKSPACE/.env\n")
    assert file.name == ".env"


def test_steps_of_a_fragment() -> None:
    document = parse(Source(".github/workflows/a.yml", b"- run: echo ${{ secrets.S }} > f\n"))
    assert [file.name for job in document.all_jobs for file in secret_files(job)] == ["f"]


def test_hostile_commands_take_little_time() -> None:
    started = time.process_time()
    files("- run: |\n" + "    echo ${{ secrets.S }} > f\n" * 2000)
    files("- run: 'echo " + "${{ " * 20_000 + " secrets > f'\n")
    files("- run: 'echo ${{ secrets.S }} > " + "a*" * 200 + "'\n- run: rm " + "a*" * 200 + "b\n")
    assert time.process_time() - started < 5
