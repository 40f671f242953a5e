"""Label the gender of LFW's people with a published judge (Section IV)."""

from typeone.data.lfw_faces import gender_of_people, lfw_root
from typeone.models.face_judges import load_face_judge
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        judge = load_face_judge(run.input.judge, run.device)
        images = lfw_root(**run.params.settings)
        write_parquet(run.output.table, gender_of_people(judge, images, device=run.device))
