"""What profiles/ says, without a cluster."""

import re

import pytest
import yaml

# On every machine; the executor, how many jobs at once and what to do after an error are each
# profile's own.
SHARED = (
    *("rerun-triggers", "rerun-incomplete", "show-failed-logs", "printshellcmds"),
    "max-jobs-per-timespan",
)


@pytest.fixture(scope="module")
def profiles(repository):
    """Folder of profiles/ → what its file says."""
    files = sorted((repository / "profiles").glob("*/config.yaml"))
    return {file.parent.name: yaml.safe_load(file.read_text()) for file in files}


@pytest.fixture(scope="module")
def slurm(profiles):
    return profiles["slurm"]


def test_both_profiles_say_the_same_of_what_holds_everywhere(profiles):
    """`--workflow-profile profiles/slurm` takes the place of profiles/default."""
    assert set(profiles) == {"default", "slurm"}
    default, slurm = ({key: p[key] for key in SHARED} for p in profiles.values())
    assert slurm == default


def test_the_slurm_profile_names_no_partition_and_no_account(slurm):
    """These are the reader's."""
    for resources in (slurm["default-resources"], *slurm["set-resources"].values()):
        assert set(resources) <= {"mem_mb", "runtime"}
    assert not any(re.search("partition|account|qos|clusters", key) for key in slurm)


def test_slurm_hands_out_gpus_and_rules_say_their_threads(slurm):
    assert "resources" not in slurm  # of which profiles/default allows one job at a time
    assert "set-threads" not in slurm
    assert "cores" not in slurm
    assert slurm["executor"] == "slurm"


def test_no_job_asks_for_more_than_a_day(slurm):
    """What needs longer is submitted again, and goes on from its checkpoint."""
    minutes = {rule: asked["runtime"] for rule, asked in slurm["set-resources"].items()}
    assert max(minutes.values()) <= 1440
    assert min(minutes.values()) > slurm["default-resources"]["runtime"]
    assert slurm["retries"] >= 1


def test_the_slurm_profile_names_rules_that_there_are(slurm, rules):
    assert set(slurm["set-resources"]) - set(rules) == set()


def test_a_rule_asks_for_a_gpu_where_its_script_takes_one(rules, gpu_rules):
    """A rule made of another has its resources, unless it names its own."""
    own = {rule: "resources:" in body for rule, (_, body) in rules.items()}
    for rule, (_, body) in rules.items():
        if re.search(r"^    script:", body, re.M) or own[rule]:
            assert ("gpu=gpus()" in body) == (rule in gpu_rules), rule


@pytest.mark.parametrize(
    ("option", "taken"),
    [
        ("--workflow-profile", "workflow specific profile profiles/slurm"),
        ("--profile", "profiles profiles/slurm and workflow specific profile profiles/default"),
    ],
)
def test_snakemake_takes_the_slurm_profile(checkout, option, taken):
    workflow = checkout("planned", ["presets/smoke.yaml"])
    target = "results/mnist/oracle/evaluation.parquet"
    result = workflow.run("-n", target, how=(option, "profiles/slurm"))
    assert result.returncode == 0, result.stdout
    assert f"Using {taken} for setting default command line arguments" in result.stdout
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", result.stdout, re.M))
    assert jobs == {
        "prepare_dataset": "1",
        "train_oracle": "3",
        "train_density": "1",
        "evaluate_oracle": "1",
        "total": "6",
    }
