"""A package of a registry is read as data, or one line says why not; nothing is downloaded here."""

import hashlib
import io
import os
import sys
import tarfile
import textwrap
import time
import zipfile

import pytest

from typeone.data import packages
from typeone.data.packages import npm_members, wheel_member, wheel_members
from typeone.runtime.errors import InputError

CONTENT = b"weights" * 100


def wheel_bytes(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return packed.getvalue()


WHEEL = wheel_bytes({"net/graph.pb": CONTENT, "net/__init__.py": b"raise SystemExit"})
SUM = hashlib.sha256(WHEEL).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    (tmp_path / "net-1.0-py3-none-any.whl").write_bytes(WHEEL)
    return tmp_path / "net-1.0-py3-none-any.whl"


@pytest.fixture
def pip(tmp_path, monkeypatch, wheel):
    """Put a pip in place that runs the given lines; it knows WHEEL, and DEST is its folder."""

    def install(lines="shutil.copy(WHEEL, '.')"):
        head = "import os, shutil, sys, time\n"
        head += f"WHEEL = {str(wheel)!r}\n"
        head += f"print(*sys.argv[1:], file=open({str(tmp_path / 'asked')!r}, 'w'))\n"
        (tmp_path / "pip.py").write_text(head + textwrap.dedent(lines))
        monkeypatch.setattr(packages, "_pip", lambda: [sys.executable, str(tmp_path / "pip.py")])
        return tmp_path / "asked"

    return install


def ask(**changes):
    settings = {"sha256": SUM, "remedy": "set `recognizers.facenet.path`"} | changes
    return wheel_member("net", "1.0", settings.pop("member", "net/graph.pb"), **settings)


def test_pip_fetches_one_pinned_wheel_and_builds_nothing(pip):
    asked = pip()
    assert ask() == CONTENT
    words = asked.read_text().split()
    assert words[:2] == ["download", "net==1.0"]
    assert {"--no-deps", "--only-binary", ":all:", "--no-input"} <= set(words)
    assert "net" not in sys.modules


def test_one_download_serves_several_members(pip):
    asked = pip()
    found = wheel_members("net", "1.0", ["net/__init__.py", "net/graph.pb"], sha256=SUM)
    assert found == {"net/__init__.py": b"raise SystemExit", "net/graph.pb": CONTENT}
    assert asked.read_text().split().count("download") == 1


def test_a_wheel_by_path_needs_no_pip(wheel, monkeypatch):
    monkeypatch.setattr(packages, "_pip", lambda: pytest.fail("pip was asked"))
    assert ask(path=wheel) == CONTENT
    assert ask(path=wheel, sha256=None) == CONTENT


def test_an_error_is_one_line_that_ends_in_the_alternative(pip):
    pip(
        """
        print("WARNING: Retrying")
        print("ERROR: Could not find a version of net==1.0", flush=True)
        print("ERROR: No matching distribution found", file=sys.stderr)
        sys.exit(1)
    """
    )
    expected = r"^pip failed \(Could not find a version of net==1\.0\); set `recog\S+path`$"
    with pytest.raises(InputError, match=expected):
        ask()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("sys.exit(3)", r"pip failed \(exit status 3\)"),
        ("", r"pip download net==1\.0 left 0 wheels, not one"),
        ("shutil.copy(WHEEL, 'a.whl'), shutil.copy(WHEEL, 'b.whl')", "left 2 wheels, not one"),
        ("open('a.whl', 'w').write('<html>')", rf"net==1\.0 has SHA-256 \w+, expected {SUM}: it"),
    ],
    ids=["silent", "nothing", "two", "other bytes"],
)
def test_a_pip_that_brings_no_wheel(pip, lines, message):
    pip(lines)
    with pytest.raises(InputError, match=message):
        ask()


def test_a_pip_that_hangs_is_stopped(pip, monkeypatch):
    monkeypatch.setattr(packages, "MAX_SECONDS", 0.5)
    pip("time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"pip did not finish within 0\.5 s; set"):
        ask()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("content", "member", "message"),
    [
        (b"<html>", "net/graph.pb", r"a\.whl is a damaged wheel \(File is not a zip file\)"),
        (WHEEL[:-30], "net/graph.pb", r"a\.whl is a damaged wheel"),
        (WHEEL, "net/graph.onnx", r"a\.whl does not contain net/graph\.onnx; set"),
    ],
    ids=["web page", "cut short", "absent"],
)
def test_a_wheel_without_the_member(tmp_path, content, member, message):
    (tmp_path / "a.whl").write_bytes(content)
    with pytest.raises(InputError, match=message):
        ask(path=tmp_path / "a.whl", sha256=None, member=member)


def test_a_member_with_a_flipped_byte(tmp_path):
    packed = bytearray(WHEEL)
    packed[40 + len("net/graph.pb")] ^= 0xFF
    (tmp_path / "a.whl").write_bytes(packed)
    with pytest.raises(InputError, match=r"a\.whl is a damaged wheel"):
        ask(path=tmp_path / "a.whl", sha256=None)


def test_a_path_that_is_no_file(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.whl cannot be read \(No such file"):
        ask(path=tmp_path / "nowhere.whl")


def test_a_member_too_large(wheel, monkeypatch):
    monkeypatch.setattr(packages, "MAX_BYTES", 10)
    with pytest.raises(InputError, match=r"graph\.pb has more than 10 bytes, too many"):
        ask(path=wheel)


def test_pip_is_looked_for_here_then_in_the_base_then_on_path(tmp_path, monkeypatch):
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: object())
    assert packages._pip() == [sys.executable, "-m", "pip"]
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    base = tmp_path / "bin" / f"python3.{sys.version_info.minor}"
    base.parent.mkdir()
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    for status, expected in ((0, [str(base), "-m", "pip"]), (1, [str(tmp_path / "pip3")])):
        base.write_text(f"#!/bin/sh\nexit {status}\n")
        base.chmod(0o755)
        (tmp_path / "pip3").write_text("#!/bin/sh\n")
        (tmp_path / "pip3").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
        assert packages._pip() == expected
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(InputError, match="pip is neither installed for this Python nor on PATH"):
        packages._pip()


def tarball(path, members):
    with tarfile.open(path, "w:gz") as package:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    return path


def test_members_of_an_npm_package_by_path(tmp_path):
    path = tarball(tmp_path / "a.tgz", {"package/a": b"1", "package/b": b"2", "package/c": b"3"})
    sum_ = hashlib.sha256(path.read_bytes()).hexdigest()
    found = npm_members("a@1.0.0", ["package/c", "package/a"], sha256=sum_, path=path)
    assert found == {"package/c": b"3", "package/a": b"1"}


@pytest.mark.parametrize(
    ("members", "settings", "message"),
    [
        (["package/b"], {}, r"damaged package .*package/b' not found.*; set x$"),
        (["package/a"], {"sha256": "0" * 64}, r"a\.tgz has SHA-256 \w+, expected 0+: .*; set x$"),
        (["package/a"], {"max_bytes": 3}, r"package/a has more than 3 bytes, too many; set x$"),
    ],
)
def test_npm_packages_that_are_wrong(tmp_path, members, settings, message):
    path = tarball(tmp_path / "a.tgz", {"package/a": b"1234"})
    with pytest.raises(InputError, match=message):
        npm_members("a@1.0.0", members, path=path, remedy="set x", **settings)
