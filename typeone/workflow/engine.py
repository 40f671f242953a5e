"""Read arguments with Snakemake's own parser, complete them, and run Snakemake in this process."""

import re
import signal
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn, Self
from unittest.mock import patch

from snakemake import cli
from snakemake.exceptions import CliException, WorkflowError, print_exception

from typeone.workflow import options
from typeone.workflow.environment import visible_gpus
from typeone.workflow.options import Refused
from typeone.workflow.screen.progress import Progress

# What only asks about the workflow, or takes away a lock: it makes no result and needs no lock.
ASKS = (
    *("dryrun", "lint", "list_rules", "list_target_rules", "print_compilation", "unlock"),
    *("summary", "detailed_summary", "dag", "rulegraph", "filegraph", "d3dag", "export_cwl"),
    *("list_changes", "list_input_changes", "list_params_changes", "list_untracked"),
    *("list_conda_envs", "containerize"),
)
# What tidies up, or makes other things than results.
TIDIES = (
    *("touch", "delete_all_output", "delete_temp_output", "cleanup_metadata", "cleanup_shadow"),
    *("archive", "generate_unit_tests", "conda_create_envs_only", "conda_cleanup_envs"),
    *("container_cleanup_images", "draft_notebook", "edit_notebook"),
)


def refuse(message: object) -> NoReturn:
    """Raise what argparse would print after pages of usage."""
    told = " ".join(str(message).split())
    raise Refused(f"{told} (.venv/bin/snakemake --help lists Snakemake's options)")


def make_parser(
    profiles: list[str] | None = None,
    snakemakes: Callable[..., ArgumentParser] = cli.get_argument_parser,
) -> ArgumentParser:
    """Return Snakemake's parser of its options with ours among them."""
    parser = snakemakes(profiles)
    parser.error = refuse  # type: ignore[method-assign]
    # our --configfile takes the place of Snakemake's
    options.add_options(parser.add_argument_group("TYPE ONE", conflict_handler="resolve"))
    return parser


def read(arguments: list[str], targets: Sequence[str] = ()) -> tuple[ArgumentParser, Namespace]:
    """Return Snakemake's parser and the options of a run, as `cli.args_to_api` takes them.

    Args:
        arguments: of the command line.
        targets: more of them.

    Raises:
        Refused: the arguments are wrong.
    """
    try:
        given = make_parser().parse_args(arguments)  # without the profiles
        options.check(given)
        # it makes its parser itself, a second time for the options in profiles
        with patch.object(cli, "get_argument_parser", make_parser):
            parser, args = cli.parse_args(arguments)
    except (CliException, WorkflowError, ValueError) as error:  # from functions that read values
        refuse(error)
    options.check(args)
    complete(args, given, targets)
    if only_dry(arguments):
        args.quiet = cli.parse_quietness(["rules", "progress"])
    return parser, args


def complete(args: Namespace, given: Namespace, targets: Sequence[str] = ()) -> None:
    """Add to Snakemake's options what nobody needs to say.

    Args:
        args: the options with those of the profiles; changed in place.
        given: the options of the command line alone.
        targets: more of them.
    """
    files, behind = options.configuration(args)
    args.targets = [*args.targets, *behind, *targets]
    # the preset comes first, so that the reader's files are laid over it, wherever they stand
    args.configfile = [*options.preset_files(args.preset), *files]
    if args.directory is not None:
        args.directory = args.directory.expanduser()
    local = args.executor in (None, "local")
    if local and args.cores is None and args.jobs is None:
        args.cores = cli.parse_cores("all")
    if local and not asks(args):
        share_gpus(args, given)


def share_gpus(args: Namespace, given: Namespace) -> None:
    """Let as many jobs use a GPU at a time as there are GPUs, each one of its own.

    A number that the command line or a profile of the reader's names stays as it is.
    """
    named = given.profile or given.workflow_profile not in (None, "none")
    there = visible_gpus()
    if "gpu" not in args.resources or (there > 1 and not named and "gpu" not in given.resources):
        args.resources["gpu"] = max(there, 1)


def named(arguments: list[str]) -> set[str]:
    """Return the names of the options that ``arguments`` or the environment give."""
    parser = make_parser()
    nothing = Namespace(**dict.fromkeys(vars(parser.parse_args([]))))  # in place of the defaults
    values = vars(parser.parse_args(arguments, nothing))
    return {name for name, value in values.items() if value is not None}


def only_dry(arguments: list[str]) -> bool:
    """Return whether -n is the only option of Snakemake's: its summary then comes alone."""
    own = {"targets", "preset", "configfile"}
    return named(arguments) - named([]) - own == {"dryrun"}


def asks(args: Namespace) -> bool:
    """Return whether the options only ask about the workflow."""
    report = args.report and not args.report_after_run
    return bool(report) or any(getattr(args, name) for name in ASKS)


def makes_results(args: Namespace) -> bool:
    """Return whether a run with these options ends with results that the table may show."""
    return not asks(args) and not any(getattr(args, name) for name in TIDIES)


def has_screen(args: Namespace) -> bool:
    """Return whether a run shows our screen: it makes results, and nobody asks for another log."""
    other = ("verbose", "printshellcmds", "quiet", "debug_dag", "logger")
    seen = None not in (sys.stdout, sys.stderr)  # a shell may have closed one
    return seen and makes_results(args) and not any(getattr(args, name) for name in other)


class Interrupts:
    """While it is entered, SIGINT (Ctrl-C) is remembered, beside what Python does about it."""

    def __enter__(self) -> Self:
        self.came = False
        self.before = signal.getsignal(signal.SIGINT)
        if self.before is signal.default_int_handler:  # it may be ignored, as in the background
            signal.signal(signal.SIGINT, self.remember)
        return self

    def remember(self, number: int, frame: FrameType | None) -> NoReturn:
        """Do as Python does."""
        self.came = True
        raise KeyboardInterrupt

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self.before)


def run(parser: ArgumentParser, args: Namespace, progress: Progress | None = None) -> int:
    """Run Snakemake; return its exit status, or minus the number of the signal that ended it.

    Args:
        parser: see `read`.
        args: see `read`.
        progress: what our screen is to follow, None for Snakemake's own log.
    """
    if progress is not None:
        from typeone.workflow.screen import handler  # only here: it takes a moment

        args.logger = [handler.register(progress)]
    python = sys.executable
    # Snakemake pastes the path of its Python into shell lines without quotes (its issue 2645). In a
    # folder whose name a shell would split, give it a bare name instead, which PATH leads to .venv.
    if re.search(r"[^A-Za-z0-9/._+-]", python):
        sys.executable = "python"
    with Interrupts() as interrupts:
        try:
            status = 0 if cli.args_to_api(args, parser) else 1
        except KeyboardInterrupt:
            status = 1
        except Exception as error:  # as Snakemake's own main function does
            print_exception(error)
            status = 1
    sys.executable = python
    # of max-jobs-per-timespan, which would keep this process for seconds after everything is done
    for timer in threading.enumerate():
        if isinstance(timer, threading.Timer):
            timer.cancel()
    return -signal.SIGINT if interrupts.came else status
