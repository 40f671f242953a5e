"""`./test --cluster` says in one line why it cannot be, before it sets anything up.

Stand-ins for the programs that it asks: the machine is not touched.
"""

import os
import shutil
import signal
import subprocess

import pytest


class Machine:
    """A copy of ./test, a PATH that holds little, and a folder for /etc/slurm."""

    def __init__(self, repository, root):
        self.root = root
        for name in ("test", "envs/bootstrap.sh", "tests/cluster/slurm"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, root / name)
        self.programs = root / "programs"
        self.programs.mkdir()
        self.amend("PATH=$PATH:/usr/sbin:/sbin\n", "")
        self.amend("/etc/slurm/", f"{root}/")
        for name in ("sh", "dirname", "cat", "grep", "tr", "uname"):
            (self.programs / name).symlink_to(shutil.which(name))
        self.stand_in("id", 'case $1 in -u) echo "${USER_ID:-0}" ;; *) echo somebody ;; esac')
        self.stand_in("getent", "echo 127.0.0.1")

    def amend(self, old, new):
        script = self.root / "tests" / "cluster" / "slurm"
        text = script.read_text()
        assert old in text
        script.write_text(text.replace(old, new))

    def stand_in(self, name, text):
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    def __call__(self, **environment):
        kept = {k: v for k, v in os.environ.items() if k not in ("SLURM_CONF", "USER_ID")}
        return subprocess.run(
            [self.root / "test", "--cluster", "-x"],
            env=kept | {"PATH": str(self.programs)} | environment,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def machine(repository, tmp_path):
    return Machine(repository, tmp_path / "repository")


def refuses(result, message):
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"slurm: {message}")
    assert result.stderr.count("\n") == 1


def test_it_needs_root(machine):
    refuses(
        machine(USER_ID="1000"),
        "the cluster's daemons must run as root, and this is somebody; run it as root on a machine "
        "to throw away",
    )
    assert not (machine.root / ".venv").exists()


def test_it_needs_slurm_or_a_way_to_install_it(machine):
    for name in ("sbatch", "munged", "slurmctld"):  # slurmd is missing
        machine.stand_in(name, "exit 9")
    refuses(
        machine(),
        "sbatch munged slurmctld slurmd are not all installed, and there is no apt-get to install "
        "them; needs Debian or Ubuntu",
    )


def test_it_leaves_a_cluster_alone(machine):
    machine.stand_in("apt-get", "exit 9")
    refuses(
        machine(SLURM_CONF="/srv/slurm.conf"),
        "SLURM_CONF is /srv/slurm.conf: this machine belongs to a cluster; needs one that does not",
    )


def test_it_leaves_a_configuration_alone_that_it_did_not_write(machine):
    machine.stand_in("apt-get", "exit 9")
    theirs = machine.root / "slurm.conf"
    theirs.write_text("ClusterName=theirs\n")
    refuses(
        machine(),
        f"{theirs} is not ours: this machine belongs to a cluster; needs one that does not",
    )
    assert theirs.read_text() == "ClusterName=theirs\n"


def test_it_leaves_daemons_alone_that_it_did_not_start(machine):
    machine.stand_in("apt-get", "exit 9")
    machine.stand_in("slurmctld", "sleep 60")
    (machine.programs / "sleep").symlink_to(shutil.which("sleep"))
    theirs = subprocess.Popen([machine.programs / "slurmctld"], start_new_session=True)
    try:
        result = machine()
    finally:
        os.killpg(theirs.pid, signal.SIGKILL)
        theirs.wait()
    refuses(result, "a Slurm daemon that is not ours runs here (process ")
    assert str(theirs.pid) in result.stderr
    assert "); needs a machine without\n" in result.stderr


def test_it_needs_a_machine_whose_name_has_an_address(machine):
    machine.stand_in("apt-get", "exit 9")
    machine.stand_in("getent", "exit 2")
    refuses(machine(), f"the name of this machine, {os.uname().nodename}, has no address; needs")


def test_another_word_is_named(machine):
    result = subprocess.run(
        [machine.root / "tests/cluster/slurm", "restart"], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "slurm: the first word is 'restart'; needs check, start or stop\n"
