"""A path that the settings name and that is not there stops the workflow before any job."""

import re

import pytest
import yaml
from snakemake.exceptions import WorkflowError

from typeone.workflow.settings import layers

USED = {
    "datasets.mnist.path": ("datasets.mnist.source", "path"),
    "faces.celeba.path": ("faces.source", "celeba"),
    "faces.folder.path": ("faces.source", "folder"),
    "faces.folder.csv": ("faces.source", "folder"),
    "face_judges.age_gender.path": ("face_judges.age_gender.source", "path"),
    "recognizers.facenet.path": ("recognizers.facenet.source", "path"),
    "lfw.path": ("lfw.source", "folder"),
    "stylegan.path": ("stylegan.source", "path"),
}


@pytest.fixture
def settings(repository, tmp_path, monkeypatch):
    """All of quick's, in an empty folder that Snakemake would run in."""
    monkeypatch.chdir(tmp_path)
    return layers.of_files(repository)


@pytest.fixture
def looked_at(repository):
    """What the Snakefile does with settings."""
    return lambda settings: layers.replace(dict(settings), repository)


def put(settings, key, value):
    *above, last = key.split(".")
    for name in above:
        settings = settings[name]
    settings[last] = value


def using(settings, key, path):
    """``settings`` that use ``path`` under ``key``; others that the source needs are there."""
    put(settings, *USED[key])
    if key.startswith("faces.folder"):
        put(settings, "faces.folder.path", ".")
        put(settings, "faces.folder.csv", ".")
    put(settings, key, path)
    return settings


def test_the_folder_of_the_authors_pairs_must_be_there(settings, looked_at):
    put(settings, "published_pairs.path", "nowhere")
    with pytest.raises(
        WorkflowError, match=r"`published_pairs\.path` is 'nowhere', which does not"
    ):
        looked_at(settings)


def test_the_folder_of_lfw_must_be_there_if_faces_are_taken_from_it(settings, looked_at):
    put(settings, "faces.source", "lfw")
    put(settings, "faces.lfw", {"source": "folder", "path": "nowhere"})
    with pytest.raises(WorkflowError, match=r"`faces\.lfw\.path` is 'nowhere', which does not"):
        looked_at(settings)
    # where scikit-learn will keep its download
    put(settings, "faces.lfw", {"source": "sklearn", "path": "nowhere"})
    looked_at(settings)


@pytest.mark.parametrize("key", USED)
def test_a_path_that_is_used_must_be_there(settings, looked_at, tmp_path, key):
    using(settings, key, "nowhere")
    with pytest.raises(WorkflowError, match=f"`{key}` is 'nowhere', which does not exist; needs "):
        looked_at(settings)
    (tmp_path / "nowhere").mkdir()
    looked_at(settings)


@pytest.mark.parametrize(
    ("key", "source", "value"),
    [
        ("faces.celeba.path", "faces.source", "'synthetic'"),
        ("faces.folder.csv", "faces.source", "'synthetic'"),
        ("faces.lfw.path", "faces.source", "'synthetic'"),
        ("lfw.path", "lfw.source", "None"),
        ("stylegan.path", "stylegan.source", "'wheel'"),
        ("face_judges.age_gender.path", "face_judges.age_gender.source", "'npm'"),
    ],
)
def test_a_path_that_its_source_does_not_read_is_refused(
    settings, looked_at, tmp_path, key, source, value
):
    """Otherwise hours would go to other data than those that the user named."""
    (tmp_path / "mine").mkdir()
    put(settings, key, "mine")
    told = (
        f"`{key}` is 'mine', but `{source}` is {value}, which does not read it; needs `{source}: "
    )
    with pytest.raises(WorkflowError, match=re.escape(told)):
        looked_at(settings)


def test_an_empty_path_is_not_the_current_folder(settings, looked_at):
    using(settings, "faces.celeba.path", "")
    with pytest.raises(WorkflowError, match=r"`faces\.celeba\.path` is '', which does not exist"):
        looked_at(settings)


def test_what_the_last_run_had_may_be_gone(settings, looked_at, tmp_path):
    """Its results are there, and figures of them need no CelebA."""
    using(settings, "faces.celeba.path", "unmounted")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "config.yaml").write_text(yaml.safe_dump(settings))
    looked_at(settings)
    put(settings, "faces.celeba.path", "elsewhere")
    with pytest.raises(WorkflowError, match=r"`faces\.celeba\.path` is 'elsewhere', which"):
        looked_at(settings)


def test_the_folder_of_another_data_set_must_be_there(settings, looked_at, tmp_path):
    settings["datasets"]["fashion"] = {"format": "idx", "path": "nowhere"}
    told = (
        "`datasets.fashion.path` is 'nowhere', which does not exist; needs a folder with four IDX"
    )
    with pytest.raises(WorkflowError, match=told):
        looked_at(settings)
    (tmp_path / "nowhere").mkdir()
    looked_at(settings)
