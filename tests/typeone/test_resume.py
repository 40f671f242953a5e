"""Every attack that is stopped goes on where it was, and ends in the bytes of an undisturbed one.

It is stopped where a network is asked, and while a sidecar is written; tests/chaos sends SIGKILL.
"""

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from typeone.attacks import embedding, latent, type2
from typeone.attacks.criteria import KeepLabel, identity_criterion, label_criterion
from typeone.attacks.frames import Followed
from typeone.attacks.shards import attack_shard
from typeone.data.generated_faces import Count, generate_faces
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.recognizers import Recognizer, embed
from typeone.models.svae import FaceSVAE
from typeone.runtime import checkpoints
from typeone.runtime.checkpoints import Checkpoint

from .algorithm2 import SETTINGS, real_networks, seeded

F32 = torch.float32  # what the jobs compute in: every bit of rounding must be the same
NEVER = 1e9


class Interrupted(Exception):
    pass


@dataclass
class Engine:
    """An attack that is resumed.

    Attributes:
        run: from a checkpoint or None to what it stores, as bytes by name.
        asked: the network whose calls are counted, and after some of which it is stopped.
    """

    run: object
    asked: nn.Module


def as_bytes(rows, points=()):
    found = {name: np.ascontiguousarray(values).tobytes() for name, values in rows.items()}
    lines = [
        (position, p.step, p.example, p.j1, p.j2, p.penalty, p.k, p.image.numpy().tobytes())
        for position, p in points
    ]
    return found | {"trace": repr(lines).encode()}


def result_bytes(result, *names):
    return as_bytes({name: getattr(result, name).numpy() for name in names})


DIGIT_WALK = replace(
    *(SETTINGS,),
    **{"steps": 24, "lr": 0.1, "target_loss": 1.8, "k_max": 1.0, "patience": 3, "check_every": 1},
)
CONSTANT_BETA = replace(DIGIT_WALK, beta=0.001, manifold="log", patience=None)
OURS = replace(
    DIGIT_WALK, offset_lr=0.05, offset_weight=1.0, reencode_weight=0.5, image_target_loss=2.4
)


def digits(settings, *, f1_counts=True, **more):
    """Ten digits in batches of four, two of them followed, on an MLP."""
    svae, f1 = real_networks(seed=5, dtype=F32)
    svae.requires_grad_(False), f1.requires_grad_(False)
    images = torch.rand(10, 1, 28, 28, generator=seeded(6))
    labels = torch.tensor([3, 9, 0, 1, 4, 9, 2, 8, 7, 5])
    how = {"keep": label_criterion(f1), "chunk": 4, "follow": {1, 5}, "follow_every": 3}

    def run(checkpoint):
        found = attack_shard(svae, images, labels, settings, **how | more, checkpoint=checkpoint)
        return as_bytes(*found)

    return Engine(run, f1 if f1_counts else svae.classifier)


def faces(settings):
    """Five faces in batches of three, on a recognizer; the offset lies in memory pixel by pixel."""
    svae = FaceSVAE(latent_dim=6, width=1 / 32, statistics="own")
    svae.reset_parameters(seeded(1))
    svae.eval().requires_grad_(False)
    recognizer = recognizer_of_faces()
    images = torch.rand(5, 3, 64, 64, generator=seeded(3))
    how = {"keep": identity_criterion(recognizer, 1.242), "classes": 2, "read": lambda x: x}

    def run(checkpoint):
        labels = torch.tensor([0, 1, 1, 0, 1])
        more = {"chunk": 3, "follow": {0, 4}, "follow_every": 2, "checkpoint": checkpoint}
        return as_bytes(*attack_shard(svae, images, labels, settings, **how, **more))

    return Engine(run, recognizer)


def recognizer_of_faces():
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 5})
    return network.eval().requires_grad_(False)


FACE_WALK = replace(
    *(SETTINGS,),
    **{"steps": 8, "lr": 0.1, "eta": 1.0, "target_loss": 1.0, "k_max": 5.0, "patience": None},
    **{"offset_lr": 0.05, "offset_weight": 0.1},
)


def drawn_by_a_decoder():
    svae, f1 = real_networks(seed=5, dtype=F32)
    svae.requires_grad_(False), f1.requires_grad_(False)
    z = torch.randn(6, 6, generator=seeded(1))
    return (lambda moved, rows: svae.decode(moved)), f1, z


def latents():
    """Eq. 13 on six latents with a guide; some leave early."""
    decode, f1, z = drawn_by_a_decoder()
    with torch.no_grad():
        labels = f1(decode(z, None)).argmax(dim=1)
    settings = latent.LatentAttackSettings(
        **{"steps": 20, "lr": 0.05, "k": 1.0, "epsilon": 0.3, "form": "sm", "jitter": 0.01},
        **{"patience": 2, "check_every": 1, "guide_weight": 0.5, "guide_target_loss": 2.3},
    )

    def run(checkpoint):
        result = latent.attack(
            *(decode, z, settings),
            keep=KeepLabel(f1, labels),
            start=latent.jittered(z, settings.jitter, seeded(3)),
            guide=f1,
            target_labels=(labels + torch.arange(6)) % 10,
            checkpoint=checkpoint,
        )
        return result_bytes(result, "images", "latent_end", "steps", "converged")

    return Engine(run, f1)


def boxed():
    """Song et al.'s attack on six latents."""
    decode, f1, z = drawn_by_a_decoder()
    settings = latent.BoxAttackSettings(steps=20, lr=0.05, epsilon=0.5, guide_weight=0.3)

    def run(checkpoint):
        labels = torch.arange(6)
        how = {"classifier": f1, "guide": f1, "checkpoint": checkpoint}
        result = latent.attack_within_box(decode, z, labels, settings, **how)
        return result_bytes(result, "images", "latent_end", "steps", "converged")

    return Engine(run, f1)


def one_followed():
    """Eq. 13 on one latent with a frame of every look, as for Fig. 9."""
    decode, f1, z = drawn_by_a_decoder()
    settings = latent.LatentAttackSettings(
        **{"steps": 12, "lr": 0.05, "k": 1.0, "epsilon": 0.3, "form": "paper", "jitter": 0.01}
    )

    def run(checkpoint):
        followed = Followed(KeepLabel(f1, torch.tensor([3])), side=14)
        result = latent.attack(
            *(decode, z[:1], settings),
            keep=followed,
            start=z[:1] + 0.01,
            checkpoint=checkpoint,
            carried={"frames": followed},
        )
        frames = [(f.step, f.image.numpy().tobytes(), f.loss) for f in followed.frames]
        return result_bytes(result, "images", "latent_end") | {"frames": repr(frames).encode()}

    return Engine(run, f1)


def embeddings():
    """PGD on the embeddings of five faces, two at a time."""
    recognizer = recognizer_of_faces()
    images = torch.rand(5, 3, 64, 64, generator=seeded(4))
    settings = embedding.EmbeddingAttackSettings(
        epsilon=20 / 255, steps=5, step_size=2.55 / 255, start=20 / 255
    )

    def run(checkpoint):
        how = {"generator": seeded(5), "chunk": 2, "checkpoint": checkpoint}
        return as_bytes({"images": embedding.attack(recognizer, images, settings, **how).numpy()})

    return Engine(run, recognizer)


def foolbox_attack(**settings):
    """An attack of foolbox on six digits, two at a time."""
    f1 = build_classifier("mlp")
    reset_parameters(f1, seeded(7))
    f1.eval().requires_grad_(False)
    images = torch.rand(6, 1, 28, 28, generator=seeded(8))

    def run(checkpoint):
        labels = f1(images).argmax(dim=1)
        how = {"seed": 3, "chunk": 2, "checkpoint": checkpoint}
        result = type2.attack(f1, images, labels, type2.Type2Settings(**settings), **how)
        return result_bytes(result, "images", "found")

    return Engine(run, f1)


class Painter(nn.Module):
    """Faces of one colour each, of the first three of a latent's numbers."""

    def forward(self, z):
        return z[:, :3, None, None].sigmoid().expand(-1, -1, 128, 128)


class ColourJudge(nn.Module):
    def forward(self, images):
        return 40 * torch.cat([images.mean(dim=(2, 3))[:, :2], torch.zeros(len(images), 1)], dim=1)


def generated():
    """Eleven faces in parts of two, of some of which the judge is unsure."""
    painter = Painter()

    def run(checkpoint):
        tally = Count()
        parts = generate_faces(
            *(painter, ColourJudge()),
            **{"latent_dim": 4, "count": 11, "seed": 5, "batch": 2, "sure": 0.9, "device": "cpu"},
            **{"tally": tally, "checkpoint": checkpoint},
        )
        parts = [[np.asarray(column).tobytes() for column in part] for part in parts]
        return {"parts": repr(parts).encode(), "tally": repr(tally).encode()}

    return Engine(run, painter)


def looks():
    """Embeddings of seven faces, three at a time: what every rate of a recognizer begins with."""
    recognizer = recognizer_of_faces()
    images = torch.rand(7, 3, 64, 64, generator=seeded(9))

    def run(checkpoint):
        said = []
        how = {"batch": 3, "say": said.append, "checkpoint": checkpoint}
        found = embed(recognizer, len(images), lambda part: images[part], **how)
        return as_bytes({"found": found.numpy(), "said": np.array(said)})

    return Engine(run, recognizer)


ENGINES = {
    "digits": lambda: digits(DIGIT_WALK),
    "digits, authors' code": lambda: digits(CONSTANT_BETA),
    "digits, ours": lambda: digits(OURS),
    "digits, without f1": lambda: digits(DIGIT_WALK, f1_counts=False, keep=None),
    "digits, one of two shards": lambda: digits(DIGIT_WALK, shard=1, shards=2),
    "faces": lambda: faces(FACE_WALK),
    "faces, some leave early": lambda: faces(replace(FACE_WALK, patience=2, check_every=1)),
    "latents": latents,
    "latents in a box": boxed,
    "one latent, followed": one_followed,
    "embeddings": embeddings,
    "foolbox, pgd": lambda: foolbox_attack(method="pgd", epsilon=0.3, steps=4, step_size=0.02),
    "foolbox, cw": lambda: foolbox_attack(method="cw_l2", steps=3, searches=2, step_size=0.05),
    "generated faces": generated,
    "looks of a recognizer": looks,
}


@dataclass
class Undisturbed:
    engine: Engine
    stored: dict
    calls: int


@pytest.fixture(scope="module", params=ENGINES)
def undisturbed(request):
    """An engine, what it stores when nobody disturbs it, and how often it asks its network."""
    engine = ENGINES[request.param]()
    stored, calls = counted(engine, None)
    return Undisturbed(engine, stored, calls)


def counted(engine, checkpoint, *, stop_at=None):
    """What the engine stores, and how often it asked its network; stopped at a call, if told."""
    calls = []

    def count_call(*_):
        calls.append(None)
        if len(calls) == stop_at:
            raise Interrupted

    hook = engine.asked.register_forward_pre_hook(count_call)
    try:
        return engine.run(checkpoint), len(calls)
    finally:
        hook.remove()


def moments(last, number=9):
    """At most ``number`` moments from the first to the last."""
    return sorted({round(x) for x in np.linspace(1, last, number)})


# ------------------------------------------------------------------------------------- the claim


def test_stopped_anywhere_it_ends_in_the_same_bytes(undisturbed, tmp_path):
    """Saved at every step, as far as the engine can be."""
    saved = 0
    for moment in moments(undisturbed.calls):
        folder = tmp_path / str(moment)
        with pytest.raises(Interrupted):
            counted(undisturbed.engine, Checkpoint(folder, "d", interval=0), stop_at=moment)
        stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
        assert stored == undisturbed.stored, moment
        saved += undisturbed.calls - calls
    assert saved > 0  # it did not begin anew


def test_a_kill_costs_less_than_a_minute(undisturbed, tmp_path, monkeypatch):
    """As jobs save, where a look at the network takes five seconds by the clock."""
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])

    def five_seconds(*_):
        now[0] += 5

    hook = undisturbed.engine.asked.register_forward_pre_hook(five_seconds)
    try:
        for moment in moments(undisturbed.calls, 5):
            folder = tmp_path / str(moment)
            with pytest.raises(Interrupted):
                counted(undisturbed.engine, Checkpoint(folder, "d"), stop_at=moment)
            stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d"))
            assert stored == undisturbed.stored
            done_twice = moment + calls - undisturbed.calls
            assert 5 * done_twice <= 60
    finally:
        hook.remove()


def test_between_two_saves_it_goes_on_from_what_had_ended(undisturbed, tmp_path):
    """No save is due: batches that had ended are kept all the same, what is done in one is lost."""
    folder, moment = tmp_path / "resume", undisturbed.calls
    with pytest.raises(Interrupted):
        counted(undisturbed.engine, Checkpoint(folder, "d", interval=NEVER), stop_at=moment)
    stored, _ = counted(undisturbed.engine, Checkpoint(folder, "d", interval=NEVER))
    assert stored == undisturbed.stored


def test_stopped_again_and_again_it_ends_in_the_same_bytes(undisturbed, tmp_path):
    first = max(1, undisturbed.calls // 6)
    for stop_at in count(first):  # at last enough for what cannot be resumed
        try:
            again = Checkpoint(tmp_path / "resume", "d", interval=0)
            stored, _ = counted(undisturbed.engine, again, stop_at=stop_at)
            break
        except Interrupted:
            assert stop_at < undisturbed.calls
    assert stored == undisturbed.stored
    assert stop_at > first


def test_stopped_in_the_middle_of_a_save_it_ends_in_the_same_bytes(
    undisturbed, tmp_path, monkeypatch
):
    real, writes = Path.write_bytes, []

    def half(stop_at):
        def write(path, content):
            writes.append(path)
            if len(writes) != stop_at:
                return real(path, content)
            for name in (path.name, f".left.{path.name}"):
                # SIGKILL leaves the unfinished file behind, an exception would remove it
                real(path.with_name(name), content[: len(content) // 2])
            raise Interrupted

        return write

    monkeypatch.setattr(Path, "write_bytes", half(None))
    counted(undisturbed.engine, Checkpoint(tmp_path / "all", "d", interval=0))
    for stop_at in moments(len(writes), 5):
        folder = tmp_path / str(stop_at)
        writes.clear()
        monkeypatch.setattr(Path, "write_bytes", half(stop_at))
        with pytest.raises(Interrupted):
            counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
        monkeypatch.setattr(Path, "write_bytes", real)
        again = Checkpoint(folder, "d", interval=0)
        stored, _ = counted(undisturbed.engine, again)
        assert stored == undisturbed.stored, stop_at


def test_sidecars_of_other_settings_or_damaged_ones_change_nothing(undisturbed, tmp_path):
    folder = tmp_path / "resume"
    with pytest.raises(Interrupted):
        counted(
            undisturbed.engine,
            Checkpoint(folder, "other", interval=0),
            stop_at=undisturbed.calls - 1,
        )
    assert any(folder.iterdir())
    stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
    assert (stored, calls) == (undisturbed.stored, undisturbed.calls)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"\x17")
    stored, calls = counted(undisturbed.engine, Checkpoint(folder, "d", interval=0))
    assert stored == undisturbed.stored


def test_saving_changes_no_bytes_and_asks_no_network(undisturbed, tmp_path):
    for interval in (0, NEVER):
        checkpoint = Checkpoint(tmp_path / str(interval), "d", interval=interval)
        assert counted(undisturbed.engine, checkpoint) == (undisturbed.stored, undisturbed.calls)
        # and of a job that was killed when all had ended, nothing is done again
        stored, calls = counted(undisturbed.engine, checkpoint)
        assert stored == undisturbed.stored
        assert calls < undisturbed.calls


def test_some_examples_leave_before_others():
    """So that the tests above meet walks of fewer rows than they began with."""
    for name in ("digits", "digits, ours", "faces, some leave early", "latents"):
        stored = ENGINES[name]().run(None)
        steps = np.frombuffer(stored["steps"], np.int64 if name == "latents" else np.int32)
        assert len(set(steps.tolist())) > 1, name
