"""The options of `typeone reproduce` besides Snakemake's, and the checks that need no Snakemake.

./reproduce runs this file before it sets up .venv, so that a mistake is reported at once and not
after minutes. It therefore imports only the standard library and runs with any Python >= 3.11. What
needs Snakemake's parser, such as an abbreviated option, is checked after the set-up.
"""

import argparse
import sys
from pathlib import Path

USAGE = """\
usage: ./reproduce [--preset smoke|quick|full|paper] [SNAKEMAKE ARGUMENTS]

Runs the whole reproduction, on all cores by default, and prints the verdicts at the end. A terminal
shows one line per stage, a pipe one line per finished job; --verbose or --printshellcmds shows
Snakemake's own log instead, which is always written to .snakemake/log.

  --preset smoke   the whole workflow on little data, minutes on two cores; ignore the numbers
  --preset quick   config.yaml unchanged (the default), 70 minutes on one core
  --preset full    digits with five seeds, the paper's counts and longer trainings; estimated 20
                   core-hours with faces
  --preset paper   the published settings; needs a GPU

All other arguments are passed to Snakemake, which runs in the folder of ./reproduce:

  ./reproduce -n                              show what would run, why, and about how long it takes
  ./reproduce -np                             list every job with its files first
  ./reproduce --cores 1 results/tables/table1.csv
  ./reproduce check_results                   list the tables and checkpoints under results/ that
                                              are damaged, foreign, or made with other code or
                                              settings
  ./reproduce --configfile my.yaml            my.yaml on top of the preset; may be followed by more
                                              .yaml, .yml or .json files, and by targets
  ./reproduce --workflow-profile profiles/slurm
                                              on a cluster with Slurm, see docs/cluster.md
  .venv/bin/snakemake --help                  Snakemake's own options

The environment variable PYTHON sets the Python (3.11 or newer) that makes .venv; the default is the
first on PATH. `.venv/bin/typeone reproduce` does the same without the set-up, and
`.venv/bin/typeone check` the same as `./reproduce check_results`.
"""
PRESETS = ("smoke", "quick", "full", "paper")
SUFFIXES = (".yaml", ".yml", ".json")
NEEDS_NAMES = "needs names that end in .yaml, .yml or .json"
ANSWERED = 10  # exit status of this file if the usage was requested


class Refused(Exception):
    """An error of the caller, described in one line."""

    def __init__(self, message: object, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


def say(message: object) -> None:
    """Print one line on standard error, after the name of the command."""
    print(f"{Path(sys.argv[0]).stem}: {message}", file=sys.stderr, flush=True)


def add_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add to ``parser`` the options that Snakemake lacks, or that do more here.

    Snakemake's ``--configfile`` takes all names that follow it, even targets, and only the last of
    several is used. Here each one makes a list of its own, see `configuration`.
    """
    parser.add_argument("--preset", nargs="?", const="", default="quick")
    parser.add_argument(
        "--configfile", "--configfiles", dest="configfile", nargs="*", action="append", default=[]
    )


def configuration(given: argparse.Namespace) -> tuple[list[Path], list[str]]:
    """Return the given configuration files, and the targets that follow them.

    Of the names after one ``--configfile``, the first that does not have the suffix of a
    configuration file is a target, and so are all names after it.
    """
    files, targets = [], []
    for names in given.configfile:
        ends = (i for i, name in enumerate(names) if not name.endswith(SUFFIXES))
        first = next(ends, len(names))
        files += [Path(name).expanduser() for name in names[:first]]
        targets += names[first:]
    return files, targets


def preset_files(preset: str) -> list[Path]:
    """Return the configuration files of a preset; quick is config.yaml itself."""
    return [] if preset == "quick" else [Path(f"presets/{preset}.yaml")]


def check(given: argparse.Namespace) -> None:
    """Raise `Refused` for values that Snakemake would refuse late or not at all.

    Paths are relative to the current folder.
    """
    if given.preset not in PRESETS:
        raise Refused(f"--preset is '{given.preset}'; needs smoke, quick, full or paper")
    for names in given.configfile:
        if not names:
            raise Refused(f"--configfile has no file name; {NEEDS_NAMES}")
        if not names[0].endswith(SUFFIXES):
            raise Refused(f"--configfile is followed by '{names[0]}'; {NEEDS_NAMES}")
    for file in configuration(given)[0]:
        if not file.is_file():
            raise Refused(
                f"--configfile names '{file}', which is not a file; needs .yaml, .yml or .json "
                f"files that exist, relative to {Path.cwd()}"
            )
    profile = given.workflow_profile
    if profile not in (None, "none"):
        places = (Path(profile), Path("profiles", profile))
        if not any(place.exists() for place in places):
            raise Refused(
                f"--workflow-profile names '{profile}', which does not exist; needs a folder such "
                f"as profiles/slurm, relative to {Path.cwd()}"
            )
    if given.directory is not None:
        folder = Path(given.directory).expanduser()
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            place = "" if there == folder else f" inside '{there}'"
            raise Refused(
                f"--directory names '{folder}'{place}, which is not a folder; needs a folder, or a "
                "name that does not exist yet"
            )


def split_targets(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the arguments before the first ``--``, and the targets after it."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def check_early(arguments: list[str]) -> bool:
    """Check what can be checked without Snakemake; return whether the usage was requested."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_options(parser)
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--workflow-profile", nargs="?")
    parser.add_argument("--directory", "-d", nargs="?")
    given, _ = parser.parse_known_args(split_targets(arguments)[0])
    if not given.help:
        check(given)
    return bool(given.help)


def main(arguments: list[str]) -> int:
    """Check the arguments of ./reproduce; return 0 if no error is found, 2 or `ANSWERED`."""
    try:
        if check_early(arguments):
            print(USAGE, end="")
            return ANSWERED
    except Refused as refused:
        say(refused)
        return refused.status
    return 0


if __name__ == "__main__":
    sys.argv[0] = "reproduce"
    sys.exit(main(sys.argv[1:]))
