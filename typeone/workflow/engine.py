"""Parse arguments with Snakemake's parser, complete them and run Snakemake in this process."""

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

# Options that only query the workflow or remove a lock: they make no result and need no lock.
ASKS = (
    *("dryrun", "lint", "list_rules", "list_target_rules", "print_compilation", "unlock"),
    *("summary", "detailed_summary", "dag", "rulegraph", "filegraph", "d3dag", "export_cwl"),
    *("list_changes", "list_input_changes", "list_params_changes", "list_untracked"),
    *("list_conda_envs", "containerize"),
)
# Options that clean up, or make something other than results.
TIDIES = (
    *("touch", "delete_all_output", "delete_temp_output", "cleanup_metadata", "cleanup_shadow"),
    *("archive", "generate_unit_tests", "conda_create_envs_only", "conda_cleanup_envs"),
    *("container_cleanup_images", "draft_notebook", "edit_notebook"),
)


def refuse(message: object) -> NoReturn:
    """Raise the error that argparse would print after pages of usage."""
    line = " ".join(str(message).split())
    raise Refused(f"{line} (.venv/bin/snakemake --help lists Snakemake's options)")


def make_parser(
    profiles: list[str] | None = None,
    snakemakes: Callable[..., ArgumentParser] = cli.get_argument_parser,
) -> ArgumentParser:
    """Return Snakemake's option parser extended with our options."""
    parser = snakemakes(profiles)
    parser.error = refuse  # type: ignore[method-assign]
    # our --configfile replaces Snakemake's
    options.add_options(parser.add_argument_group("TYPE ONE", conflict_handler="resolve"))
    return parser


def read(arguments: list[str], targets: Sequence[str] = ()) -> tuple[ArgumentParser, Namespace]:
    """Return Snakemake's parser and the options of a run, as `cli.args_to_api` takes them.

    Args:
        arguments: the arguments of the command line.
        targets: additional targets.

    Raises:
        Refused: the arguments are wrong.
    """
    try:
        given = make_parser().parse_args(arguments)  # without the profiles
        options.check(given)
        check_config(given.config)
        # Snakemake makes its own parser, a second time for the options in profiles
        with patch.object(cli, "get_argument_parser", make_parser):
            parser, args = cli.parse_args(arguments)
    except (CliException, WorkflowError, ValueError) as error:  # from functions that parse values
        refuse(error)
    options.check(args)
    complete(args, given, targets)
    if only_dry(arguments):
        args.quiet = cli.parse_quietness(["rules", "progress"])
    return parser, args


def check_config(entries: list[str] | None) -> None:
    """Refuse entries of --config that are not settings of the top level, as NAME=VALUE."""
    for entry in entries or ():
        try:
            cli.parse_config([entry])
        except ValueError:
            raise Refused(
                f"--config is followed by '{entry}'; needs NAME=VALUE with a setting of the top "
                "level, as in gpu=true; lists and nested settings need a file for --configfile"
            ) from None


def complete(args: Namespace, given: Namespace, targets: Sequence[str] = ()) -> None:
    """Add our defaults to Snakemake's options.

    Args:
        args: the options including those of the profiles; changed in place.
        given: only the options of the command line.
        targets: additional targets.

    Raises:
        Refused: no job could run.
    """
    for name in ("cores", "jobs"):
        if isinstance(number := getattr(args, name), int) and number < 1:
            raise Refused(f"--{name} is {number}; needs at least 1, or all")
    files, behind = options.configuration(args)
    args.targets = [*args.targets, *behind, *targets]
    # the preset comes first, so that the user's files override it, wherever they appear
    args.configfile = [*options.preset_files(args.preset), *files]
    if args.directory is not None:
        args.directory = args.directory.expanduser()
    local = args.executor in (None, "local")
    if local and args.cores is None and args.jobs is None:
        args.cores = cli.parse_cores("all")
    if local and not asks(args):
        share_gpus(args, given)


def share_gpus(args: Namespace, given: Namespace) -> None:
    """Let as many jobs use a GPU at a time as there are GPUs, one GPU per job.

    A number set on the command line or in the user's profile is not changed.
    """
    named = given.profile or given.workflow_profile not in (None, "none")
    there = visible_gpus()
    if "gpu" not in args.resources or (there > 1 and not named and "gpu" not in given.resources):
        args.resources["gpu"] = max(there, 1)


def named(arguments: list[str]) -> set[str]:
    """Return the names of the options that ``arguments`` or the environment set."""
    parser = make_parser()
    nothing = Namespace(**dict.fromkeys(vars(parser.parse_args([]))))  # in place of the defaults
    values = vars(parser.parse_args(arguments, nothing))
    return {name for name, value in values.items() if value is not None}


def only_dry(arguments: list[str]) -> bool:
    """Return whether -n is the only Snakemake option: then only the summary is printed."""
    own = {"targets", "preset", "configfile"}
    return named(arguments) - named([]) - own == {"dryrun"}


def asks(args: Namespace) -> bool:
    """Return whether the options only query the workflow."""
    report = args.report and not args.report_after_run
    return bool(report) or any(getattr(args, name) for name in ASKS)


def makes_results(args: Namespace) -> bool:
    """Return whether a run with these options makes results that the closing table can show."""
    return not asks(args) and not any(getattr(args, name) for name in TIDIES)


def has_screen(args: Namespace) -> bool:
    """Return whether a run shows our screen: it makes results, and no other log is requested."""
    other = ("verbose", "printshellcmds", "quiet", "debug_dag", "logger")
    seen = None not in (sys.stdout, sys.stderr)  # a shell may have closed one
    return seen and makes_results(args) and not any(getattr(args, name) for name in other)


class Interrupts:
    """Context manager that records SIGINT (Ctrl-C), in addition to Python's own handling."""

    def __enter__(self) -> Self:
        self.came = False
        self.before = signal.getsignal(signal.SIGINT)
        if self.before is signal.default_int_handler:  # a background process may ignore it
            signal.signal(signal.SIGINT, self.remember)
        return self

    def remember(self, number: int, frame: FrameType | None) -> NoReturn:
        """Record the signal and raise KeyboardInterrupt, as Python does."""
        self.came = True
        raise KeyboardInterrupt

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self.before)


def run(parser: ArgumentParser, args: Namespace, progress: Progress | None = None) -> int:
    """Run Snakemake; return its exit status, or minus the number of the signal that ended it.

    Args:
        parser: see `read`.
        args: see `read`.
        progress: the progress that our screen shows, None for Snakemake's own log.
    """
    if progress is not None:
        from typeone.workflow.screen import handler  # imported here because it is slow

        args.logger = [handler.register(progress)]
    python = sys.executable
    # Snakemake pastes the path of its Python into shell commands without quotes (its issue 2645).
    # If a shell would split the path, use a bare name instead, which PATH resolves to .venv.
    if re.search(r"[^A-Za-z0-9/._+-]", python):
        sys.executable = "python"
    with Interrupts() as interrupts:
        try:
            status = 0 if cli.args_to_api(args, parser) else 1
        except KeyboardInterrupt:
            status = 1
        except Exception as error:  # as in Snakemake's own main function
            print_exception(error)
            status = 1
    sys.executable = python
    # timers of max-jobs-per-timespan, which would keep this process alive for some seconds
    for timer in threading.enumerate():
        if isinstance(timer, threading.Timer):
            timer.cancel()
    return -signal.SIGINT if interrupts.came else status
