"""People are learnt whole or not at all, losses are what they say, answers count as they should."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.data.faces import FaceTable, FaceWriter
from typeone.defenses.recognizers import (
    EmbeddingPairingSettings,
    Identifier,
    Lessons,
    around,
    embedding_pairing,
    learnt_people,
    lessons,
    mean_embeddings,
    people_to_learn,
    retraining,
)
from typeone.evaluation.pair_accuracy import (
    accuracies,
    balanced_pairs,
    example_answers,
    pair_answers,
)
from typeone.evaluation.verification import Pairs
from typeone.models.recognizers import Recognizer, load_recognizer, save_recognizer
from typeone.runtime.artifacts import read_model_metadata
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.training.loop import TrainingSettings, train

NOISE = EmbeddingAttackSettings(epsilon=0.1, steps=0, step_size=0.1, start=0.1)
PGD = EmbeddingAttackSettings(epsilon=0.1, steps=3, step_size=0.05, start=0.1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class FirstPixels(nn.Module):
    """Prelogits are the first pixels of the red and of the green channel."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def prelogits(self, images):
        return self.gain * images[:, :2, 0, 0]

    def forward(self, images):
        return F.normalize(self.prelogits(images), dim=1)


def pixels(*pairs):
    """Stored faces whose first red and green pixels are ``pairs``, uint8."""
    images = np.zeros((len(pairs), 3, 64, 64), np.uint8)
    images[:, :2, 0, 0] = pairs
    return images


def write_faces(path, images, identities, labels=None):
    labels = np.arange(len(images)) % 2 if labels is None else np.array(labels)
    with FaceWriter(path) as file:
        file.write(np.arange(len(images)), images, labels, np.array(identities))
    return FaceTable(path)


def random_faces(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 64, 64), np.uint8)


# --------------------------------------------------------------------------- who is learnt


def people(seed=0):
    return np.random.default_rng(seed).integers(0, 40, 300)


def test_a_person_is_learnt_whole_or_not_at_all():
    identities = people()
    learnt = learnt_people(identities, seeded())
    assert not set(identities[learnt]) & set(identities[~learnt])
    assert len(np.unique(identities[learnt])) == len(np.unique(identities)) // 2


@pytest.mark.parametrize("count", [4, 25, 100])
def test_the_half_of_the_first_faces_is_that_of_all(count):
    """Attacks on more or fewer of the first faces part the same people."""
    identities = people()
    whole = learnt_people(identities, seeded())[:count]
    assert (learnt_people(identities[:count], seeded()) == whole).all()
    persons = len(np.unique(identities[:count]))
    # one of each two persons in the order of their first faces
    assert len(np.unique(identities[:count][whole])) in (persons // 2, (persons + 1) // 2)


def test_every_person_is_learnt_as_often_as_not():
    shares = np.mean([learnt_people(np.arange(7), seeded(s)) for s in range(1000)], axis=0)
    # a half of 1000 draws, within four standard deviations
    assert shares == pytest.approx([0.5] * 7, abs=4 * math.sqrt(0.25 / 1000))


def test_training_faces_are_of_people_with_two_in_the_order_of_their_first():
    identities = np.array([5, 3, 9, 3, 5, 7, 5, 7])
    assert people_to_learn(identities, 100).tolist() == [0, 1, 3, 4, 5, 6, 7]  # 9 has one face
    assert people_to_learn(identities, 4).tolist() == [0, 1, 4, 6]  # 5 whole, 3 cut


def test_where_nobody_has_two_faces_each_is_a_person_to_learn():
    assert people_to_learn(np.array([4, 2, 9, 7]), 3).tolist() == [0, 1, 2]


def test_what_became_of_a_person_is_a_person_of_its_own(tmp_path):
    train_faces = write_faces(tmp_path / "train.parquet", random_faces(5), [8, 8, 2, 2, 6])
    test_faces = write_faces(tmp_path / "test.parquet", random_faces(4, 1), [1, 4, 1, 9])
    attacked = random_faces(3, 2)
    learnt = np.array([0, 1, 2])
    found = lessons(train_faces, test_faces, learnt, attacked, faces=10, copies=2)
    # training people 2 and 8 are 0 and 1, test people 1 and 4 are 2 and 3, what became of them 4, 5
    wanted = [1, 1, 0, 0, *[2, 3, 2] * 2, *[4, 5, 4] * 2]
    assert found.labels.tolist() == wanted
    assert found.classes == 6
    images = (found.faces(torch.arange(len(found))) * 255).round().byte().numpy()
    own = np.asarray(test_faces.images)[learnt]
    wanted_images = [np.asarray(train_faces.images)[:4], own, own, attacked, attacked]
    assert (images == np.concatenate(wanted_images)).all()
    plain = lessons(train_faces, test_faces, learnt, faces=10, copies=2)
    assert plain.labels.tolist() == wanted[:10]


def test_after_the_last_row_comes_the_first():
    seen = []
    around(lambda rows, epochs: seen.append((rows.tolist(), epochs)), 3)(torch.arange(7), 0.5)
    assert seen == [([0, 1, 2, 0, 1, 2, 0], 0.5)]


# --------------------------------------------------------------------------------- the loss


def test_centres_start_at_the_mean_embeddings():
    images = pixels((200, 0), (0, 100), (0, 50))
    learns = Lessons((images, np.arange(3), np.array([0, 0, 1])))
    found = mean_embeddings(FirstPixels(), learns, chunk=2)
    # embeddings (1, 0), (0, 1) and (0, 1): the mean of the first two points along the diagonal
    diagonal = math.sqrt(0.5)
    torch.testing.assert_close(found, torch.tensor([[diagonal, diagonal], [0.0, 1.0]]))


def test_retraining_is_cross_entropy_of_scaled_cosines():
    learns = Lessons((pixels((102, 0), (0, 51)), np.arange(2), np.array([0, 1])))
    identifier = Identifier(FirstPixels(), torch.tensor([[3.0, 0.0], [0.0, 0.5]]))
    values = retraining(identifier, learns, scale=2.0)(torch.arange(2), 0.0)
    # cosines 1 with the own centre and 0 with the other, whatever their lengths
    assert values["loss"].tolist() == pytest.approx([math.log(1 + math.exp(-2))] * 2)


def test_the_pairing_loss_by_hand():
    # prelogits (0.4, 0.3), embedding (0.8, 0.6). One step of 0.2 each way within 0.1 from no random
    # start to speak of: the distance grows most at (0.5, 0.2) or (0.3, 0.4).
    images = np.zeros((1, 3, 64, 64), np.uint8)
    images[:, 0, 0, 0], images[:, 1, 0, 0] = 102, 76.5
    exact = torch.tensor(images[:, :2, 0, 0] / 255, dtype=torch.float32)
    learns = Lessons((images, np.arange(1), np.array([0])))
    identifier = Identifier(FirstPixels(), torch.eye(2))
    step = EmbeddingAttackSettings(epsilon=0.1, steps=1, step_size=0.2, start=1e-3)
    settings = EmbeddingPairingSettings(
        pairs=step, clean_weight=2.0, adversarial_weight=3.0, pairing_weight=4.0
    )
    values = embedding_pairing(identifier, learns, settings, seeded(), scale=5.0)(
        torch.arange(1), 0.0
    )
    corners = [exact + torch.tensor([[a, -a]]) for a in (0.1, -0.1)]
    told = []
    for corner in corners:
        own, other = (F.normalize(p, dim=1) for p in (exact, corner))
        clean, adversarial = (
            F.cross_entropy(5 * e, torch.tensor([0])).item() for e in (own, other)
        )
        pairing = 0.1**2  # mean of two squared differences of 0.1
        told.append([clean, adversarial, pairing, 2 * clean + 3 * adversarial + 4 * pairing])
    found = [values[k].item() for k in ("clean_loss", "adversarial_loss", "pairing_loss", "loss")]
    # float32
    assert any(found == pytest.approx(corner, abs=1e-5) for corner in told)
    distances = [(F.normalize(exact, dim=1) - F.normalize(c, dim=1)).norm().item() for c in corners]
    assert min(abs(values["pair_distance"].item() - d) for d in distances) < 1e-5


def test_pairs_without_a_step_are_noise():
    learns = Lessons((pixels((128, 128)), np.arange(1), np.array([0])))
    seen = []

    class Seeing(FirstPixels):
        def prelogits(self, images):
            seen.append(images.detach())
            return super().prelogits(images)

    identifier = Identifier(Seeing(), torch.eye(2))
    settings = EmbeddingPairingSettings(pairs=NOISE)
    embedding_pairing(identifier, learns, settings, seeded(), scale=1.0)(torch.arange(1), 0.0)
    original, attacked = seen[-1]
    moved = (attacked - original)[:, 1:, 1:]  # black pixels can only rise
    drawn = moved[moved > 0]
    # half of uniform noise in ±0.1 lies above 0, with mean 0.05, within four standard errors
    assert drawn.max() <= 0.1
    assert drawn.mean().item() == pytest.approx(0.05, abs=4 * 0.1 / math.sqrt(12 * len(drawn)))
    assert len(drawn) / moved.numel() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(moved.numel()))


@pytest.mark.parametrize(("epochs", "reach"), [(0.0, 0.0), (0.5, 0.05), (1.0, 0.1), (7.0, 0.1)])
def test_the_ball_grows_during_the_warmup(epochs, reach):
    seen = []

    class Seeing(FirstPixels):
        def prelogits(self, images):
            seen.append(images.detach())
            return super().prelogits(images)

    grey = np.full((1, 3, 64, 64), 128, np.uint8)
    learns = Lessons((grey, np.arange(1), np.array([0])))
    settings = EmbeddingPairingSettings(pairs=NOISE, epsilon_warmup=1.0)
    identifier = Identifier(Seeing(), torch.eye(2))
    embedding_pairing(identifier, learns, settings, seeded(), scale=1.0)(torch.arange(1), epochs)
    original, attacked = seen[-1]
    # the largest of 12,288 uniform draws; float32 near 0.5
    assert (attacked - original).abs().max().item() == pytest.approx(reach, rel=0.01, abs=1e-7)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"epsilon_warmup": -1.0}, r"^`epsilon_warmup` is -1.0; needs at least 0$"),
        (
            {"pairing_weight": -1.0},
            r"are 1.0, 1.0, -1.0; needs no negative weight and at least one positive$",
        ),
        (
            dict.fromkeys(("clean_weight", "adversarial_weight", "pairing_weight"), 0.0),
            r"are 0.0, 0.0, 0.0; needs no negative weight",
        ),
    ],
)
def test_weights_that_teach_nothing_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        EmbeddingPairingSettings(pairs=NOISE, **weights)


# --------------------------------------------------------------------------------- training


def recognizer(seed=0):
    model = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 8})
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.2, generator=seeded(seed))
    return model.eval()


class Killed(Exception):
    pass


def strengthen(model, *, epochs, method="pairing", checkpoint=None, stop_at=None):
    learns = Lessons((random_faces(12), np.arange(12), np.arange(12) // 3))
    identifier, generator = Identifier(model, mean_embeddings(model, learns)), seeded(4)
    if method == "pairing":
        settings = EmbeddingPairingSettings(pairs=PGD)
        objective = embedding_pairing(identifier, learns, settings, generator, scale=8.0)
    else:
        objective = retraining(identifier, learns, scale=8.0)
    calls, objective = [], around(objective, len(learns))

    def counted(rows, done):
        calls.append(rows)
        if len(calls) == stop_at:
            raise Killed
        return objective(rows, done)

    curve = train(
        identifier,
        counted,
        name="a recognizer",
        count=3 * 8,
        settings=TrainingSettings(epochs=epochs, batch_size=8, lr=0.01),
        seed=0,
        generator=generator,
        checkpoint=checkpoint,
    )
    return curve


def test_no_step_leaves_the_base_as_it_is(tmp_path):
    base, path = recognizer(), tmp_path / "model.safetensors"
    before = {k: v.clone() for k, v in base.state_dict().items()}
    strengthen(base, epochs=0)
    save_recognizer(path, base, metadata={"method": "logit_pairing"})
    after = load_recognizer(path)
    assert all(torch.equal(v, before[k]) for k, v in after.state_dict().items())
    assert read_model_metadata(path)["method"] == "logit_pairing"


@pytest.mark.parametrize("method", ["pairing", "retraining"])
def test_weights_move_and_batch_statistics_do_not(method):
    model = recognizer()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    strengthen(model, epochs=1, method=method)
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {k for k, _ in model.named_parameters()}
    assert not model.training


@pytest.mark.parametrize("step", [2, 4, 6])
def test_a_resumed_strengthening_ends_as_the_undisturbed_one(tmp_path, step):
    whole, resumed = recognizer(), recognizer()
    curve = strengthen(whole, epochs=2)
    saved = Checkpoint(tmp_path, "d", interval=0)
    with pytest.raises(Killed):
        strengthen(recognizer(), epochs=2, checkpoint=saved, stop_at=step)
    again = strengthen(resumed, epochs=2, checkpoint=Checkpoint(tmp_path, "d", interval=0))
    assert again == curve
    theirs = whole.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in resumed.state_dict().items())


# ---------------------------------------------------------------------------------- answers


def test_pairs_are_of_one_person_as_often_as_of_two(tmp_path):
    identities = people()[:60] % 9
    faces = write_faces(tmp_path / "faces.parquet", random_faces(60), identities)
    rows = np.flatnonzero(identities != 4)
    pairs, same = balanced_pairs(faces, rows, 20, seeded())
    assert same.sum() == len(same) / 2 == 20
    assert ((identities[pairs.first] == identities[pairs.second]) == same).all()
    assert not {4} & set(identities[np.concatenate(pairs)])


def test_right_is_two_persons_for_type_1_and_one_for_type_2():
    # originals lie at (1, 0); examples at 0°, 60° and 90°: distances 0, 1 and the root of 2
    originals = torch.tensor([[1.0, 0.0]] * 3)
    examples = {
        "position": np.arange(3, dtype=np.int32),
        "adversarial_image": pixels((200, 0), (100, 173), (0, 200)),
        "gender_changed": np.array([True, False, True]),
    }
    told = [
        example_answers(FirstPixels(), originals, examples, what, chunk=2)
        for what in ("svae", "pgd")
    ]
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]))
    corner = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    told.append(pair_answers(corner, pairs, np.array([True, False])))
    answers = pd.concat(told).assign(network="net", when="old", seed=0)
    limits = [{"network": "net", "seed": 0, "threshold": str(t), "limit": t} for t in (0.5, 1.2)]
    found = {
        (row["what"], row["threshold"]): (value.value, value.n)
        for row, value in accuracies(answers, pd.DataFrame(limits))
    }
    assert found == {
        ("svae", "0.5"): (pytest.approx(2 / 3), 3),
        ("svae", "1.2"): (pytest.approx(1 / 3), 3),
        ("svae_seen", "0.5"): (0.5, 2),
        ("svae_seen", "1.2"): (0.5, 2),
        ("pgd", "0.5"): (pytest.approx(1 / 3), 3),
        ("pgd", "1.2"): (pytest.approx(2 / 3), 3),
        ("pairs", "0.5"): (1.0, 2),
        ("pairs", "1.2"): (1.0, 2),
    }


def test_an_example_at_the_threshold_is_one_person():
    rows = pd.DataFrame({"network": ["n"], "seed": [0], "what": "svae", "when": "old"})
    rows = rows.assign(number=0, same=False, distance=1.0)
    limits = pd.DataFrame([{"network": "n", "seed": 0, "threshold": "t", "limit": 1.0}])
    ((row, value),) = accuracies(rows, limits)
    assert value.value == 0
    assert row["limit"] == 1.0
