"""Type II attacks find the boundary of a linear classifier, and own up to failure."""

import importlib
import math
import sys
import types

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from typeone.attacks.type2 import Type2Settings, attack
from typeone.runtime.errors import InputError

FGSM = Type2Settings(method="fgsm", epsilon=0.1)
PGD = Type2Settings(method="pgd", epsilon=0.1, steps=15, step_size=0.02)
DEEPFOOL = Type2Settings(method="deepfool", steps=50)
CW = Type2Settings(method="cw_l2", searches=9, steps=200, step_size=0.01)
EAD = Type2Settings(method="ead", searches=9, steps=200, step_size=0.01)
ALL = pytest.mark.parametrize(
    "settings", [FGSM, PGD, DEEPFOOL, CW, EAD], ids=lambda settings: settings.method
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def linear(weight, bias):
    model = nn.Sequential(nn.Flatten(), nn.Linear(weight.shape[1], weight.shape[0]))
    with torch.no_grad():
        model[1].weight.copy_(weight)
        model[1].bias.copy_(bias)
    return model.eval().requires_grad_(False)


@pytest.fixture
def classifier():
    """A linear classifier of 6x6 images with three classes."""
    return linear(torch.randn(3, 36, generator=seeded(1)), torch.zeros(3))


@pytest.fixture
def images():
    """Grey images, far enough from 0 and 1 for the nearest boundary to lie inside the range."""
    return (0.5 + 0.1 * torch.randn(12, 1, 6, 6, generator=seeded(2))).clamp(0.2, 0.8)


def boundary_distances(classifier, images, norm):
    """Distance of each image from the nearest boundary: margin / dual norm of w_k - w_y."""
    weight, logits = classifier[1].weight.double(), classifier(images).double()
    distances = []
    for row in logits:
        y = row.argmax()
        directions = (weight - weight[y])[torch.arange(3) != y]
        margins = (row[y] - row)[torch.arange(3) != y]
        dual = directions.norm(dim=1) if norm == 2 else directions.abs().amax(dim=1)
        distances.append((margins / dual).min())
    return torch.stack(distances)


def moved(result, images, norm):
    return (result.images - images).double().flatten(1).norm(p=norm, dim=1)


# ------------------------------------------------------------------- answers in closed form


def two_classes(image, margin):
    """Weight w and a classifier of logits (w x - c, c - w x), ``image`` at w x - c = ``margin``."""
    w = torch.randn(36, generator=seeded(3))
    c = image.flatten() @ w - margin
    return linear(torch.stack([w, -w]), torch.stack([-c, c])), w


@pytest.mark.parametrize("settings", [FGSM, PGD], ids=lambda settings: settings.method)
def test_fgsm_and_pgd_end_in_the_corner_of_the_ball(settings, images):
    # on a linear model of two classes the farthest corner is x - eps sign(w) from everywhere in the
    # ball, and 15 steps of 0.02 cross the ball of radius 0.1 from any random start
    image = images[:1].clone()
    image[0, 0, 0] = torch.tensor([0.05, 0.95] * 3)  # here the corner leaves [0, 1]
    classifier, w = two_classes(image, margin=1.0)
    labels = torch.tensor([0])
    outside = image - 0.1 * w.sign().view(image.shape)
    assert outside.min() < 0
    assert outside.max() > 1
    corner = outside.clamp(0, 1)
    result = attack(classifier, image, labels, settings, seed=0)
    assert result.found.all()
    # float32: a dozen steps of 0.02 and their projection round to some 1e-7
    torch.testing.assert_close(result.images, corner, rtol=0, atol=1e-6)


def test_fgsm_reports_only_what_its_radius_reaches(classifier, images):
    # with more than two classes the step is the sign of the sum of p_k (w_k - w_y)
    labels = classifier(images).argmax(dim=1)
    p = classifier(images).softmax(dim=1)
    weight = classifier[1].weight
    step = (p @ weight - weight[labels]).sign().view(images.shape)
    for epsilon in (0.02, 0.1):
        corner = (images + epsilon * step).clamp(0, 1)
        fooled = classifier(corner).argmax(dim=1) != labels
        settings = Type2Settings(method="fgsm", epsilon=epsilon)
        result = attack(classifier, images, labels, settings, seed=0)
        assert torch.equal(result.found, fooled)
        wanted = torch.where(fooled.view(-1, 1, 1, 1), corner, images)
        torch.testing.assert_close(result.images, wanted, rtol=0, atol=1e-6)  # float32
    assert fooled.any()  # so that both answers have been seen


def test_pgd_stays_in_the_ball_and_in_range(classifier, images):
    images = images.clone()
    images[:, 0, 0, 0], images[:, 0, 5, 5] = 0.0, 1.0
    labels = classifier(images).argmax(dim=1)
    result = attack(classifier, images, labels, PGD, seed=0)
    assert result.found.sum() >= 6  # what is not found is the original
    assert result.images.min() >= 0
    assert result.images.max() <= 1
    assert moved(result, images, float("inf")).max() <= 0.1 + 1e-7  # float32 near 0.5


class Lucky(nn.Module):
    """Class 1 where the first pixel is above 0.55, without a gradient that would lead there."""

    def forward(self, images):
        side = torch.where(images[:, 0, 0, 0] > 0.55, -10.0, 10.0) + 0 * images.flatten(1).sum(1)
        return torch.stack([side, -side], dim=1)


def test_pgd_finds_what_any_of_its_starts_leads_to():
    # a start in the ball of 0.1 around 0.5 lies above 0.55 one time in four: of 400 images 100 are
    # found by one start, 400 (1 - 0.75^6) = 329 by six; within four standard deviations of each
    images, labels = torch.full((400, 1, 6, 6), 0.5), torch.zeros(400).long()
    one, six = (
        attack(
            Lucky().eval(),
            images,
            labels,
            Type2Settings(method="pgd", epsilon=0.1, steps=1, step_size=0.01, restarts=restarts),
            seed=0,
            chunk=400,
        )
        for restarts in (1, 6)
    )
    assert one.found.sum().item() == pytest.approx(100, abs=4 * math.sqrt(400 * 0.25 * 0.75))
    assert six.found.sum().item() == pytest.approx(329, abs=4 * math.sqrt(400 * 0.82 * 0.18))
    # what the first start found stays as it was
    assert six.found[one.found].all()
    assert torch.equal(six.images[one.found], one.images[one.found])


def test_deepfool_steps_just_over_the_nearest_boundary(classifier, images):
    labels = classifier(images).argmax(dim=1)
    result = attack(classifier, images, labels, DEEPFOOL, seed=0)
    assert result.found.all()
    nearest = boundary_distances(classifier, images, 2)
    # one step, lengthened by 1e-4 and then by the overshoot of 2 %; float32 logits of size 10
    torch.testing.assert_close(moved(result, images, 2), 1.02 * (nearest + 1e-4), rtol=1e-4, atol=0)


def test_cw_comes_near_the_nearest_boundary(classifier, images):
    # its first step already moves a pixel by 0.005, an image by 0.03: nearer is not resolved
    images = images[boundary_distances(classifier, images, 2) > 0.1]
    labels = classifier(images).argmax(dim=1)
    result = attack(classifier, images, labels, CW, seed=0)
    assert result.found.all()
    ratio = moved(result, images, 2) / boundary_distances(classifier, images, 2)
    assert ratio.min() >= 1 - 1e-4  # nothing can be nearer, but for float32 logits of size 10
    assert ratio.max() <= 1.02  # nine binary searches and 200 Adam steps of 0.01 stop short of it


def test_ead_moves_few_pixels_and_less_in_l1_than_cw(classifier, images):
    labels = classifier(images).argmax(dim=1)
    result, cw = (attack(classifier, images, labels, s, seed=0) for s in (EAD, CW))
    assert result.found.all()
    assert torch.equal(classifier(result.images).argmax(dim=1) != labels, result.found)
    # nothing can be nearer in L1 than the nearest boundary, but for float32 logits of size 10
    nearest = boundary_distances(classifier, images, 1)
    assert (moved(result, images, 1) >= nearest * (1 - 1e-4)).all()
    assert (moved(result, images, 1) < moved(cw, images, 1)).all()
    # shrinkage returns pixels to exactly where they were: at least a third of the 36
    assert ((result.images == images).flatten(1).sum(dim=1) >= 12).all()


# ---------------------------------------------------------------------- failure is reported


class Unmoved(nn.Module):
    """Class 0 with a margin of 20 for every image but black, which is class 1; no gradient."""

    def forward(self, images):
        black = images.flatten(1).amax(dim=1) == 0
        margin = torch.where(black, -10.0, 10.0) + 0 * images.flatten(1).sum(dim=1)
        return torch.stack([margin, -margin], dim=1)


@ALL
@pytest.mark.parametrize("black_is_misclassified", [False, True])
def test_a_failed_attack_gives_back_the_original(settings, black_is_misclassified, images):
    # foolbox hands back a black image where CW or EAD fails: with `Unmoved` it even fools f1
    constant = linear(torch.zeros(2, 36), torch.tensor([10.0, -10.0]))
    classifier = Unmoved().eval() if black_is_misclassified else constant
    labels = torch.zeros(len(images), dtype=torch.int64)
    result = attack(classifier, images, labels, settings, seed=0)
    assert not result.found.any()
    assert torch.equal(result.images, images)


class Guarded(nn.Module):
    """``inner``, but with a margin of 40 for class 0 wherever the first pixel is below 0.1."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images):
        guarded = (images[:, 0, 0, :1] < 0.1).float()
        fixed = torch.tensor([[20.0, -20.0, -20.0]])
        return (1 - guarded) * self.inner(images) + guarded * fixed


@pytest.mark.parametrize("settings", [DEEPFOOL, CW, EAD], ids=lambda settings: settings.method)
def test_one_failure_in_a_batch_spoils_no_other(settings, classifier, images):
    images = images.clone()
    images[:, 0, 0, 0] = 0.5
    images[3, 0, 0, 0] = 0.0  # the guard lets no gradient through: found by no attack
    guarded = Guarded(classifier).eval()
    labels = guarded(images).argmax(dim=1)
    result = attack(guarded, images, labels, settings, seed=0)
    assert result.found.tolist() == [i != 3 for i in range(len(images))]
    assert torch.equal(result.images[3], images[3])
    assert (guarded(result.images).argmax(dim=1)[result.found] != labels[result.found]).all()


def test_an_unknown_method_is_named():
    told = "`method` is 'jsma'; needs 'fgsm' or 'pgd' or 'deepfool'"
    with pytest.raises(InputError, match=told):
        Type2Settings(method="jsma")


@pytest.mark.parametrize(
    ("method", "name"),
    [
        *(("fgsm", "epsilon"), ("pgd", "epsilon"), ("pgd", "steps"), ("pgd", "step_size")),
        *(("deepfool", "steps"), ("cw_l2", "step_size"), ("cw_l2", "steps"), ("ead", "step_size")),
    ],
)
def test_a_setting_that_the_method_needs_is_named(method, name):
    usual = {"epsilon": 0.1, "steps": 2, "step_size": 0.1}
    Type2Settings(method=method, **usual)
    with pytest.raises(InputError, match=f"`{name}` is None; needs a .*number .* method {method}"):
        Type2Settings(method=method, **usual | {name: None})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epsilon", value) for value in (-0.3, 8.0, math.nan, "0.3", True)),
        *(("steps", value) for value in (0, -3, 2.5)),
        *(("step_size", value) for value in (0, -0.02, math.inf)),
        ("restarts", 0),
    ],
)
def test_a_setting_that_the_method_cannot_use_is_refused(name, value):
    usual = {"epsilon": 0.1, "steps": 2, "step_size": 0.1}
    with pytest.raises(InputError, match=f"`{name}` is {value!r}; needs a .* method pgd"):
        Type2Settings(method="pgd", **usual | {name: value})


# ------------------------------------------------------------------------------ randomness


def test_pgd_is_a_function_of_its_seed(classifier, images):
    # one short step: the end still depends on the random start
    settings = Type2Settings(method="pgd", epsilon=0.1, steps=1, step_size=0.09)
    labels = classifier(images).argmax(dim=1)
    first = attack(classifier, images, labels, settings, seed=4)
    torch.rand(17)  # the state of torch's generator outside must not matter
    again = attack(classifier, images, labels, settings, seed=4)
    other = attack(classifier, images, labels, settings, seed=5)
    assert first.found.any()
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


@ALL
def test_the_state_of_torchs_generator_is_restored(settings, classifier, images):
    labels = classifier(images).argmax(dim=1)
    torch.manual_seed(11)
    before = torch.get_rng_state()
    attack(classifier, images, labels, settings, seed=4)
    assert torch.equal(torch.get_rng_state(), before)


# ----------------------------------------------------------------------------------- parity


@pytest.fixture
def adversarial_library():
    """The CW and DeepFool of adversarial-library.

    Its package imports torchvision, visdom and tqdm for other attacks, and Python 3.12 has no
    distutils: the two modules are read without the package's own __init__, on empty stand-ins.
    """
    root = pytest.importorskip("adv_lib").__path__[0]
    stand_ins = {
        name: types.ModuleType(name)
        for name in ("visdom", "tqdm", "distutils", "distutils.version", "adv_lib.attacks")
    }
    stand_ins["distutils.version"].LooseVersion = str
    stand_ins["adv_lib.attacks"].__path__ = [f"{root}/attacks"]
    with pytest.MonkeyPatch.context() as patch:
        for name, module in stand_ins.items():
            patch.setitem(sys.modules, name, module)
        deepfool = importlib.import_module("adv_lib.attacks.deepfool").df
        cw = importlib.import_module("adv_lib.attacks.carlini_wagner.l2").carlini_wagner_l2
    for name in [name for name in sys.modules if name.startswith("adv_lib.")]:
        del sys.modules[name]
    return types.SimpleNamespace(deepfool=deepfool, cw=cw)


@pytest.fixture
def blobs():
    """An MLP on four noisy patterns of 8x8 pixels, all of them learnt, and fresh images of them."""
    generator = seeded(7)
    patterns = torch.rand(4, 64, generator=generator)

    def draw(n):
        labels = torch.arange(n) % 4
        noise = 0.25 * torch.randn(n, 64, generator=generator)
        return (patterns[labels] + noise).clamp(0, 1).view(n, 1, 8, 8), labels

    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))
    for layer in (model[1], model[3]):
        nn.init.kaiming_uniform_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)
    train_images, train_labels = draw(400)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        adam.zero_grad()
        F.cross_entropy(model(train_images), train_labels).backward()
        adam.step()
    model.eval().requires_grad_(False)
    images, labels = draw(40)
    right = model(images).argmax(dim=1) == labels
    assert right.sum() >= 36
    return model, images[right], labels[right]


def compare(ours, theirs, model, images, labels):
    """(share found by us, by them, median L2 of ours, of theirs)."""
    found = model(theirs).argmax(dim=1) != labels
    distance = (theirs - images).flatten(1).norm(dim=1)[found].median().item()
    return (
        *(ours.found.float().mean().item(), found.float().mean().item()),
        *(moved(ours, images, 2)[ours.found].median().item(), distance),
    )


def test_deepfool_agrees_with_adversarial_library(adversarial_library, blobs):
    model, images, labels = blobs
    ours = attack(model, images, labels, DEEPFOOL, seed=0)
    theirs = adversarial_library.deepfool(model, images, labels, steps=50, overshoot=0.02)
    a, b, mine, other = compare(ours, theirs, model, images, labels)
    assert a == b == 1
    # the same steps but for where the overshoot is added: within those 2 % of one another
    assert mine == pytest.approx(other, rel=0.02)


def test_cw_agrees_with_adversarial_library(adversarial_library, blobs):
    model, images, labels = blobs
    ours = attack(model, images, labels, CW, seed=0)
    theirs = adversarial_library.cw(
        model, images, labels, learning_rate=0.01, binary_search_steps=9, max_iterations=200
    )
    a, b, mine, other = compare(ours, theirs, model, images, labels)
    assert a == b == 1
    # the same algorithm, written twice: float32 decides which of its last steps is the best
    assert mine == pytest.approx(other, rel=0.002)


TARGETED = pytest.mark.parametrize("settings", [PGD, CW, EAD], ids=lambda settings: settings.method)


@TARGETED
def test_a_target_class_is_what_f1_sees_where_an_example_is_found(settings, classifier, images):
    labels = classifier(images).argmax(dim=1)
    for step in (1, 2):
        goal = (labels + step) % 3
        result = attack(classifier, images, goal, settings, seed=0, targeted=True)
        assert result.found.any()
        seen = classifier(result.images).argmax(dim=1)
        assert torch.equal(seen == goal, result.found)
        assert torch.equal(result.images[~result.found], images[~result.found])


@pytest.mark.parametrize("settings", [FGSM, DEEPFOOL], ids=lambda settings: settings.method)
def test_a_method_without_a_target_class_is_refused(settings, classifier, images):
    labels = classifier(images).argmax(dim=1)
    with pytest.raises(InputError, match=rf"'{settings.method}', which takes no target class"):
        attack(classifier, images, labels, settings, seed=0, targeted=True)
