"""Backup jobs in the many forms that repositories give them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sp404audit.results import Result

Judge = Callable[[str, dict[str, str]], list[Result]]

BUCKET = """
resource "aws_s3_bucket" "b" {
  bucket = "acme-dumps"
}
resource "aws_s3_bucket_lifecycle_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {
      prefix = "PREFIX"
    }
    expiration {
      days = DAYS
    }
  }
}
"""
UPLOAD = '#!/bin/bash\nB=acme-dumps\npg_dump -f /tmp/x.sql x\naws s3 cp /tmp/x.sql "s3://$B/daily/$(date +%F).sql"\n'


def kinds(results: list[Result]) -> list[str]:
    return sorted({result.kind for result in results})


def bucket(days: int, prefix: str = "") -> str:
    return BUCKET.replace("DAYS", str(days)).replace("PREFIX", prefix)


class TestRetention:
    def test_the_lifecycle_of_the_bucket_decides(self, judge: Judge) -> None:
        assert kinds(judge("backup/retention", {"b.sh": UPLOAD, "main.tf": bucket(60)})) == ["pass"]

    @pytest.mark.parametrize(
        "upload",
        [
            "aws --profile p s3 cp /x s3://acme-dumps/x --region eu-central-1",
            "pg_dump x | aws s3 cp --sse aws:kms - s3://acme-dumps/x --expected-size 5",
            "aws s3api put-object --bucket acme-dumps --key x --body /x",
            "s3cmd -c /etc/s3cfg put /x s3://acme-dumps/x",
            "s5cmd cp /x s3://acme-dumps/",
        ],
    )
    def test_however_it_is_sent(self, judge: Judge, upload: str) -> None:
        script = f"#!/bin/bash\npg_dump -f /x x\n{upload}\n"
        assert kinds(judge("backup/retention", {"b.sh": script, "main.tf": bucket(60)})) == ["pass"]

    def test_a_download_is_no_copy(self, judge: Judge) -> None:
        script = "#!/bin/bash\naws s3 cp s3://acme-backups/x /restore/x\npg_restore -d x /restore/x\n"
        assert judge("backup/retention", {"b.sh": script}) == []

    def test_a_short_lifecycle_fails_where_the_days_are_said(self, judge: Judge) -> None:
        (result,) = judge("backup/retention", {"b.sh": UPLOAD, "main.tf": bucket(7)})
        assert (result.kind, result.location.path) == ("fail", "main.tf")
        assert result.location.region.start_line == 14

    def test_a_rule_for_other_objects_does_not_count(self, judge: Judge) -> None:
        assert kinds(judge("backup/retention", {"b.sh": UPLOAD, "main.tf": bucket(60, "logs/")})) == ["fail"]

    def test_pruning_at_the_remote_by_a_computed_date(self, judge: Judge) -> None:
        script = UPLOAD + "aws s3 rm \"s3://$B/daily/$(date -d '40 days ago' +%F).sql\"\n"
        assert kinds(judge("backup/retention", {"b.sh": script})) == ["pass"]

    def test_pruning_at_the_remote_too_early(self, judge: Judge) -> None:
        script = "#!/bin/sh\npg_dump -f /x x\nrclone copy /x off:db\nrclone delete --min-age 7d off:db\n"
        assert kinds(judge("backup/retention", {"b.sh": script})) == ["fail"]

    def test_a_local_folder_alone_is_pruned_by_find(self, judge: Judge) -> None:
        script = "#!/bin/sh\npg_dump -f /backups/x x\nfind /backups -mtime +N -delete\n"
        assert kinds(judge("backup/retention", {"b.sh": script.replace("N", "29")})) == ["pass"]

    def test_counted_copies_need_a_schedule(self, judge: Judge) -> None:
        script = "#!/bin/sh\nrestic backup /srv\nrestic forget --keep-last 20\n"
        assert kinds(judge("backup/retention", {"b.sh": script})) == ["open"]

    def test_counted_copies_by_their_schedule(self, judge: Judge) -> None:
        script = "#!/bin/sh\nrestic backup /srv\nrestic forget --keep-last 20\n"
        assert kinds(judge("backup/retention", {"b.sh": script, "crontab": "0 3 * * 0 /opt/b.sh\n"})) == ["pass"]

    @pytest.mark.parametrize(
        ("options", "kind"),
        [
            ("--keep-daily 7 --keep-monthly 12", "pass"),
            ("--keep-within 2m", "pass"),
            ("--keep-within 20d", "fail"),
            ("--keep-weekly 3", "fail"),
            ('--keep-daily "$KEEP"', "open"),
            ('--keep-daily "${KEEP:-45}"', "pass"),
        ],
    )
    def test_restic_forget(self, judge: Judge, options: str, kind: str) -> None:
        script = f"#!/bin/bash\nrestic backup /srv\nrestic forget {options} --prune\n"
        assert kinds(judge("backup/retention", {"b.sh": script})) == [kind]

    def test_a_sidecar_of_compose(self, judge: Judge) -> None:
        service = "services:\n  b:\n    image: eeshugerman/postgres-backup-s3:16\n"
        compose = f"{service}    environment:\n      BACKUP_KEEP_DAYS: 7\n"
        (result,) = judge("backup/retention", {"compose.yaml": compose})
        assert (result.kind, result.location.region.start_line) == ("fail", 5)

    def test_an_image_that_is_the_tool(self, judge: Judge) -> None:
        manifest = (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: b}\nspec:\n  schedule: '0 3 * * *'\n  jobTemplate:\n"
            "    spec: {template: {spec: {initContainers: [{name: a, image: 'restic/restic', args: [backup, /d]}],\n"
            "      containers: [{name: b, image: 'docker.io/restic/restic', args: [forget, --keep-daily, '7']}]}}}\n"
        )
        assert kinds(judge("backup/retention", {"b.yaml": manifest})) == ["fail"]

    @pytest.mark.parametrize(("days", "kind"), [("7", "fail"), ("60", "pass"), ("0", "open")])
    def test_an_artifact_of_a_workflow(self, judge: Judge, days: str, kind: str) -> None:
        workflow = (
            "on: {schedule: [{cron: '0 3 * * *'}]}\njobs: {b: {runs-on: x, steps: [{run: pg_dump -f x.sql x},"
            f" {{uses: actions/upload-artifact@v4, with: {{path: x.sql, retention-days: {days}}}}}]}}}}\n"
        )
        assert kinds(judge("backup/retention", {".github/workflows/b.yml": workflow})) == [kind]

    def test_cloudformation(self, judge: Judge) -> None:
        template = (
            "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n"
            "      BucketName: acme-dumps\n      LifecycleConfiguration:\n        Rules:\n"
            "          - {Id: x, Status: Enabled, ExpirationInDays: 90}\n"
        )
        assert kinds(judge("backup/retention", {"b.sh": UPLOAD, "cfn/backup.yaml": template})) == ["pass"]


class TestPipelines:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("#!/bin/bash\nset -o pipefail\ndocker exec db pg_dump x | gzip > x.gz\n", "pass"),
            ("#!/bin/bash\ndocker exec db pg_dump x | gzip > x.gz\n", "fail"),
            ("#!/bin/bash\npg_dump x | gzip > x.gz\n[ ${PIPESTATUS[0]} -eq 0 ] || exit 1\n", "pass"),
            ("#!/bin/bash\nssh h 'mysqldump x | gzip' > x.gz\n", "fail"),
            ("#!/bin/bash\nset -o pipefail\nssh h mysqldump x | gzip > x.gz\n", "pass"),
            ("#!/bin/bash\nbash -o pipefail -c 'pg_dump x | gzip > x.gz'\n", "pass"),
            ("#!/bin/bash\npg_dump x > x.sql && gzip x.sql\n", "pass"),
        ],
    )
    def test_whose_status_counts(self, judge: Judge, text: str, kind: str) -> None:
        assert kinds(judge("backup/pipeline-status", {"b.sh": text})) == [kind]

    def test_a_copy_between_servers_is_no_backup(self, judge: Judge) -> None:
        assert judge("backup/pipeline-status", {"copy.sh": "#!/bin/bash\npg_dump a | psql b\n"}) == []

    def test_a_dump_of_the_structure_alone_is_no_backup(self, judge: Judge) -> None:
        assert judge("backup/pipeline-status", {"schema.sh": "#!/bin/bash\npg_dump --schema-only a | sort > a\n"}) == []

    def test_a_makefile_with_flags_for_its_shell(self, judge: Judge) -> None:
        makefile = "SHELL := bash\n.SHELLFLAGS := -eu -o pipefail -c\nbackup:\n\tpg_dump x | gzip > x.gz\n"
        assert kinds(judge("backup/pipeline-status", {"Makefile": makefile})) == ["pass"]


class TestSchedules:
    SCRIPT = "#!/bin/bash\npg_dump -f /backups/x x\n"

    @pytest.mark.parametrize(
        "files",
        [
            {"ops/crontab": "0 3 * * * /opt/app/ops/backup.sh\n"},
            {"ops/cron.d/app": "0 3 * * * root flock -n /run/l /opt/app/ops/backup.sh\n"},
            {
                "units/b.service": "[Service]\nExecStart=/opt/app/ops/backup.sh\n",
                "units/b.timer": "[Timer]\nOnCalendar=daily\n",
            },
            {
                ".github/workflows/b.yml": "on: {schedule: [{cron: '0 3 * * *'}]}\njobs: {b: {runs-on: x, steps:"
                " [{uses: actions/checkout@v4}, {run: ./ops/backup.sh}]}}\n"
            },
            {"play.yml": "- hosts: db\n  tasks:\n    - ansible.builtin.cron: {hour: '3', job: /opt/ops/backup.sh}\n"},
        ],
        ids=["crontab", "cron.d", "systemd", "workflow", "ansible"],
    )
    def test_a_script_that_a_schedule_starts(self, judge: Judge, files: dict[str, str]) -> None:
        assert kinds(judge("backup/scheduled", {"ops/backup.sh": self.SCRIPT, **files})) == ["pass"]

    @pytest.mark.parametrize(
        ("then", "kind"),
        [
            ("alembic upgrade head", "notApplicable"),
            ("python manage.py migrate --noinput", "notApplicable"),
            ("bundle exec rails db:migrate", "notApplicable"),
            ("helm upgrade --install a ./chart", "notApplicable"),
            ("systemctl start app", "fail"),
            ("docker compose up -d", "fail"),
        ],
    )
    def test_a_copy_from_before_a_change_needs_no_clock(self, judge: Judge, then: str, kind: str) -> None:
        script = f"#!/bin/bash\nset -euo pipefail\npg_dump -f /b/x.sql x\n{then}\n"
        assert kinds(judge("backup/scheduled", {"run.sh": script})) == [kind]

    def test_a_service_without_a_timer(self, judge: Judge) -> None:
        unit = "[Service]\nExecStart=/usr/bin/restic backup /srv\n"
        assert kinds(judge("backup/scheduled", {"restic.service": unit})) == ["fail"]

    def test_a_service_of_compose_that_sleeps_between_runs(self, judge: Judge) -> None:
        loop = "while true; do pg_dump x | gzip > /b/x.gz; sleep 86400; done"
        compose = f"services:\n  b:\n    image: postgres:17\n    command: [sh, -c, '{loop}']\n"
        assert kinds(judge("backup/scheduled", {"compose.yaml": compose})) == ["pass"]
        assert kinds(judge("backup/pipeline-status", {"compose.yaml": compose})) == ["fail"]

    def test_a_cronjob_of_kubernetes(self, judge: Judge) -> None:
        manifest = (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: b}\nspec:\n  schedule: '0 3 * * *'\n  jobTemplate:\n"
            "    spec: {template: {spec: {containers: [{name: d, image: x, command: [pg_dump, -f, /b/x, x]}]}}}\n"
        )
        assert kinds(judge("backup/scheduled", {"b.yaml": manifest})) == ["pass"]


class TestEncryption:
    @pytest.mark.parametrize(
        ("upload", "kind"),
        [
            ("pg_dump x | gpg -e -r k | aws s3 cp - s3://b/x", "pass"),
            ("pg_dump -f x x; aws s3 cp x s3://b/backup --sse aws:kms", "pass"),
            ("pg_dump -f x x; aws s3 cp x s3://b/backup", "fail"),
            ("pg_dump -f x x; scp x h:/backups/", "open"),
            ("restic backup /srv", "pass"),
            ("duplicity --no-encryption /srv sftp://h//b", "fail"),
        ],
    )
    def test_what_leaves(self, judge: Judge, upload: str, kind: str) -> None:
        assert kinds(judge("backup/encrypted", {"b.sh": f"#!/bin/bash\n{upload}\n"})) == [kind]

    def test_the_provider_s_default_is_the_lesser_failure(self, judge: Judge) -> None:
        (result,) = judge("backup/encrypted", {"b.sh": UPLOAD})
        assert result.severity.label == "medium"

    def test_a_snapshot_of_a_disk(self, judge: Judge) -> None:
        disk = 'resource "aws_ebs_volume" "v" {\n  availability_zone = "x"\n  encrypted = true\n}\n'
        snapshot = 'resource "aws_ebs_snapshot" "s" {\n  volume_id = aws_ebs_volume.v.id\n}\n'
        assert kinds(judge("backup/encrypted", {"main.tf": disk + snapshot})) == ["pass"]
