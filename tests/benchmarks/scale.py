"""What does Algorithm 2 cost on many digits and targets, and how many shards are best on Slurm?

    .venv/bin/python tests/benchmarks/scale.py [--digits N --targets N --workers N]

Measures here, on one thread: seconds a digit (variant paper of quick, 1,000 steps on the MLP, in
batches of 64), seconds until a job has imported what it needs, and seconds that Snakemake needs
for a job when it builds the graph (dry runs of smoke with one and with many targets). Then
simulates a cluster with these times: every target has its shards, each a job; one job that judges
follows the shards of a target; so many jobs run at a time.

ASSUME: a Slurm job costs 6 seconds more than the same job here (5 to 8 were measured on a
throw-away cluster of one machine), and the plugin submits five jobs a second and looks for finished
ones every 40 seconds, its default. Queueing behind other users is not simulated.
"""

import argparse
import heapq
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from attack import engine, paper_settings, problem

ROOT = Path(__file__).parents[2]
BATCH = 64
STEPS = 1000  # of variant paper in quick
LATENCY, SUBMITTED_PER_S, POLL = 6.0, 5.0, 40.0
JUDGED_PER_S = 500  # digits; judging is a few forward passes
IMPORTS = "import typeone.attacks.shards, typeone.models.classifiers, pandas, pyarrow"


def seconds_a_digit(steps):
    """Seconds a digit of the attack on the MLP, scaled from ``steps`` to `STEPS`."""
    given = problem(BATCH, "cpu")
    engine(*given, paper_settings(5))
    begun = time.perf_counter()
    engine(*given, paper_settings(steps))
    return (time.perf_counter() - begun) / BATCH * STEPS / steps


def seconds_of_imports():
    """Seconds of a Python that imports what an attack needs."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, cwd=ROOT)
    return time.perf_counter() - begun


def seconds_a_planned_job(targets):
    """Seconds that a dry run takes for each further job, from two numbers of ``targets``."""
    took = {}
    for count in (1, 1, targets):  # the first one fills caches
        names = [f"t{number}" for number in range(count)]
        copies = {name: {"from": "mlp"} for name in names}
        settings = {"classifiers": copies, "attacks": {"paper": {"targets": ["mlp", *names]}}}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "scale.yaml")
            file.write_text(yaml.safe_dump(settings))
            call = [
                sys.executable,
                "-m",
                "snakemake",
                "-n",
                "--quiet",
                "all",
                "--directory",
                folder,
            ]
            call += ["--snakefile", str(ROOT / "Snakefile")]
            call += ["--configfile", str(ROOT / "presets" / "smoke.yaml"), str(file), "--"]
            call += [f"results/mnist/attacks/paper/{name}/seed0/examples.parquet" for name in names]
            begun = time.perf_counter()
            subprocess.run(call, check=True, cwd=ROOT, capture_output=True)
            took[count] = time.perf_counter() - begun
    jobs = 4 * (targets - 1)  # train, sample, attack and judge each
    return took[1], max(0.0, took[targets] - took[1]) / jobs


def makespan(shard_seconds, judge_seconds, *, targets, shards, workers, planning):
    """Seconds from the start to the last judged target.

    ``shard_seconds``, ``judge_seconds``: of a job, without what Slurm adds.
    """
    free = [0.0] * workers
    heapq.heapify(free)
    submitted = planning
    waiting = []  # (time from which a judge can be submitted)

    def run(ready, seconds):
        nonlocal submitted
        submitted = max(submitted, ready) + 1 / SUBMITTED_PER_S
        begun = max(submitted, heapq.heappop(free))
        seen = -(-(begun + LATENCY + seconds) // POLL) * POLL  # at the next look
        heapq.heappush(free, seen)  # only then another job is submitted
        return seen

    for _ in range(targets):
        seen = max(run(0.0, shard_seconds) for _ in range(shards))
        heapq.heappush(waiting, seen)
    return max(run(heapq.heappop(waiting), judge_seconds) for _ in range(targets))


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", type=int, default=10_000)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--steps", type=int, default=100, help="steps of the measured attack")
    parser.add_argument("--planned", type=int, default=20, help="targets of the longer dry run")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    digit, imports = seconds_a_digit(args.steps), seconds_of_imports()
    empty, planned = seconds_a_planned_job(args.planned)
    print("| measured here | seconds |\n|---|---|")
    print(f"| attack, a digit | {digit:.3f} |\n| imports of a job | {imports:.1f} |")
    print(f"| dry run of few jobs | {empty:.1f} |\n| dry run, each further job | {planned:.4f} |\n")
    work = digit * args.digits * args.targets
    print(f"{args.digits:,} digits x {args.targets} targets, {args.workers} jobs at a time:\n")
    print("| shards a target | jobs | hours | core-hours | share of them at work |")
    print("|---|---|---|---|---|")
    batches = -(-args.digits // BATCH)
    for shards in (1, 2, 4, 8, 16, 32, 64, 128):
        if shards > batches:
            break
        largest = -(-batches // shards) * BATCH * digit + imports
        judging = args.digits / JUDGED_PER_S + imports
        jobs = args.targets * (shards + 1)
        hours = makespan(
            largest,
            judging,
            targets=args.targets,
            shards=shards,
            workers=args.workers,
            planning=empty + planned * jobs,
        )
        used = work + args.targets * (shards * (imports + LATENCY) + judging + LATENCY)
        print(
            f"| {shards} | {jobs:,} | {hours / 3600:.2f} | {used / 3600:.0f} | {work / used:.2f} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
