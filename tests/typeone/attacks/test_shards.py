"""Shards of an attack merge to the whole, and each row says what belongs to its example."""

import hashlib
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from typeone.attacks.criteria import KeepLabel, identity_criterion, label_criterion
from typeone.attacks.shards import attack_shard, example_rows, merge_shards, trace_columns
from typeone.attacks.svae import attack
from typeone.models.recognizers import Recognizer
from typeone.models.svae import FaceSVAE
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.errors import InputError

from ..algorithm2 import F64, SETTINGS, real_networks, seeded

COUNT, CHUNK = 10, 3
FEW_STEPS = replace(SETTINGS, steps=4, lr=0.05)
FOLLOWED = {4, 8, 9}


@pytest.fixture(scope="module")
def networks():
    svae, f1 = real_networks(seed=5)
    return svae.requires_grad_(False), f1.requires_grad_(False)


@pytest.fixture(scope="module")
def examples():
    """Ten grey images and their labels, 9 among them."""
    images = torch.rand(COUNT, 1, 28, 28, generator=seeded(6), dtype=F64)
    return images, torch.tensor([3, 9, 0, 1, 4, 9, 2, 8, 7, 5])


@pytest.fixture(scope="module")
def run(networks, examples):
    """A function that attacks one shard of the examples."""
    svae, f1 = networks

    def attacked(**changed):
        return attack_shard(
            svae,
            *examples,
            FEW_STEPS,
            **{
                **{"keep": label_criterion(f1), "chunk": CHUNK},
                **{"follow": FOLLOWED, "follow_every": 2},
                **changed,
            },
        )

    return attacked


@pytest.fixture(scope="module")
def whole(run):
    return run()


def test_the_share_of_done_steps_is_reported(run, whole):
    shares = []
    rows, _ = run(watch=shares.append)
    assert (rows["adversarial_image"] == whole[0]["adversarial_image"]).all()
    batches = -(-COUNT // CHUNK)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {k / (FEW_STEPS.steps * batches) for k in range(FEW_STEPS.steps)} <= set(shares)


def merged(parts):
    """Rows of several shards in order of position."""
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(rows["position"])
    return {name: values[order] for name, values in rows.items()}


def comparable(points):
    """Trace points as plain tuples in order of position and step."""
    return sorted(
        (position, p.step, p.j1, p.j2, p.penalty, p.k, p.image.numpy().tobytes())
        for position, p in points
    )


# --------------------------------------------------------------------------------- shards


@pytest.mark.parametrize("shards", [1, 2, 3, 4])
def test_shards_in_order_of_position_are_the_unsharded_bytes(run, whole, shards):
    parts, points = zip(*(run(shard=k, shards=shards) for k in range(shards)), strict=True)
    rows = merged(parts)
    assert rows.keys() == whole[0].keys()
    for name, values in whole[0].items():
        assert rows[name].dtype == values.dtype, name
        assert rows[name].shape == values.shape, name
        assert rows[name].tobytes() == values.tobytes(), name
    assert comparable(itertools.chain(*points)) == comparable(whole[1])


MANY = 17  # in batches of two: nine, so that eight shards have one each and the first has two


def digits():
    """Arguments of `attack_shard` for digits in float32, as jobs compute, and an image's shape."""
    svae, f1 = real_networks(seed=5, dtype=torch.float32)
    images = torch.rand(MANY, 1, 28, 28, generator=seeded(6))
    settings = replace(FEW_STEPS, steps=6, lr=0.1, offset_lr=0.05, target_loss=1.8, patience=2)
    how = {"keep": label_criterion(f1.requires_grad_(False))}
    labels = torch.arange(MANY) % 10
    return (svae.requires_grad_(False), images, labels, settings), how, (1, 28, 28)


def faces():
    """The same for faces and a recognizer."""
    svae = FaceSVAE(latent_dim=6, width=1 / 32)
    svae.reset_parameters(seeded(1))
    with torch.random.fork_rng():
        torch.manual_seed(2)
        f1 = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 5})
    images = torch.rand(MANY, 3, 64, 64, generator=seeded(3))
    settings = replace(FEW_STEPS, lr=0.1, offset_lr=0.05, target_loss=1.0, patience=1)
    how = {"keep": identity_criterion(f1.eval().requires_grad_(False), 1.242), "classes": 2}
    labels = torch.arange(MANY) % 2
    given = (svae.eval().requires_grad_(False), images, labels, settings)
    return given, how, (3, 64, 64)


@pytest.mark.parametrize("engine", [digits, faces])
def test_one_three_and_eight_shards_merge_to_the_same_files(engine, tmp_path):
    """As the jobs do it: each shard and its trace a file, merged by the judge's job."""
    given, how, shape = engine()
    how |= {"chunk": 2, "follow": {0, 1, 7, 16}, "follow_every": 2}

    def files_of(shards):
        """SHA-256 of the merged examples and of the merged trace."""
        paths = {"rows": [], "trace": []}
        for shard in reversed(range(shards)):  # in whatever order they end
            rows, points = attack_shard(*given, **how, shard=shard, shards=shards)
            for kind, columns in (("rows", rows), ("trace", trace_columns(points, shape))):
                path = tmp_path / f"{shards}.{shard}.{kind}.parquet"
                write_parquet(path, columns)
                paths[kind].append(path)
        merged = tmp_path / f"{shards}.parquet"
        for kind in paths:
            write_parquet(merged, merge_shards(paths[kind]))
            yield hashlib.sha256(merged.read_bytes()).hexdigest()

    whole = list(files_of(1))
    assert list(files_of(3)) == whole
    assert list(files_of(8)) == whole


def test_batches_are_cut_before_shards(run):
    # batches 0-2, 3-5, 6-8 and 9, dealt in turn
    positions = [run(shard=k, shards=2)[0]["position"].tolist() for k in range(2)]
    assert positions == [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9]]


def test_the_criterion_is_made_of_the_images_and_labels_of_each_batch(run, networks, examples):
    asked = []

    def keep(images, labels):
        asked.append((images.tolist(), labels.tolist()))
        return KeepLabel(networks[1], labels)

    run(keep=keep)
    batches = zip(*(values.split(CHUNK) for values in examples), strict=True)
    assert asked == [(images.tolist(), labels.tolist()) for images, labels in batches]


# ----------------------------------------------------------------------------------- rows


def test_examples_become_rows_as_they_are_stored():
    # 255 levels: 0.25 is 63.75 of them, 0.001 is 0.255
    image = torch.tensor([0.0, 0.25, 0.001, 1.0]).view(1, 1, 2, 2)
    attacked = 1 - image  # 255, 191.25, 254.745, 0
    rows = example_rows(
        torch.tensor([7]),
        image,
        torch.tensor([9]),
        attacked,
        latent_end=torch.tensor([[0.5, -1.0]]),
    )
    assert {name: values.tolist() for name, values in rows.items()} == {
        "position": [7],
        "label": [9],
        "target_label": [0],
        "image": [[[[0, 64], [0, 255]]]],
        "adversarial_image": [[[[255, 191], [255, 0]]]],
        "latent_end": [[0.5, -1.0]],
    }
    assert rows["position"].dtype == np.int32
    assert rows["image"].dtype == rows["adversarial_image"].dtype == np.uint8
    assert rows["label"].dtype == rows["target_label"].dtype == np.int64


def test_a_row_belongs_to_its_example(whole, networks, examples):
    rows, (images, labels) = whole[0], examples
    assert rows["position"].tolist() == list(range(COUNT))
    assert rows["label"].tolist() == labels.tolist()
    assert rows["target_label"].tolist() == [4, 0, 1, 2, 5, 0, 3, 9, 8, 6]
    assert rows["image"].dtype == rows["adversarial_image"].dtype == np.uint8
    # grey images are stored grey ...
    np.testing.assert_array_equal(rows["image"], np.rint(images.numpy() * 255))
    # ... and the walk starts where their binarised ones are encoded
    start, _ = networks[0].encode((images > 0.5).to(F64))
    # batches of another size sum in another order, float64
    np.testing.assert_allclose(rows["latent_start"], start.numpy(), rtol=0, atol=1e-12)
    moved = np.abs(rows["latent_end"] - rows["latent_start"]).max(axis=1)
    assert (moved > 0).all()
    stored = networks[0].decode(torch.from_numpy(rows["latent_end"])) * 255
    # rounded to a level: half of one, and float64
    assert np.abs(rows["adversarial_image"] - stored.numpy()).max() <= 0.5 + 1e-9
    assert rows["steps"].tolist() == [4] * COUNT
    assert not rows["converged"].any()


def test_a_chunk_is_attacked_as_algorithm_2_attacks_it(whole, networks, examples):
    svae, f1 = networks
    images, labels = examples[0][3:6], examples[1][3:6]
    start, _ = svae.encode((images > 0.5).to(F64))
    targets = torch.tensor([2, 5, 0])  # after 1, 4 and 9
    alone = attack(svae, start, targets, FEW_STEPS, keep=KeepLabel(f1, labels))
    assert whole[0]["latent_end"][3:6].tobytes() == alone.latent_end.numpy().tobytes()


# ---------------------------------------------------------------------------------- trace


def test_followed_positions_are_traced_under_their_own_number(whole, networks, examples):
    rows, points = whole
    assert sorted((position, p.step) for position, p in points) == [
        (position, step) for position in sorted(FOLLOWED) for step in (0, 2, 4)
    ]
    svae, _ = networks
    for position, point in points:
        if point.step == FEW_STEPS.steps:
            np.testing.assert_array_equal(point.image, rows["adversarial_image"][position])
        if point.step == 0:
            # f2's cross-entropy at the next class, where the walk of this very example starts
            log_probability = svae.classify(torch.from_numpy(rows["latent_start"])).log_softmax(1)
            target = (int(examples[1][position]) + 1) % 10
            by_hand = -log_probability[position, target].item()
            assert point.j2 == pytest.approx(by_hand, abs=1e-12)  # float64


def test_nobody_is_followed_unasked(run):
    assert run(follow=())[1] == []


def test_without_f1_there_is_no_j1(run):
    _, points = run(keep=None)
    assert len(points) == 9
    assert all(np.isnan(point.j1) for _, point in points)


def test_an_empty_shard_is_refused(run):
    with pytest.raises(InputError, match=r"shard 4 of 5 is empty: 10 examples make 4 batches of 3"):
        run(shard=4, shards=5)
