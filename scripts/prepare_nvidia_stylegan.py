"""Check the NVIDIA pickle that generates the faces of Fig. 9, and record its path and hash.

The checkpoint contains no weights. Each load of the pickle checks the hash again and requires the
opt-in.
"""

from pathlib import Path

from torch import nn

from typeone.models.face_generators import NVIDIA
from typeone.models.readers.nvidia_stylegan import load_nvidia
from typeone.runtime.artifacts import save_model
from typeone.runtime.computing import computing_job


def prepare_nvidia_stylegan(*, path, sha256, allow_pickle, truncation, model_path):
    """Load the generator and write its path and hash; see `load_nvidia`."""
    how = {"sha256": sha256, "allow_pickle": allow_pickle, "truncation": truncation}
    model = load_nvidia(path, **how)
    save_model(
        model_path,
        nn.Module(),
        metadata={
            **{"architecture": NVIDIA, "pickle": str(Path(path).expanduser().resolve()), **how},
            **{"latent_dim": model.latent_dim, "size": model.size},
        },
    )


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        prepare_nvidia_stylegan(
            **run.params.pickle,
            truncation=run.params.truncation,
            model_path=run.output.model,
        )
