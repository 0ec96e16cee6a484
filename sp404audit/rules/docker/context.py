"""What is sent to the builder."""

from __future__ import annotations

import posixpath

from sp404audit.documents.containers.built_images import BuildContext
from sp404audit.documents.containers.dockerignore import IgnoreFile, ignore_file
from sp404audit.rules import Verdicts, fail, not_applicable, passed, rule


@rule("docker/dockerignore-present", severity="medium", cwe=[538], precision="high")
def dockerignore_present(context: BuildContext) -> Verdicts:
    """A build context that is copied wholesale has a .dockerignore.

    `COPY . .` takes everything that lies in the folder on the machine that builds: the git history with what was
    deleted from it, the environment file, dependencies that were installed for another system. All of it ends in a
    layer that anybody who pulls the image can read, and every change to it throws the build cache away.

    Fix: put a .dockerignore into the context that leaves out at least `.git`, `.env*` and installed dependencies, or
    one that leaves out everything (`*`) and takes back in what the build needs.

    Passes:
        --- Dockerfile
        FROM python:3.13-slim
        COPY . /srv
        --- .dockerignore
        .git
        **/.env*
        .venv

    Passes (only what is named is taken back in):
        --- site/Dockerfile
        FROM nginxinc/nginx-unprivileged:1.28
        COPY . /usr/share/nginx/html
        --- site/.dockerignore
        *
        !*.html

    Fails:
        FROM python:3.13-slim
        COPY . /srv

    Fails (what matters is left in):
        --- Dockerfile
        FROM python:3.13-slim
        COPY . /srv
        --- .dockerignore
        docs
        *.md
    """
    copies = context.wholesale_copies
    if not copies:
        yield not_applicable(context, "copies only what it names")
        return
    found = [ignore_file(context.repository, context.dockerfile.path, folder) for folder in context.folders]
    present = next((file for file in found if file is not None), None)
    first = copies[0]
    related = [(copy.location, "copies the whole context as well") for copy in copies[1:]]
    if context.request is not None:
        related.append((context.request.location, "is what builds it"))
    if present is None:
        place = posixpath.join(context.folders[0], ".dockerignore")
        message = f"copies the whole context, and there is no {place}; leave out .git, .env* and dependencies"
        yield fail(first.location, message, related=related)
        return
    missing = _left_in(present, context)
    if missing:
        message = f"copies the whole context, and {present.location.path} leaves {' and '.join(missing)} in; add them"
        related.insert(0, (present.location, "leaves out too little"))
        severity = "low" if missing == ["node_modules"] else None
        yield fail(first.location, message, severity=severity, related=related)
    else:
        yield passed(
            present.location, "leaves out what must not be copied", related=[(first.location, "copies the rest")]
        )


def _left_in(file: IgnoreFile, context: BuildContext) -> list[str]:
    """What an ignore file leaves in the context that is never meant to be in an image."""
    ignored = file.ignored
    folder = context.folders[0]
    own_folder = posixpath.dirname(file.location.path)
    if own_folder in context.folders:
        folder = own_folder
    wanted = [".git"] if folder == "" else []
    wanted.append(".env")
    if context.repository.exists(posixpath.join(folder, "package.json")):
        wanted.append("node_modules")
    return [name for name in wanted if name not in ignored]
