"""Strengthen a recognizer: logit pairing, or retraining on Type I examples against it (IV-D)."""

import numpy as np

from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.defenses.recognizers import (
    EmbeddingPairingSettings,
    Identifier,
    around,
    embedding_pairing,
    learnt_people,
    lessons,
    mean_embeddings,
    retraining,
)
from typeone.models.recognizers import load_recognizer, save_recognizer
from typeone.runtime.artifacts import read_model_metadata, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import TrainingSettings, train


def strengthen_recognizer(
    *,
    train_path,
    test_path,
    base_path,
    example_paths,
    model_path,
    curve_path,
    name,
    method,
    count,
    half_seed,
    how,
    settings,
    seed,
    checkpoint,
    device,
):
    """Write the strengthened recognizer and its training curve.

    ``example_paths``: shards of an attack on the base, for ``retraining``. ``count``: the first
    test faces, which attacks take; those of the half of the people that ``half_seed`` draws are
    learnt. ``how``: training faces, copies, scale, steps an epoch, settings of the training.
    """
    faces = FaceTable(test_path)
    learnt = np.flatnonzero(learnt_people(faces.identities, seeded(half_seed))[:count])
    attacked = None
    if method == "retraining":
        attacked = merge_shards(example_paths)["adversarial_image"][learnt]
    model = load_recognizer(base_path, device).requires_grad_(True)
    learns = lessons(
        FaceTable(train_path),
        faces,
        learnt,
        attacked,
        faces=how["faces"],
        copies=how["copies"],
        device=device,
    )
    identifier = Identifier(model, mean_embeddings(model, learns))
    generator = seeded(seed, device)
    if method == "retraining":
        objective = retraining(identifier, learns, scale=how["scale"])
    else:
        pairs = EmbeddingAttackSettings(**settings["pairs"])
        weights = EmbeddingPairingSettings(**settings | {"pairs": pairs})
        objective = embedding_pairing(identifier, learns, weights, generator, scale=how["scale"])
    training = TrainingSettings(**how["training"])
    curve = train(
        identifier,
        around(objective, len(learns)),
        name=name,
        count=how["steps"] * training.batch_size,
        settings=training,
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
    )
    logger.info("%s: %d faces, %d of them attacked people's", name, len(learns), len(learnt))
    save_recognizer(
        model_path,
        model,
        metadata={
            **read_model_metadata(base_path),
            **{"seed": seed, "method": method, "strengthening": how | {"settings": settings}},
            "learnt_test_faces": learnt.tolist(),
        },
    )
    write_rows(curve_path, curve)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        strengthen_recognizer(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            test_path=run.input.test,
            base_path=run.input.base,
            example_paths=run.input.examples,
            model_path=run.output.model,
            curve_path=run.output.curve,
            name=" ".join(run.wildcards),
            **run.params.network,
            seed=int(run.wildcards.seed),
            device=run.device,
        )
