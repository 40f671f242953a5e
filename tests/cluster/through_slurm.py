"""The workflow through Slurm: real jobs on a throw-away cluster, disturbed while they run.

`./test --cluster` names this file; plain `./test` does not collect it. The cluster (`slurm` beside
this file) has a node without GPUs and one with two that are no more than device files. The settings
are those of the smoke preset with `gpu: true`: torch sees no GPU, says so, and takes the CPU, with
the bytes of a run without Slurm.
"""

import hashlib
import os
import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

import pytest
import yaml

GPU = "{gpu: true, batching: {shards: 2}}"
STAGE1 = "results/mnist/svae/seed0/stage1.safetensors"
CHECKPOINT = "results/.resume/mnist/svae/seed0/stage1/checkpoint.safetensors"
LOCAL = ("prepare_dataset", "prepare_facenet", "prepare_age_gender", "prepare_mobilestylegan")
PARTITIONS = {"partitions": {"cpu": {"max_runtime": "7d"}, "gpu": {"max_gpu": 2}}}
PATIENCE = 2 * 3600  # seconds for all jobs of a run
SOON = 900  # seconds until one job has come as far as a test wants it; tests share the machine
TOLD = ("logs", "benchmarks", "report", "config.yaml")
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


@dataclass(frozen=True)
class Job:
    """One job as Slurm remembers it."""

    number: int
    run: str  # Slurm's job name, which Snakemake makes up once a run
    rule: str
    wildcards: str
    state: str
    requeues: int
    node: str
    gpus: int
    minutes: str
    memory: str


def slurm_jobs(run=None):
    """Jobs that the cluster has seen, in the order of their numbers; of one run, if it is named."""
    shown = subprocess.run(
        ["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True, check=True
    )
    jobs = []
    for line in shown.stdout.splitlines():
        told = dict(re.findall(r"(?:^|(?<= ))([A-Z][\w/:]*)=(\S*)", line))
        if "Comment" not in told:
            continue  # "No jobs in the system"
        rule, _, wildcards = told["Comment"].removeprefix("rule_").partition("_wildcards_")
        jobs.append(
            Job(
                number=int(told["JobId"]),
                run=told["JobName"],
                rule=rule,
                wildcards=wildcards,
                state=told["JobState"],
                requeues=int(told["Restarts"]),
                node=told["NodeList"],
                gpus=int(told.get("TresPerJob", ":0").rpartition(":")[2]),
                minutes=told["TimeLimit"],
                memory=re.search(r"mem=(\w+)", told["TRES"])[1],
            )
        )
    return sorted((j for j in jobs if run in (None, j.run)), key=lambda job: job.number)


def await_until(what, seconds, happens):
    """The first true value that ``happens`` gives."""
    patience = time.monotonic() + seconds
    while not (value := happens()):
        assert time.monotonic() < patience, f"{what}: not within {seconds} s"
        time.sleep(0.2)
    return value


class Run:
    """Snakemake as it runs a workflow through Slurm, in the background."""

    def __init__(self, workflow, *targets):
        partitions = workflow.root.parent / "partitions.yaml"
        partitions.write_text(yaml.safe_dump(PARTITIONS))
        how = [
            *("--workflow-profile", "profiles/slurm"),
            *("--slurm-partition-config", partitions),
            *("--slurm-status-command", "squeue"),  # the cluster has no database
            *("--slurm-init-seconds-before-status-checks", 2),  # short jobs: look often
        ]
        self.said = workflow.root.parent / "said"
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                workflow.command(*targets, config=GPU, how=[str(word) for word in how]),
                cwd=workflow.root,
                env=workflow.environment(),
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def name(self):
        """What all jobs of this run are called in Slurm's queue, None before Snakemake has said."""
        found = re.search(r"SLURM run ID: (\S+)", self.said.read_text())
        return found and found[1]

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """SIGKILL to Snakemake and what it started, which leaves its jobs to Slurm."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ended_well(self):
        assert self.process.wait() == 0, self.said.read_text()[-5000:]


def running(rule):
    """The running job of a rule, None where there is none."""
    return next((j for j in slurm_jobs() if (j.rule, j.state) == (rule, "RUNNING")), None)


@pytest.fixture(scope="module")
def cluster(repository):
    """The cluster, stopped whatever happens."""
    control = repository / "tests" / "cluster" / "slurm"
    started = subprocess.run([control, "start"], capture_output=True, text=True)
    if started.returncode:
        pytest.exit(started.stderr.strip(), returncode=1)
    yield
    subprocess.run([control, "stop"], check=True)


@pytest.fixture(scope="module")
def targets(request):
    return request.config.getoption("target")


@pytest.fixture(scope="module")
def undisturbed(checkout, smoke_files, targets):
    """A copy in which the same ran without Slurm."""
    workflow = checkout("undisturbed", smoke_files)
    result = workflow.run(*targets, config=GPU, timeout=PATIENCE)
    assert result.returncode == 0, result.stdout[-3000:]
    return workflow


@pytest.fixture(scope="module")
def disturbed(cluster, checkout, smoke_files, targets):
    """A copy whose jobs ran through Slurm, all of them, and those that were hit while they ran."""
    workflow = checkout("disturbed", smoke_files)
    run = Run(workflow, *targets)
    # the longest training once it has a checkpoint, a judge once its script runs
    log = workflow.root / "results/logs/mnist/train_oracle/residual.log"
    ready = {
        "scancel": lambda: (workflow.root / CHECKPOINT).exists() and running("train_svae_stage1"),
        "scontrol requeue": lambda: log.exists() and running("train_oracle"),
    }
    hit = {}
    try:
        patience = time.monotonic() + PATIENCE
        while run.is_running() and time.monotonic() < patience:
            for how in ready.keys() - hit.keys():
                if job := ready[how]():
                    subprocess.run([*how.split(), str(job.number)], check=True)
                    hit[how] = job
            time.sleep(0.2)
        run.ended_well()
    finally:
        if run.is_running():
            run.kill()
    return workflow, slurm_jobs(run.name()), hit


@pytest.fixture(scope="module")
def jobs(disturbed):
    return disturbed[1]


def artifacts(workflow):
    """File → SHA-256 of all results but what tells of a run: its times and its settings."""
    results = workflow.root / "results"
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in results.rglob("*")
        if path.is_file() and path.relative_to(results).parts[0] not in TOLD
    }


def test_the_run_ends_well(disturbed, capsys):
    """With the log of its jobs, for people."""
    _, jobs, hit = disturbed
    width = max(len(f"{job.rule} {job.wildcards}") for job in jobs)
    with capsys.disabled():
        print(f"\n\n{'job':>5}  {'rule and wildcards':{width}}  node   GPUs  requeues  state")
        for job in jobs:
            name = f"{job.rule} {job.wildcards}"
            print(
                f"{job.number:>5}  {name:{width}}  {job.node:5}  {job.gpus:4}  {job.requeues:8}  "
                f"{job.state}"
            )
        for how, job in hit.items():
            print(f"{how} {job.number} while it ran: {job.rule} {job.wildcards}")
        states = Counter(job.state for job in jobs)
        print(", ".join(f"{count} {state}" for state, count in states.items()))
    assert set(hit) == {"scancel", "scontrol requeue"}


def test_a_cancelled_job_is_submitted_again_and_goes_on(disturbed):
    workflow, jobs, hit = disturbed
    cancelled = hit["scancel"]
    again = [j for j in jobs if (j.rule, j.wildcards) == (cancelled.rule, cancelled.wildcards)]
    assert [j.state for j in again] == ["CANCELLED", "COMPLETED"]
    log = (workflow.root / "results/logs/mnist/train_svae_stage1/seed0.log").read_text()
    assert int(log.split(": resumed at step ")[1].split()[0]) >= 1


def test_a_requeued_job_runs_again_under_its_number(disturbed):
    _, jobs, hit = disturbed
    (requeued,) = [j for j in jobs if j.requeues]
    assert requeued.number == hit["scontrol requeue"].number
    assert (requeued.requeues, requeued.state) == (1, "COMPLETED")


def test_every_other_job_runs_once(disturbed):
    _, jobs, hit = disturbed
    others = [j for j in jobs if j.number != hit["scancel"].number]
    assert {j.state for j in others} == {"COMPLETED"}
    assert max(Counter((j.rule, j.wildcards) for j in others).values()) == 1


def test_rules_that_a_gpu_helps_ask_for_one_and_run_where_there_are_some(jobs, gpu_rules):
    assert {j.rule for j in jobs if j.gpus} <= gpu_rules
    assert {j.rule for j in jobs if not j.gpus}.isdisjoint(gpu_rules)
    assert {j.gpus for j in jobs} == {0, 1}
    assert {(j.gpus, j.node) for j in jobs} == {(0, "plain"), (1, "gpu")}


def test_shards_are_jobs_of_their_own(jobs):
    shards = Counter(j.wildcards.rpartition("_")[0] for j in jobs if j.rule == "attack_svae")
    assert set(shards.values()) == {2}


def test_jobs_ask_for_time_and_memory_as_the_profile_says(jobs, repository):
    profile = yaml.safe_load((repository / "profiles/slurm/config.yaml").read_text())
    for job in jobs:
        asked = profile["set-resources"].get(job.rule, {})
        minutes = asked.get("runtime", profile["default-resources"]["runtime"])
        days, rest = divmod(minutes, 1440)
        expected = f"{rest // 60:02d}:{rest % 60:02d}:00"
        assert job.minutes == (f"{days}-{expected}" if days else expected)
        again = job.state == "COMPLETED" and job.rule == "train_svae_stage1"  # the second attempt
        assert job.memory == ("16000M" if again else "8000M")


def test_what_fetches_files_runs_beside_snakemake(disturbed):
    workflow, jobs, _ = disturbed
    assert not {j.rule for j in jobs} & set(LOCAL)
    assert (workflow.root / "results/logs/mnist/prepare_dataset.log").exists()


def test_the_bytes_are_those_of_a_run_without_slurm(disturbed, undisturbed, capsys):
    ours, theirs = artifacts(disturbed[0]), artifacts(undisturbed)
    differ = sorted(name for name in ours.keys() | theirs if ours.get(name) != theirs.get(name))
    with capsys.disabled():
        print(f"\n{len(theirs) - len(differ)} of {len(theirs)} files have the same bytes")
    assert differ == []


def test_jobs_outlive_snakemake_and_a_new_run_goes_on(cluster, checkout, smoke_files, undisturbed):
    """The steps of docs/cluster.md for a login shell that died."""
    workflow = checkout("orphaned", smoke_files)
    checkpoint = workflow.root / CHECKPOINT
    run = Run(workflow, STAGE1)
    try:
        await_until("a checkpoint", SOON, checkpoint.exists)
    finally:
        run.kill()
    name = run.name()
    (orphan,) = [j for j in slurm_jobs(name) if j.state not in ENDED]
    assert orphan.state == "RUNNING"

    subprocess.run(["scancel", "--name", name], check=True)
    await_until("its end", SOON, lambda: slurm_jobs(name)[-1].state == "CANCELLED")
    locked = Run(workflow, STAGE1)
    assert locked.process.wait() == 1
    assert "--unlock" in locked.said.read_text()
    assert workflow.run("--unlock").returncode == 0
    Run(workflow, STAGE1).ended_well()
    log = (workflow.root / "results/logs/mnist/train_svae_stage1/seed0.log").read_text()
    assert int(log.split(": resumed at step ")[1].split()[0]) >= 1
    assert (workflow.root / STAGE1).read_bytes() == (undisturbed.root / STAGE1).read_bytes()
