"""Starting another tool on a repository that may be hostile: on copies, from an empty folder, under bounds."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from sp404audit.discovery import InputError, Reader

__all__ = ["Finished", "ToolRun"]

TIMEOUT_SECONDS = 120.0
MEMORY_BYTES = 3 * 1024**3
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy")


class Finished:
    """What a tool left behind: its exit code (None when it was stopped), what it printed, and why it failed."""

    def __init__(self, code: int | None, output: str, errors: str) -> None:
        self.code = code
        self.output = output
        self.errors = errors


class ToolRun:
    """A Python tool at work on copies of the audited files.

    The tool sees regular files only, none of them a configuration of its own, and no link; its working folder is
    empty, since tools load configuration, and with it code, from there (checkov's `.checkov.yaml` names Python files
    to run). It runs isolated (`python -I`), without our environment's secrets.

    Args:
        module: that `python -m` starts.
        arguments: of the tool; `{input}` stands for the folder with the copies.
        reader: of the repository.
        paths: the files to copy.
    """

    def __init__(self, module: str, arguments: Sequence[str], reader: Reader, paths: Iterable[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sp404audit-")
        base = Path(self._folder.name).resolve()
        self.input = base / "input"
        (base / "empty").mkdir()
        self.input.mkdir()
        for path in paths:
            _copy(reader, path, self.input)
        self._output = (base / "output").open("wb+")
        self._errors = (base / "errors").open("wb+")
        command = [sys.executable, "-I", "-m", module]
        command += [argument.replace("{input}", str(self.input)) for argument in arguments]
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603 (no shell; the arguments are ours and paths of our copies)
            command,
            cwd=base / "empty",
            env={**environment, "HOME": str(base / "empty"), "PYTHONWARNINGS": "ignore", "BC_SKIP_MAPPING": "TRUE"},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            preexec_fn=_limit_memory if os.name == "posix" else None,  # noqa: PLW1509 (no thread is running yet)
        )
        # Nobody waits for it after Ctrl-C, nor when the audit ends early: it must not work on.
        atexit.register(self._stop)

    def finish(self, timeout: float = TIMEOUT_SECONDS) -> Finished:
        """Wait for the tool, stop it when it takes too long, and clean up."""
        try:
            code: int | None = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._kill()
            code = None
        atexit.unregister(self._stop)
        texts = []
        for stream in (self._output, self._errors):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
            stream.close()
        self._remove()
        return Finished(code, *texts)

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _stop(self) -> None:
        self._kill()
        self._output.close()
        self._errors.close()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self._folder.name, ignore_errors=True)
        self._folder.cleanup()


def _copy(reader: Reader, path: str, target: Path) -> None:
    """Copy one file; what cannot be read has its notification already."""
    try:
        data = reader.read(path)
    except InputError:
        return
    copy = target.joinpath(*path.split("/"))
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    except (OSError, ValueError):
        return


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
