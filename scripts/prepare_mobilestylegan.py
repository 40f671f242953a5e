"""Merge MobileStyleGAN's two graphs into one checkpoint: the generator of Fig. 9."""

from typeone.data.mobilestylegan import GRAPHS, ORIGIN, ir_files
from typeone.models.face_generators import MOBILE, MobileStyleGan
from typeone.models.readers.openvino import read_ir
from typeone.runtime.artifacts import save_model
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger

if "snakemake" in globals():
    with computing_job(snakemake) as run:
        how = {k: run.params[k] for k in ("truncation", "seed")}
        files = ir_files(run.params.path)
        graphs = {
            key: read_ir(files[f"{name}.xml"], files[f"{name}.bin"], name=name)
            for key, name in GRAPHS.items()
        }
        programs = {key: graph.program for key, graph in graphs.items()}
        model = MobileStyleGan(programs, truncation=how["truncation"])
        for key, graph in graphs.items():
            model.get_submodule(key).load_state_dict(graph.state_dict())
        model.centre(seeded(how["seed"]))  # the mean w of latents sampled here
        sizes = {"latent_dim": model.latent_dim, "size": model.size}
        logger.info("MobileStyleGAN: %d latents, %d pixels a side", *sizes.values())
        note = {"architecture": MOBILE, "graphs": programs, **how, **ORIGIN, **sizes}
        save_model(run.output.model, model, metadata=note)
