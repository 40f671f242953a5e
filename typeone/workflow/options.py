"""The options of `typeone reproduce` beside Snakemake's, and the checks that need no Snakemake.

./reproduce runs this file before it sets up .venv, so that a mistake is told at once and not after
minutes: only the standard library, any Python from 3.11 on. What this cannot see without
Snakemake's parser, as an abbreviated option, is checked after the set-up.
"""

import argparse
import sys
from pathlib import Path

USAGE = """\
usage: ./reproduce [--preset smoke|quick|paper] [SNAKEMAKE ARGUMENTS]

Runs the whole reproduction, on all cores unless told otherwise, and ends with the verdicts. A
terminal shows one line per stage, a pipe one line per finished job; --verbose or --printshellcmds
shows Snakemake's own log instead, which .snakemake/log contains in any case.

  --preset smoke   the whole workflow on little data, minutes on two cores; the numbers mean nothing
  --preset quick   config.yaml as it stands (the default), 25 to 55 minutes on two cores
  --preset paper   the published settings; needs a GPU

Snakemake reads all other arguments. It runs in the folder of ./reproduce:

  ./reproduce -n                              what would run, why, and about how long it takes
  ./reproduce -np                             the same after every job with its files
  ./reproduce --cores 1 results/tables/table1.csv
  ./reproduce check_results                   which tables and checkpoints under results/ are
                                              damaged, foreign, or not of this code and these
                                              settings
  ./reproduce --configfile my.yaml            my.yaml on top of the preset; may be followed by more
                                              .yaml, .yml or .json files, and by targets
  ./reproduce --workflow-profile profiles/slurm
                                              on a cluster with Slurm, see docs/cluster.md
  .venv/bin/snakemake --help                  Snakemake's own options

PYTHON names the Python (3.11 or newer) to make .venv with; otherwise the first on PATH is taken.
`.venv/bin/typeone reproduce` is the same without the set-up, `.venv/bin/typeone check` the same as
`./reproduce check_results`.
"""
PRESETS = ("smoke", "quick", "paper")
SUFFIXES = (".yaml", ".yml", ".json")
NEEDS_NAMES = "needs names that end in .yaml, .yml or .json"
ANSWERED = 10  # exit status of this file where the usage was asked for


class Refused(Exception):
    """A mistake of the caller, in one line."""

    def __init__(self, message: object, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


def say(message: object) -> None:
    """Print one line on standard error, after the name of the command."""
    print(f"{Path(sys.argv[0]).stem}: {message}", file=sys.stderr, flush=True)


def add_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add to ``parser`` the options that are not Snakemake's, or that mean more here.

    Snakemake's ``--configfile`` takes all names that follow it, also targets, and only the last of
    several counts. Here each one is a list of its own, see `configuration`.
    """
    parser.add_argument("--preset", nargs="?", const="", default="quick")
    parser.add_argument(
        "--configfile", "--configfiles", dest="configfile", nargs="*", action="append", default=[]
    )


def configuration(given: argparse.Namespace) -> tuple[list[Path], list[str]]:
    """Return the configuration files that were given, and the targets that followed them.

    Of the names after one ``--configfile``, the first that does not end like a configuration file
    is a target, and so are all that follow.
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
    """Refuse values that Snakemake would refuse late, or not at all. Names are relative to here."""
    if given.preset not in PRESETS:
        raise Refused(f"--preset is '{given.preset}'; needs smoke, quick or paper")
    for names in given.configfile:
        if not names:
            raise Refused(f"--configfile is followed by no name; {NEEDS_NAMES}")
        if not names[0].endswith(SUFFIXES):
            raise Refused(f"--configfile is followed by '{names[0]}'; {NEEDS_NAMES}")
    for file in configuration(given)[0]:
        if not file.is_file():
            raise Refused(
                f"--configfile names '{file}', which is not a file; needs .yaml, .yml or .json "
                f"files that exist, named from {Path.cwd()}"
            )
    profile = given.workflow_profile
    if profile not in (None, "none"):
        places = (Path(profile), Path("profiles", profile))
        if not any(place.exists() for place in places):
            raise Refused(
                f"--workflow-profile names '{profile}', which does not exist; needs a folder such "
                f"as profiles/slurm, named from {Path.cwd()}"
            )
    if given.directory is not None:
        folder = Path(given.directory).expanduser()
        if folder.exists() and not folder.is_dir():
            raise Refused(
                f"--directory names '{folder}', which is not a folder; needs one, or a name that "
                "is free"
            )


def split_targets(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before the first ``--``, and the targets after it."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def check_early(arguments: list[str]) -> bool:
    """Check what can be checked without Snakemake; return whether the usage was asked for."""
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
    """Check the arguments of ./reproduce: 0 they may be right, 2 refused, `ANSWERED`."""
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
