"""The steps before the audit: where packages are cached, and an environment of their own to run in.

Run by its path with any Python: `python -I install.py plan|install`. What is installed is locked by hash, wheels only,
so a cache that somebody tampered with can do no harm. sp404audit itself is not built: the environment points to the
checkout of the action, whose commit is its version. Nothing of the caller's Python is touched.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

__all__ = ["cache_key", "install", "lock_file", "main"]

ROOT = Path(__file__).resolve().parent.parent.parent
_REDIRECTIONS = frozenset({"PIP_CONSTRAINT", "PIP_PREFIX", "PIP_REQUIREMENT", "PIP_ROOT", "PIP_TARGET", "PIP_USER"})
"""Settings of pip that would bring other packages, or put ours elsewhere."""


def lock_file(engines: str) -> Path:
    """The lock that holds what the engines need; `engines` is the input of that name."""
    wanted = {name.strip() for name in engines.replace("\n", ",").split(",")} - {"", "native"}
    return ROOT / "requirements" / ("engines.txt" if wanted else "action.txt")


def cache_key(lock: Path) -> str:
    """What the cache of packages depends on."""
    tag = sys.implementation.cache_tag
    return f"sp404audit-{platform.system()}-{platform.machine()}-{tag}-{_digest(lock.read_bytes())}"


def install(lock: Path, home: Path) -> Path:
    """Make an environment that holds what the lock names, and sp404audit; or find the one that is there.

    Args:
        lock: pip's requirements, with hashes.
        home: the folder to keep the environment and pip's cache in.

    Returns:
        Its Python.

    Raises:
        subprocess.CalledProcessError: when pip fails; it has told why.
    """
    folder = home / f"environment-{_digest(lock.read_bytes(), os.fsencode(ROOT), sys.executable.encode())}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if ready.exists():
        return python
    venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(folder)
    environment = {name: value for name, value in os.environ.items() if name.upper() not in _REDIRECTIONS}
    command = [str(python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    subprocess.run(command, check=True, env={**environment, "PIP_CACHE_DIR": str(home / "pip")})  # noqa: S603 (our own list)
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder)}))
    packages.joinpath("sp404audit.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    ready.touch()
    return python


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def main(step: str) -> int:
    """Do a step: `plan` tells the cache's key and folder, `install` the environment's Python."""
    from sp404audit.action.runner import annotation, home, set_outputs

    lock = lock_file(os.environ.get("INPUT_ENGINES", ""))
    if step == "plan":
        set_outputs({"key": cache_key(lock), "folder": str(home() / "pip")})
        return 0
    try:
        set_outputs({"python": str(install(lock, home()))})
    except subprocess.CalledProcessError:
        annotation("error", f"{lock.name} could not be installed; pip tells why in the log of this step")
        return 1
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1]))
