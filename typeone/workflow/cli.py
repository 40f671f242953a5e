"""The command `typeone`, which ./reproduce calls."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from typeone.workflow import auditing, environment, lock, options
from typeone.workflow.options import Refused, say
from typeone.workflow.screen import closing
from typeone.workflow.screen.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
USAGE = """\
usage: typeone reproduce [--preset smoke|quick|full|paper] [SNAKEMAKE ARGUMENTS]
       typeone check [--preset smoke|quick|full|paper] [SNAKEMAKE ARGUMENTS]
       typeone audit FILE.py:FUNCTION [OPTIONS]

  reproduce   run the reproduction; `typeone reproduce --help` shows its options
  check       list the tables and checkpoints under results/ that are damaged, foreign, or made
              with other code or settings
  audit       attack a classifier of your own and write its card; `typeone audit --help`
"""
COMMANDS = {"reproduce": [], "check": ["check_results"]}  # command → its targets
ISOLATED = ("-I", "-X", "utf8", "-m", "typeone.workflow")
VERDICTS = Path("results", "reproduction.csv")
FULL = 1 << 20  # bytes; a disk with less free space causes many different errors


def main() -> int:
    """Run the command given on the command line of this process; return its exit status."""
    if not (sys.flags.isolated and sys.flags.utf8_mode):
        start_isolated()
    command, *arguments = sys.argv[1:] or ["--help"]
    if command in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    sys.argv = [command if command in COMMANDS else "typeone", *arguments]
    try:
        if command == "audit":
            return auditing.audit(arguments, [sys.executable, *ISOLATED], ROOT)
        if command not in COMMANDS:
            raise Refused(f"unknown command '{command}'; needs reproduce, check or audit")
        status = reproduce(arguments, COMMANDS[command])
    except Refused as refused:
        say(refused)
        return refused.status
    except KeyboardInterrupt:
        status = -signal.SIGINT
    if status < 0:  # end by the same signal, so that the calling shell can see it
        sys.stdout.flush()
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


def start_isolated() -> NoReturn:
    """Restart this process so that no variable or folder can select another typeone."""
    command = [sys.executable, *ISOLATED, *sys.argv[1:]]
    os.execve(sys.executable, command, environment.isolated(os.environ))


def reproduce(arguments: list[str], targets: Sequence[str] = ()) -> int:
    """Run the workflow of this checkout in its top folder; return the exit status.

    Args:
        arguments: the arguments that `options.USAGE` describes.
        targets: additional targets.
    """
    if not (ROOT / "Snakefile").is_file():
        raise Refused(f"{ROOT} has no Snakefile; needs typeone installed from a checkout (pip -e)")
    os.chdir(ROOT)
    if options.check_early(arguments):
        print(options.USAGE, end="")
        return 0
    environment.isolate(sys.executable, ROOT)
    # imported only now: they take two seconds and read the cache folders when imported
    from typeone.workflow import configfiles, engine

    parser, args = engine.read(arguments, targets)
    for message in filter(None, map(configfiles.fault, ["config.yaml", *args.configfile])):
        raise Refused(message, status=1)
    folder = Path(args.directory or ".").resolve()
    checks = "check_results" in args.targets  # its result is its log
    if checks and not (folder / "results").is_dir():
        raise Refused(
            f"'{folder}' has no results/ to check; needs the folder of a run: --directory FOLDER"
        )
    check_writable(folder)
    if not engine.asks(args) and take(folder):
        take_back_lock(folder, arguments)
    progress = Progress() if engine.has_screen(args) and not checks else None
    results, before = folder / "results", changed(folder / VERDICTS)
    status = engine.run(parser, args, progress)
    if status:
        say_if_full(folder)
        say_stopped(progress)
    elif engine.makes_results(args) and not checks:
        show(results, progress, remade=changed(folder / VERDICTS) != before)
    return status


# ------------------------------------------------------------------------------ one run per folder


def check_writable(folder: Path) -> None:
    """Raise `Refused` for a folder on a read-only disk; a dry run writes below it too."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        raise Refused(
            f"cannot write to '{folder}': it is read-only; needs another folder for the results: "
            "--directory FOLDER",
            status=1,
        )


def take(folder: Path) -> bool:
    """Lock .venv and a folder of results until this process ends.

    Returns whether a killed run left Snakemake's lock there, which no process uses any more.
    """
    doing = lock.holder(f"./reproduce runs in {folder}", os.getpid())
    try:
        results = lock.open_lock(folder / ".snakemake" / "reproduce.lock")
    except OSError as error:
        raise Refused(f"cannot write to '{folder}': {error.strerror}", status=1) from error
    os.environ["TYPEONE_RUN"] = str(folder)
    try:
        lock.lock(results, folder, doing)
        if os.access(ROOT, os.W_OK):  # a read-only checkout, as in a container, is never set up
            with suppress(PermissionError):
                setup = lock.open_lock(ROOT / ".snakemake" / "setup.lock")
                lock.lock(setup, ROOT, doing, shared=True)
    except lock.Held as held:
        raise Refused(held, status=1) from held
    except OSError as error:
        say(
            f"cannot lock files in {folder} ({error.strerror}); make sure that no other run uses "
            "this folder"
        )
        return False
    left = folder / ".snakemake" / "locks"
    return left.is_dir() and any(left.iterdir())


def take_back_lock(folder: Path, arguments: list[str]) -> None:
    """Call Snakemake to remove the lock that a killed run left."""
    say(f"a run in {folder} was killed: removing its lock")
    command = [sys.executable, *ISOLATED, "reproduce", "--unlock", *arguments]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode:
        raise Refused(f"cannot remove the lock: {result.stdout.strip()}", status=1)


# ------------------------------------------------------------------------------ end of a run


def say_if_full(folder: Path) -> None:
    """Print a message if the disk of ``folder`` is full."""
    free = shutil.disk_usage(folder).free
    if free < FULL:
        say(
            f"the disk of {folder} is full ({free // 1024} kB free): free some space and run "
            "again; finished jobs are kept"
        )


def changed(file: Path) -> int | None:
    """Return when a file was last written, None if it does not exist."""
    return file.stat().st_mtime_ns if file.exists() else None


def say_stopped(progress: Progress | None) -> None:
    """Print how far an unsuccessful run came."""
    if progress is not None:
        for line in closing.stopped(progress):
            say(line)


def show(results: Path, progress: Progress | None, *, remade: bool) -> None:
    """Print the verdicts in a folder of results, the paths of the results and the run's cost."""
    shown = results.relative_to(ROOT) if results.is_relative_to(ROOT) else results
    print("\n".join(closing.lines(results, shown, progress, remade=remade)), flush=True)
