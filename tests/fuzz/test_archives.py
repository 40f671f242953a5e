"""Wheels and npm packages."""

import io
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from typeone.data.packages import npm_members, wheel_members

from .damage import BYTES, damaged, one_line

CONTENT = bytes(range(256)) * 2


def wheel(method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as package:
        for name in ("net.pb", "other"):
            package.writestr(zipfile.ZipInfo(name), CONTENT, compress_type=method)
    return file.getvalue()


def packed(kind, form, mode="w:gz"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=form) as package:
        entry = tarfile.TarInfo("package/net.pb")
        entry.size, entry.type = len(CONTENT) if kind == tarfile.REGTYPE else 0, kind
        entry.linkname = "package/other"
        package.addfile(entry, io.BytesIO(CONTENT))
    return file.getvalue()


WHEELS = [
    wheel(method)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
]
# mode w: their bytes can be damaged before they are packed
KINDS = (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE)
FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
PACKAGES = [packed(kind, form, "w")[:2048] for kind in KINDS for form in FORMS]


def gzipped(data):
    import gzip

    return gzip.compress(data, mtime=0)


@given(st.one_of(BYTES, st.sampled_from(WHEELS).flatmap(damaged)))
def test_a_wheel(folder, data):
    path = folder / "a.whl"
    path.write_bytes(data)
    with one_line():
        wheel_members("a", "1", ["net.pb"], sha256=None, path=path)


@given(st.one_of(BYTES, st.sampled_from(PACKAGES).flatmap(damaged).map(gzipped)))
def test_an_npm_package(folder, data):
    path = folder / "a.tgz"
    path.write_bytes(data)
    with one_line():
        npm_members("a", ["package/net.pb"], path=path)


@given(damaged(gzipped(packed(tarfile.REGTYPE, tarfile.PAX_FORMAT, "w"))))
def test_a_damaged_gzip(folder, data):
    path = folder / "a.tgz"
    path.write_bytes(data)
    with one_line():
        npm_members("a", ["package/net.pb"], path=path)


@given(st.binary(max_size=2000))
def test_members_round_trip(folder, content):
    with zipfile.ZipFile(folder / "b.whl", "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("net.pb", content)
    with tarfile.open(folder / "b.tgz", "w:gz") as package:
        entry = tarfile.TarInfo("package/net.pb")
        entry.size = len(content)
        package.addfile(entry, io.BytesIO(content))
    found = wheel_members("a", "1", ["net.pb"], sha256=None, path=folder / "b.whl")
    assert found == {"net.pb": content}
    found = npm_members("a", ["package/net.pb"], path=folder / "b.tgz")
    assert found == {"package/net.pb": content}


def encrypted():
    """A wheel whose headers say that a password was set."""
    data = bytearray(WHEELS[0])
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def spoiled(data, start, end):
    """``data`` with other bytes in place of some."""
    return data[:start] + bytes(byte ^ 0x5A for byte in data[start:end]) + data[end:]


def links(*pairs):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as package:
        for name, target in pairs:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            package.addfile(entry)
    return file.getvalue()


def sparse():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as package:
        entry = tarfile.TarInfo("package/net.pb")
        entry.pax_headers = {"GNU.sparse.map": "x,y"}
        package.addfile(entry)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.whl", encrypted()),
        ("a.whl", spoiled(WHEELS[3], 45, 80)),
        ("a.whl", WHEELS[0][1:]),
        ("a.tgz", links(("package/net.pb", "net.pb"))),
        ("a.tgz", sparse()),
    ],
    ids=["encrypted", "damaged LZMA", "a byte short", "a link to itself", "a map of no numbers"],
)
def test_archives_that_break_the_reader(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    with one_line():
        if name.endswith(".whl"):
            wheel_members("a", "1", ["net.pb"], sha256=None, path=path)
        else:
            npm_members("a", ["package/net.pb"], path=path)
