"""Secrets that a job writes to disk do not outlive their use."""

from __future__ import annotations

from sp404audit.documents.github.workflow import Job, Workflow
from sp404audit.documents.secrets.files import SecretFile, secret_files
from sp404audit.results import Severity
from sp404audit.rules import Verdict, Verdicts, fail, passed, rule, unproven


@rule("secrets/ci-plaintext-written", severity="high", cwe=[312, 313])
def ci_plaintext_written(workflow: Workflow) -> Verdicts:
    """Secrets that a job writes into a file are removed again, and carried nowhere.

    A file with secrets lies in the workspace for every later step and for every action that they use. An artifact, a
    cache or an image layer takes it out of the job; on a runner of your own the next job finds it.

    Removed is what `rm` or `shred` takes away later in the job, or in a `trap` of the same step, and what is encrypted
    in place; the runner itself empties `$RUNNER_TEMP` when the job ends. `$GITHUB_ENV` and its like, and the job's own
    token, are left out.

    Fix: write below `$RUNNER_TEMP`, and remove the file with `trap 'rm -f …' EXIT` or in a last step with
    `if: always()`; pass secrets to an image build with `--mount=type=secret`.

    Passes:
        on: push
        jobs:
          deploy:
            runs-on: ubuntu-24.04
            steps:
              - env:
                  KUBECONFIG_DATA: ${{ secrets.KUBECONFIG }}
                run: |
                  trap 'rm -f "$RUNNER_TEMP/kubeconfig"' EXIT
                  printf '%s' "$KUBECONFIG_DATA" > "$RUNNER_TEMP/kubeconfig"
                  kubectl --kubeconfig "$RUNNER_TEMP/kubeconfig" apply -f k8s/

    Fails (it is never removed):
        on: push
        jobs:
          deploy:
            runs-on: ubuntu-24.04
            steps:
              - run: echo "API_KEY=${{ secrets.API_KEY }}" > .env
              - run: ./deploy.sh

    Fails (it becomes part of an artifact):
        on: push
        jobs:
          build:
            runs-on: ubuntu-24.04
            steps:
              - run: echo "${{ secrets.SIGNING_KEY }}" > dist/signing.key
              - uses: actions/upload-artifact@v4
                with:
                  path: dist
              - run: rm dist/signing.key
    """
    for job in workflow.all_jobs:
        for file in secret_files(job):
            yield _verdict(job, file)


def _verdict(job: Job, file: SecretFile) -> Verdict:
    related = tuple((carrier.region, carrier.what) for carrier in file.carriers)
    certain = next((carrier for carrier in file.carriers if carrier.certain), None)
    if certain is not None:
        message = f"secrets are written to {file.name}, and a later step {certain.what}: keep the file out of it"
        return fail(file.region, message, severity=Severity.HIGH, related=related)
    if file.removal is None and not file.is_temporary:
        own_runner = any("self-hosted" in label.value for label in job.runs_on)
        severity = Severity.HIGH if own_runner or file.carriers else Severity.MEDIUM
        carried = f", and a later step {file.carriers[0].what}" if file.carriers else ""
        message = f"secrets are written to {file.name}, which the job never removes{carried}: remove it with a trap"
        return fail(file.region, message, severity=severity, related=related)
    if file.carriers:
        why = f"a step {file.carriers[0].what} ({file.name}) before it is removed; an ignore file may keep it out"
        return unproven(file.region, why, related=related)
    if file.removal is None:
        return passed(file.region, f"{file.name} is temporary: the runner empties that folder when the job ends")
    return passed(file.region, f"{file.name} is removed", related=[(file.removal, "removed here")])
