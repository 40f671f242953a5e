"""Measure strengthened classifiers on clean digits and on old and fresh examples (IV-D).

Old examples were made against the network before strengthening. Only those that fooled it count, so
this network is right on none. Fresh examples are made against the network under test, from digits
that it classifies correctly, and all count. The right answer is the digit's label after a Type II
attack. After a Type I attack it is the attack's target, as in the paper. `type1_seen` contains the
images in which the oracle clearly sees another class than the original, and the oracle's label is
right.

ASSUME: the paper does not state which Type II examples its accuracy refers to. Here it refers to
PGD's; the note gives the accuracy on FGSM's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.data.images import from_uint8
from typeone.evaluation.held_out import next_seed
from typeone.evaluation.intervals import Rate, pool_seeds, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.success import label_changed
from typeone.models.predictions import labels_of, predict
from typeone.runtime.artifacts import Records

Accuracies = Mapping[tuple[str, int, str, str], Rate]
"""By network, seed, kind of test (`TEXTS`) and when its examples were made (`WHEN`)."""

PUBLISHED = {("lenet_alp", "pgd_old"): "alp.type2_accuracy"}
PUBLISHED |= {("lenet_alp", "type1_old"): "alp.type1_accuracy"}
TEXTS = {
    "clean": "test digits",
    "type1": "Type I examples, with the target counted as right",
    "type1_seen": "Type I examples where the oracle clearly sees another class, its label counted "
    "as right",
    "fgsm": "FGSM examples",
    "pgd": "PGD examples",
    "pgd_restarts": "PGD examples with more steps and several starts",
}
WHEN = {
    "": "",
    "old": "that fooled the base",
    "fresh": "made against the network itself, of digits that it gets right",
}


class Showing(NamedTuple):
    """Examples that a network is tested on.

    Attributes:
        network, what, when, seed: keys of `Accuracies`.
        table: index of the table of examples.
        shown_to: name and seed of the tested network.
    """

    network: str
    what: str
    when: str
    seed: int
    table: int
    shown_to: tuple[str, int]


def showings(
    tests: Sequence[tuple[str, str, str]], *, base: str, seeds: Sequence[int]
) -> list[Showing]:
    """List the examples that each network is tested on; ``tests``: (network, what, when).

    Tables are numbered seed by seed within test by test. Old examples of the base are also tested
    on the base of the next seed, as a control: its accuracy is not due to strengthening.
    """
    runs = [(*test, seed) for test in tests for seed in seeds]
    shown = [Showing(*run, table, (run[0], run[3])) for table, run in enumerate(runs)]
    following = next_seed(seeds)
    return shown + [
        one._replace(network=f"{base}_other_seed", shown_to=(base, following[one.seed]))
        for one in shown
        if following and one.network == base and one.when == "old"
    ]


def clean_accuracy(
    classifier: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, unseen: np.ndarray
) -> Rate:
    """Return the accuracy on the digits selected by ``unseen``, bool ``(N,)``.

    ``images``: ``(N, 1, 28, 28)`` in [0, 1]. ``labels``: ``(N,)``.
    """
    tested = torch.from_numpy(unseen)
    right = labels_of(predict(classifier, images[tested])) == labels[tested]
    return rate(right.numpy())


def example_accuracies(
    classifier: Callable[[Tensor], Tensor],
    examples: Records,
    what: str,
    when: str,
    *,
    unseen: np.ndarray,
) -> dict[str, Rate]:
    """Return accuracies by name on one table of judged examples.

    Args:
        examples: columns label, f1_label_after and adversarial_image (uint8); for Type I also
            target_label, judge_label and judge_clear. ``(N, ...)`` each.
        what: a key of `TEXTS`.
        when: ``old`` or ``fresh``.
        unseen: examples of digits that the classifier was not trained on, bool ``(N,)``.
    """
    label, after = examples["label"], examples["f1_label_after"]
    fooled = (after == label) if what == "type1" else label_changed(label, after)
    tested = unseen & fooled if when == "old" else unseen
    images = from_uint8(examples["adversarial_image"])
    guesses = labels_of(predict(classifier, images)).numpy()
    if what != "type1":
        return {what: rate((guesses == label)[tested])}
    judged = examples["judge_label"]
    changed = tested & examples["judge_clear"] & (judged != label)
    return {
        "type1": rate((guesses == examples["target_label"])[tested]),
        "type1_seen": rate((guesses == judged)[changed]),
    }


def measurements(
    accuracies: Accuracies, *, base: str, seeds: Sequence[int], test_count: int
) -> Iterator[dict[str, Any]]:
    """Yield one row per (network, what, seed), with both as columns.

    ``base``: name of the classifier before strengthening. ``test_count``: number of test digits, of
    which each seed draws its own.
    """
    for (network, seed, name, when), value in accuracies.items():
        what = f"{name}_{when}" if when else name
        row = measurement(
            PUBLISHED.get((network, what), f"beyond.strengthening.{network}.{what}"),
            value,
            seed=seed,
            description=f"accuracy of {network} on " + f"{TEXTS[name]} {WHEN[when]}".strip(),
            note=published_note(accuracies, network, what, base=base, seeds=seeds),
            shared=value.n / test_count,
        )
        yield row | {"network": network, "what": what}


def published_note(
    accuracies: Accuracies, network: str, what: str, *, base: str, seeds: Sequence[int]
) -> str:
    """Return the note of a published number, the same counted in other ways; else an empty one."""

    def pooled(name: str, when: str, of: str = network) -> str:
        keys = [(of, seed, name, when) for seed in seeds]
        values = [accuracies[key] for key in keys if key in accuracies]
        return f"{pool_seeds(values).value:.3f}" if values else "no example"

    if (network, what) not in PUBLISHED:
        return ""
    plain = pooled(what.removesuffix("_old"), "old", of=f"{base}_other_seed")
    control = f"; a plain {base} of another seed: {plain}" if len(seeds) > 1 else ""
    if what == "pgd_old":
        return (
            f"PGD; on FGSM {pooled('fgsm', 'old')}; attacked afresh: PGD {pooled('pgd', 'fresh')}, "
            f"longer and from several starts {pooled('pgd_restarts', 'fresh')}, "
            f"FGSM {pooled('fgsm', 'fresh')}{control}"
        )
    return (
        "the attack's target counts as right; where the oracle clearly sees another class, its "
        f"label: {pooled('type1_seen', 'old')}; attacked afresh: {pooled('type1', 'fresh')} and "
        f"{pooled('type1_seen', 'fresh')}{control}"
    )
