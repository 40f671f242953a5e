"""Attacks of a kit under the signatures of other libraries are the attacks of the kit."""

import foolbox
import pytest
import torch

from typeone.adapters import FoolboxAttack, as_function
from typeone.data.images import from_uint8
from typeone.evaluation.audit.measure import measure
from typeone.models.predictions import predict
from typeone.runtime.errors import InputError

from .audits import linear, small_kit


@pytest.fixture(scope="module")
def kit():
    return small_kit()


@pytest.fixture(scope="module")
def rows(kit):
    return measure(linear(), kit, who="mine").examples


@pytest.fixture
def inputs(rows):
    return from_uint8(rows["ours"]["image"]), torch.from_numpy(rows["ours"]["label"])


def test_the_function_is_the_attack_of_an_audit(kit, rows, inputs):
    for name in ("ours", "paper"):
        found = as_function(kit, name)(linear(), *inputs)
        wanted = from_uint8(rows[name]["adversarial_image"])
        assert (found - wanted).abs().max() <= 1.01 / 255


def test_targets_can_be_given(kit, rows, inputs):
    targets = torch.from_numpy(rows["ours"]["target_label"])
    images, labels = inputs
    given = as_function(kit, "ours")(linear(), inputs=images, labels=labels, targets=targets)
    assert torch.equal(given, as_function(kit, "ours")(linear(), *inputs))
    others = as_function(kit, "ours")(linear(), images, labels, (labels + 5) % 10)
    assert not torch.equal(given, others)


def test_it_works_without_gradients_and_leaves_the_model(kit, inputs):
    model = linear()
    for context in (torch.no_grad, torch.inference_mode):
        with context():
            found = as_function(kit, "paper")(model, *(t.clone() for t in inputs))
        assert torch.equal(found, as_function(kit, "paper")(model, *inputs))
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_foolbox_calls_it(kit, inputs):
    images, labels = inputs
    model = foolbox.PyTorchModel(linear(), bounds=(0, 1), device="cpu")
    raw, clipped, kept = FoolboxAttack(kit, "ours")(model, images, labels)
    assert torch.equal(raw, as_function(kit, "ours")(linear(), images, labels))
    assert torch.equal(raw, clipped)
    assert torch.equal(kept, predict(linear(), raw).argmax(dim=1) == labels)
    criterion = foolbox.criteria.Misclassification(labels)
    again, _, _ = FoolboxAttack(kit, "ours")(model, images, criterion, epsilons=None)
    assert torch.equal(raw, again)


def test_foolbox_with_preprocessing(kit, inputs):
    images, labels = inputs
    how = {"mean": [0.1], "std": [0.5], "axis": -3}
    model = foolbox.PyTorchModel(linear(), bounds=(0, 1), device="cpu", preprocessing=how)
    _, _, kept = FoolboxAttack(kit, "paper")(model, images, labels)
    assert kept.shape == (len(labels),)


@pytest.mark.parametrize(
    ("bounds", "criterion", "epsilons", "message"),
    [
        ((0, 255), None, None, r"bounds are \(0, 255\); needs \(0, 1\)"),
        ((0, 1), None, 0.3, "`epsilons` is 0.3; needs None"),
        ((0, 1), "labels", None, "criterion is a str; needs labels or Misclassification"),
    ],
)
def test_what_foolbox_cannot_ask_is_refused(kit, inputs, bounds, criterion, epsilons, message):
    images, labels = inputs
    model = foolbox.PyTorchModel(linear(), bounds=bounds, device="cpu")
    with pytest.raises(InputError, match=message):
        FoolboxAttack(kit, "ours")(model, images, criterion or labels, epsilons=epsilons)


def test_a_model_of_foolbox_in_training_mode_is_refused(kit, inputs):
    network = linear()
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    network.train()
    with pytest.raises(InputError, match="training mode; call its eval"):
        FoolboxAttack(kit, "paper")(model, *inputs)


def test_an_attack_that_the_kit_lacks_is_named(kit):
    with pytest.raises(InputError, match="`name` is 'fgsm'; needs one of ours, paper"):
        as_function(kit, "fgsm")


def test_wrong_inputs_are_one_line(kit, inputs):
    images, labels = inputs
    for arguments, message in (
        ((images * 255, labels), r"images range from .* needs \[0, 1\]"),
        ((images, labels.float()), "labels are torch.float32"),
        ((images, labels, labels + 20), "labels range from"),
        ((images, labels, labels), "a target is the label itself"),
        ((images.expand(-1, 3, -1, -1), labels), r"needs \(N, 1, 28, 28\)"),
    ):
        with pytest.raises(InputError, match=message):
            as_function(kit, "ours")(linear(), *arguments)
