"""Kill the workflow at random moments, go on as a user would, compare every file with a calm run.

    .venv/bin/python -m tests.chaos.run             # smoke, 25 kills, about an hour on two cores
    .venv/bin/python -m tests.chaos.run --kills 3 results/tables/table1.md

Two copies of the repository run `./reproduce`: one undisturbed, the other under SIGKILL to its
whole process group, Snakemake and all jobs, at moments drawn with ``--seed``. After a kill comes
`./reproduce` again, which takes back the lock and is killed in turn, until it gets through; then
every file under results/ but logs, benchmarks and the report must have the bytes of the calm run,
no other file may be there, and jobs that had saved must have gone on. It then begins anew, until
the kills are used up. Ends with 1 where anything was wrong.

Jobs of smoke end long before the half minute after which they save: in both copies they save every
``--save-every`` seconds. Needs /proc; MNIST as in tests/conftest.py, by TYPEONE_MNIST or as the
configuration says.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..standin import make_venv

ROOT = Path(__file__).parents[2]
INTERVAL = "interval: float = 30.0"  # in typeone/runtime/checkpoints.py
NO_ARTIFACTS = ("logs", "benchmarks", "report")  # the report shows what jobs took
SAVED = re.compile(r"^(\S+ \S+) DEBUG typeone\.runtime\.checkpoints: saved (\S+)$", re.MULTILINE)


# ------------------------------------------------------------------------------------- two copies


def checkout(root, *, save_every):
    """Copy what git holds or would add to ``root``, with a stand-in for .venv."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    module = root / "typeone" / "runtime" / "checkpoints.py"
    text = module.read_text()
    assert text.count(INTERVAL) == 1, f"{module} no longer says {INTERVAL!r}"
    module.write_text(text.replace(INTERVAL, f"interval: float = {save_every}"))
    make_venv(root)


@dataclass
class Reproduction:
    """`./reproduce` in one copy, always with the same arguments."""

    root: Path
    arguments: list[str]

    def start(self):
        """Begin in a process group of its own; what it prints goes to ``said``."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
        with open(self.said, "w") as said:
            return subprocess.Popen(
                [self.root / "reproduce", *self.arguments],
                env=inherited,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self):
        """Run to the end; seconds that it took."""
        begun = time.monotonic()
        running = self.start()
        self.check(self.wait(running))
        return time.monotonic() - begun

    def wait(self, running, patience=None):
        """The exit status; nothing runs on when the user stops waiting."""
        try:
            return running.wait(patience)
        except KeyboardInterrupt:
            os.killpg(running.pid, signal.SIGKILL)
            raise

    def check(self, status):
        if status:
            sys.exit(f"./reproduce ended with {status}:\n{self.said.read_text()[-3000:]}")

    @property
    def said(self):
        return self.root.parent / f"{self.root.name}.out"

    def forget(self):
        """Remove all results, and what Snakemake knows of them."""
        shutil.rmtree(self.root / ".snakemake")
        for path in (self.root / "results").iterdir():
            if path.name != "README.md":
                shutil.rmtree(path) if path.is_dir() else path.unlink()


# ------------------------------------------------------------------------------------- comparing


def artifacts(results):
    """SHA-256 by name of every file under ``results`` but `NO_ARTIFACTS`."""
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in NO_ARTIFACTS
    }


def differences(found, wanted):
    """One line a file that is missing, that nobody asked for, or whose bytes differ."""
    lines = [f"missing: {name}" for name in sorted(wanted.keys() - found.keys())]
    lines += [f"left over: {name}" for name in sorted(found.keys() - wanted.keys())]
    both = sorted(found.keys() & wanted.keys())
    return lines + [f"other bytes: {name}" for name in both if found[name] != wanted[name]]


# ------------------------------------------------------------------------------------- killing


@dataclass
class Job:
    """A job that ran when it was killed.

    Attributes:
        name: its script.
        age: seconds since its process began.
        log: the file that it wrote to, if it had come that far.
        lost: seconds of work that its next run cannot read from a sidecar.
        saved: whether there is a sidecar to go on from.
    """

    name: str
    age: float
    log: Path | None
    lost: float = 0.0
    saved: bool = False


def started(process):
    """Seconds since the epoch at which a process of /proc began."""
    after_name = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(after_name[19])  # field 22, starttime, since boot
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")


def jobs_of(group):
    """Jobs in a process group: processes that run a copy of a script that Snakemake has made."""
    for process in members(group):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
            script = next((w for w in words if "/.snakemake/scripts/tmp" in w), None)
            if script is None or not words[0].rpartition("/")[2].startswith("python"):
                continue
            opened = [Path(os.readlink(file)) for file in (process / "fd").iterdir()]
            log = next((path for path in opened if "/results/logs/" in str(path)), None)
            name = Path(script).name.split(".", 1)[1].removesuffix(".py")
            yield Job(name, time.time() - started(process), log)
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue


def members(group):
    """Processes of /proc in a process group, those left out that are dead and not yet fetched."""
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.getpgid(int(process.name)) == group:
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX":
                    yield process
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue


def kill(group, root):
    """SIGKILL to the group; the jobs that it hit, with what each has lost."""
    jobs = list(jobs_of(group))
    os.killpg(group, signal.SIGKILL)
    moment = datetime.now()
    while any(members(group)):
        time.sleep(0.01)
    for job in jobs:
        job.lost = job.age
        saves = SAVED.findall(job.log.read_text()) if job.log else []
        if saves and (root / saves[-1][1]).exists():
            at = datetime.strptime(saves[-1][0], "%Y-%m-%d %H:%M:%S,%f")
            job.saved, job.lost = True, max(0.0, (moment - at).total_seconds())
    return jobs


def not_resumed(jobs):
    """One line a job that left a sidecar behind and whose last log does not say that it went on."""
    logs = {job.log for job in jobs if job.saved}
    return [f"began anew: {log}" for log in sorted(logs) if "resumed " not in log.read_text()]


# ------------------------------------------------------------------------------------- the test


def table(head, rows):
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def in_words(jobs):
    return ", ".join(f"{job.name} ({job.age:.1f} s)" for job in jobs) or "none"


def chaos(shaken, wanted, *, kills, longest, rng):
    """Kill ``shaken`` so many times, each within ``longest`` seconds; all that was wrong, in lines.

    Prints a row a kill, as it comes. Ends with a run that gets through.
    """
    table(["kill", "run", "after s", "jobs running (age)", "work lost, s"], [])
    wrong, hit, run, done = [], [], 1, 0
    started_jobs = resumed = compared = 0
    worst, total = 0.0, 0.0
    while True:
        running = shaken.start()
        patience = rng.uniform(0, longest) if done < kills else None
        try:
            shaken.check(shaken.wait(running, patience))
        except subprocess.TimeoutExpired:
            jobs = kill(running.pid, shaken.root)
            running.wait()
            done += 1
            lost = sum(job.lost for job in jobs)
            worst, total = max([worst, *(job.lost for job in jobs)]), total + lost
            started_jobs += len(jobs)
            hit += jobs
            table_row = (done, run, f"{patience:.1f}", in_words(jobs), f"{lost:.1f}")
            print(f"| {' | '.join(map(str, table_row))} |", flush=True)
            continue
        found = differences(artifacts(shaken.root / "results"), wanted) + not_resumed(hit)
        wrong += [f"run {run}: {line}" for line in found]
        resumed += len({job.log for job in hit if job.saved}) - sum(
            line.startswith("began anew") for line in found
        )
        compared += 1
        if done == kills:
            break
        shaken.forget()
        hit, run = [], run + 1
    print(
        f"\n{done} kills, {started_jobs} jobs hit, {resumed} of them went on from a sidecar; "
        f"{total:.0f} s of work lost, {worst:.1f} s by one job at the most; {compared} complete "
        f"runs of {len(wanted)} files, {'all with' if not wrong else 'NOT all with'} the bytes of "
        "the calm one"
    )
    return wrong


def main(options):
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        folder = Path(options.folder or folder).resolve()
        arguments = ["--preset", options.preset, "--cores", str(options.cores)]
        mnist = os.environ.get("TYPEONE_MNIST")
        if mnist:
            extra = folder / "mnist.json"
            folder.mkdir(parents=True, exist_ok=True)
            source = {"source": "path", "path": str(Path(mnist).resolve())}
            extra.write_text(json.dumps({"datasets": {"mnist": source}}))
            arguments += ["--configfile", str(extra)]
        arguments += options.targets
        copies = [Reproduction(folder / name, arguments) for name in ("calm", "shaken")]
        for copy in copies:
            checkout(copy.root, save_every=options.save_every)
        calm, shaken = copies
        taken = calm.finish()
        wanted = artifacts(calm.root / "results")
        print(
            f"`./reproduce {' '.join(arguments)}`, seed {options.seed}: {taken:.0f} s undisturbed, "
            f"{len(wanted)} files; jobs save every {options.save_every:g} s\n"
        )
        rng = random.Random(options.seed)
        wrong = chaos(shaken, wanted, kills=options.kills, longest=taken / 2, rng=rng)
        for line in wrong:
            print(line)
        return bool(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="files or rules; none: the whole workflow")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--preset", default="smoke")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--save-every", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--folder", help="for the two copies; none: a temporary one")
    sys.exit(main(parser.parse_args()))
