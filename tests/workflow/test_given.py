"""Results follow the bytes of every file that a user names by path."""

import re

import pytest

from typeone.workflow.digests import Digests
from typeone.workflow.face_plan import FacePlan
from typeone.workflow.settings import layers


@pytest.fixture
def faces(repository, tmp_path):
    """What the plan of faces says of its sources, in a new process each time."""

    def given(what="given_faces", /, **settings):
        base = layers.record.read(repository / "config.yaml")
        plan = FacePlan(layers.expanded(settings, base))
        return getattr(plan, what)(Digests(repository, tmp_path / "cache"))

    return given


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


LISTS = ("list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt")


@pytest.mark.parametrize(
    "images",
    ["img_align_celeba/{}.jpg", "img_align_celeba/img_align_celeba/{}.jpg", "img_align_celeba.zip"],
)
def test_celeba_is_its_lists_and_its_images(faces, tmp_path, images):
    names = [images.format(i) for i in range(70)]
    folder = write(tmp_path / "CelebA", *LISTS, *names, "img_celeba.7z.001")
    settings = {"faces": {"source": "celeba", "celeba": {"path": str(folder)}}}
    before = faces(**settings)
    assert len(before) == 4
    (folder / "img_celeba.7z.001").write_text("of no use")
    assert faces(**settings) == before
    for name in (*LISTS, images.format(3)):
        text = (folder / name).read_text()
        (folder / name).write_text(text[::-1])
        assert len(set(before) - set(faces(**settings))) == 1, name
        (folder / name).write_text(text)
    assert faces(**settings) == before
    folder.rename(tmp_path / "gone")  # what was made of it is there
    assert faces(**settings) == before


def test_own_faces_are_the_table_and_the_images_that_it_names(faces, tmp_path):
    folder = write(tmp_path / "mine", "0.png", "below/1.png", "2.png")
    table = tmp_path / "people.csv"
    table.write_text("file,label,identity\n0.png,male,a\nbelow\\1.png ,male,b\n")
    own = {"path": str(folder), "csv": str(table)}
    settings = {"faces": {"source": "folder", "folder": own}}
    before = faces(**settings)
    assert len(before) == 2
    (folder / "2.png").write_text("not named")
    assert faces(**settings) == before
    for name in ("0.png", "below/1.png"):
        (folder / name).write_text(name[::-1])
        assert faces(**settings)[0] == before[0]
        assert faces(**settings)[1] != before[1], name
        (folder / name).write_text(name)
    assert faces(**settings) == before
    table.rename(tmp_path / "gone.csv")
    folder.rename(tmp_path / "gone")
    assert faces(**settings) == before
    (tmp_path / "gone").rename(folder)
    table.write_text("file,label,identity\n0.png,female,a\n")
    assert not set(before) & set(faces(**settings))


def test_a_table_that_is_wrong_is_left_to_the_job(faces, tmp_path):
    (tmp_path / "people.csv").write_text("nonsense")
    own = {"path": str(tmp_path), "csv": str(tmp_path / "people.csv")}
    line, _ = faces(faces={"source": "folder", "folder": own})
    assert line.startswith(f"{tmp_path}/people.csv@")


def test_drawn_faces_are_of_no_file(faces):
    assert faces() == []


def test_lfw_is_its_pairs_and_its_images(faces, tmp_path):
    folder = write(tmp_path / "lfw_home", "pairs.txt", "notes.txt", "lfw_funneled/Ann/Ann_0001.jpg")
    settings = {"lfw": {"source": "folder", "path": str(folder)}}
    before = faces("given_lfw", **settings)
    assert len(before) == 2
    (folder / "notes.txt").write_text("x")
    assert faces("given_lfw", **settings) == before
    for name in ("pairs.txt", "lfw_funneled/Ann/Ann_0001.jpg"):
        (folder / name).write_text(name[::-1])
        assert len(set(before) - set(faces("given_lfw", **settings))) == 1, name
        (folder / name).write_text(name)
    assert faces("given_lfw") == []
    # what scikit-learn fetches is not there yet when the job is planned
    assert faces("given_lfw", lfw={"source": "sklearn", "path": str(folder)}) == []


def test_faces_of_lfw_are_its_images(faces, tmp_path):
    folder = write(tmp_path / "lfw_home", "pairs.txt", "lfw_funneled/Ann/Ann_0001.jpg")
    own = {"source": "folder", "path": str(folder)}
    settings = {"faces": {"source": "lfw", "lfw": own}}
    before = faces("given_faces", **settings)
    assert len(before) == 1
    (folder / "pairs.txt").write_text("x")
    assert faces("given_faces", **settings) == before
    (folder / "lfw_funneled/Ann/Ann_0001.jpg").write_text("x")
    assert faces("given_faces", **settings) != before
    own["source"] = "sklearn"
    assert faces("given_faces", **settings) == []


def test_the_authors_pairs_are_their_images(faces, tmp_path):
    folder = write(tmp_path / "pairs", "[0]0_to_1_attack_dist[0.5].jpg", "[00]read_me.txt")
    settings = {"published_pairs": {"path": str(folder)}}
    before = faces("given_pairs", **settings)
    assert len(before) == 1
    (folder / "[00]read_me.txt").write_text("x")
    assert faces("given_pairs", **settings) == before
    write(folder, "[1]0_to_1_attack_dist[0.6].jpg")
    assert faces("given_pairs", **settings) != before
    assert faces("given_pairs") == []


WATCHED = {
    **{"prepare_dataset": "given_images", "prepare_faces": "given_faces"},
    "evaluate_published_pairs": "given_pairs",
    "label_lfw": "given_faces",
    **{"evaluate_lfw": "given_lfw", "evaluate_face_strengthening": "given_lfw"},
    "prepare_classifier": "own_weights",
    "prepare_facenet": 'given(config["recognizers"]["facenet"]["path"])',
    "prepare_age_gender": 'given(config["face_judges"]["age_gender"]["path"])',
    "prepare_mobilestylegan": 'given(config["stylegan"]["path"])',
    "prepare_nvidia_stylegan": 'given(config["stylegan"]["path"])',
    "prepare_annotations": "given(*ASKED)",
}


@pytest.mark.parametrize("rule", WATCHED)
def test_the_rule_that_reads_a_path_has_its_content_as_a_param(repository, rule):
    text = "".join(file.read_text() for file in sorted((repository / "rules").glob("*.smk")))
    (body,) = re.findall(rf"^rule {rule}:\n(.*?)(?=^\S)", text, re.M | re.S)
    assert WATCHED[rule] in body.split("params:")[1]
