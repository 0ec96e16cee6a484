"""A tool at work: what it leaves behind, also when nobody waits for it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process in the way of POSIX")
@pytest.mark.parametrize("ending", ["raise KeyboardInterrupt", "sys.exit(2)"])
def test_a_tool_ends_with_the_audit_that_does_not_wait_for_it(tmp_path: Path, ending: str) -> None:
    code = f"""
    import os, sys
    from sp404audit.discovery import Reader
    from sp404audit.engines.process import ToolRun

    run = ToolRun("http.server", ["--bind", "127.0.0.1", "0"], Reader(sys.argv[1]), [])
    print(run._process.pid, run.input, flush=True)
    {ending}
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    pid, folder = done.stdout.split()
    assert subprocess.run(["kill", "-0", pid], capture_output=True).returncode != 0, "it works on"
    assert not Path(folder).exists()
