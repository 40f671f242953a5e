"""The command `typeone audit`: the card of a network, with a kit that is made when needed."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from typeone.workflow.options import PRESETS, Refused, say

MINUTES = "with preset quick about 10 minutes on two idle cores for digits"
USAGE = """\
usage: typeone audit FILE.py:FUNCTION [--weights FILE] [OPTIONS]

Attacks a classifier of 28 x 28 images, or with --threshold a recognizer of 64 x 64 faces, and
writes a card: card.html for people, card.json for programs. FUNCTION takes no arguments and returns
a torch.nn.Module, images in [0, 1] -> logits or embeddings; the file is run. docs/audit.md explains
the card.

  --weights FILE     a .safetensors file of its state_dict(); without it the weights are those that
                     FUNCTION returns
  --threshold D      the network is a recognizer: up to this distance of embeddings two faces are
                     one person
  --data DATA        digits (MNIST, the default), fashion, or a folder of IDX files like MNIST's;
                     with --threshold: faces (drawn by a procedure), lfw, or a .yaml file with
                     settings that choose other faces (docs/faces.md)
  --kit FILE         the kit to use; by default that of DATA under results/, which is made first if
                     it does not exist
  --kit-sha256 HEX   the SHA-256 that this file must have
  --attack FILE.py:FUNCTION
                     an attack of your own beside those of the kit, docs/your-attack.md; may be
                     repeated
  --count N          number of attacked images, by default that of the kit
  --seed N           seed of random starts, by default 0
  --name NAME        name of the network on the card
  --out FOLDER       where the card is written, by default card/
  --preset PRESET    preset of a kit that is made: quick (the default), smoke, full or paper
"""
DATA = {"digits": ("mnist", []), "fashion": ("fashion", ["presets/fashion.yaml"])}
"""Data set and configuration files of the named data."""
FACES: dict[str, dict[str, Any]] = {"faces": {}, "lfw": {"faces": {"source": "lfw"}}}
"""Settings of the named data for recognizers."""


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line.

    Raises:
        Refused: they are wrong.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("network", nargs="?")
    for name in ("weights", "kit", "kit-sha256", "name"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--threshold", type=float)
    parser.add_argument("--data")
    parser.add_argument("--attack", action="append", default=[])
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="card")
    parser.add_argument("--preset", choices=PRESETS)
    try:
        args, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise Refused(f"{error}; `typeone audit --help` shows the options") from error
    if unknown:
        raise Refused(f"unknown option '{unknown[0]}'; `typeone audit --help` shows the options")
    for name, value in (("the network", args.network), *(("--attack", a) for a in args.attack)):
        if value is None or not re.fullmatch(r".+\.py:[A-Za-z_][A-Za-z0-9_]*", value):
            found = f"is '{value}'" if value else "is missing"
            raise Refused(f"{name} {found}; needs path/to/file.py:function")
    if args.kit_sha256 and not args.kit:
        raise Refused("--kit-sha256 is given without --kit; needs the file that it belongs to")
    if args.count is not None and args.count < 1:
        raise Refused(f"--count is {args.count}; needs at least 1")
    named = args.data
    check_data(args)
    if args.kit and named:
        raise Refused("--data is given with --kit; needs one of them: a kit has its images")
    if args.preset and args.kit:
        raise Refused("--preset is given with --kit; needs one of them: a kit has its preset")
    if len(set(args.attack)) < len(args.attack):
        raise Refused("--attack names the same function twice; needs different ones")
    if (out := Path(args.out).expanduser()).exists() and not out.is_dir():
        raise Refused(f"--out is '{args.out}', which is a file; needs a folder")
    for option, file in (("--weights", args.weights), ("--kit", args.kit)):
        if file and not Path(file).expanduser().is_file():
            raise Refused(f"{option} is '{file}', which is not a file")
    return args


def check_data(args: argparse.Namespace) -> None:
    """Set the default of ``--data``; refuse data that are not there, and a useless threshold."""
    if args.threshold is None:
        args.data = args.data or "digits"
        if args.data not in DATA and not Path(args.data).expanduser().is_dir():
            raise Refused(
                f"--data is '{args.data}', which is not a folder; needs digits, fashion, or a "
                "folder of IDX files; faces need --threshold"
            )
        return
    args.data = args.data or "faces"
    if not 0 < args.threshold < float("inf"):
        raise Refused(f"--threshold is {args.threshold:g}; needs a distance above 0")
    if args.attack:
        raise Refused(
            "--attack is given with --threshold; needs one of them: a recognizer is audited with "
            "the attacks of its kit"
        )
    settings = Path(args.data).expanduser()
    if args.data not in FACES and not (settings.suffix == ".yaml" and settings.is_file()):
        raise Refused(
            f"--data is '{args.data}'; with --threshold it needs faces, lfw, or a .yaml file with "
            "settings that choose faces"
        )


def folder_settings(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of the data set in a folder of IDX files, and its settings.

    Many such folders are called ``raw``, so the name contains a digest of the path.
    """
    name = re.sub(r"[^a-z0-9_]+", "_", folder.name.lower()).strip("_")
    name = f"{name}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    name = name if re.match(r"[a-z]", name) else f"data_{name}"
    return name, {"datasets": {name: {"format": "idx", "path": str(folder)}}}


def make_kit(command: Sequence[str], root: Path, args: argparse.Namespace) -> Path:
    """Return the kit of the data, after making it if it does not exist.

    Args:
        command: runs `typeone reproduce` with further arguments.
        root: folder of the checkout.

    Kits of a folder and of faces that a file describes are left to the run, which makes them again
    if the images or settings changed; that of a folder keeps its preset.

    Raises:
        Refused: it could not be made.
    """
    with ExitStack() as stack:
        settings: dict[str, Any] = {}
        files: list[str] = []
        if args.threshold is not None:
            dataset, settings = "faces", face_settings(args.data)
        elif args.data in DATA:
            dataset, files = DATA[args.data]
        else:
            dataset, settings = folder_settings(Path(args.data).expanduser().resolve())
        if settings:
            temporary = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".yaml"))
            yaml.safe_dump(settings, temporary)
            temporary.flush()
            files = [temporary.name]
        kit = root / "results" / dataset / "kit" / "kit.safetensors"
        note = kit.with_name("kit.json")
        preset = args.preset or "quick"
        described = args.threshold is not None and args.data not in FACES
        folder = args.threshold is None and args.data not in DATA
        if kit.exists() and note.exists() and not described:
            told = json.loads(note.read_text())
            preset = told["preset"]
            check_source(args, told, kit)
            if args.preset not in (None, preset):
                raise Refused(
                    f"--preset is {args.preset}, but {kit} is of preset {preset}; remove that "
                    "file to make another, or leave --preset out"
                )
            if not folder:
                print(f"kit: {kit}, preset {preset}", flush=True)
                return kit
        if not kit.exists():
            say(f"no kit of {dataset} yet: its networks are trained once, {MINUTES}")
        target = kit.relative_to(root).as_posix()
        given = ["--configfile", *files] if files else []
        made = subprocess.run(
            [*command, "reproduce", "--preset", preset, *given, "--", target],
            check=False,
        )
    if made.returncode or not kit.exists():
        raise Refused(
            "the kit was not made, see above; run the same command again to go on", status=1
        )
    return kit


def face_settings(data: str) -> dict[str, Any]:
    """Return the settings of the faces that ``--data`` names, or that its file contains."""
    if data in FACES:
        return FACES[data]
    try:
        found = yaml.safe_load(Path(data).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Refused(f"--data is '{data}', which cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("faces"), dict):
        raise Refused(f"--data is '{data}', which has no section faces; needs settings of faces")
    return found


def check_source(args: argparse.Namespace, told: dict[str, Any], kit: Path) -> None:
    """Refuse a kit of other faces than those that ``--data`` names."""
    if args.threshold is None:
        return
    wanted = FACES[args.data].get("faces", {}).get("source", "synthetic")
    if told["source"] != wanted:
        raise Refused(
            f"--data is {args.data}, faces of source {wanted}, but {kit} has faces of source "
            f"{told['source']}; name it with --kit, or remove that file to make another, which "
            "also makes the faces of results/ again"
        )


def audit(arguments: list[str], command: Sequence[str], root: Path) -> int:
    """Run `typeone audit`; return its exit status.

    Args:
        arguments: those that `USAGE` describes.
        command, root: see `make_kit`.

    Raises:
        Refused: the arguments, the network or the kit cannot be used.
    """
    if {"-h", "--help"} & set(arguments):
        print(USAGE, end="")
        return 0
    args = parsed(arguments)
    kit = Path(args.kit).expanduser() if args.kit else make_kit(command, root, args)
    # imported only now: torch takes two seconds
    import torch

    from typeone.attacks.user_attacks import SIGNATURE
    from typeone.evaluation.audit.attacks import OwnAttack
    from typeone.models.user_networks import build_own, load_weights
    from typeone.reporting.card.audits import audit_with
    from typeone.runtime.devices import compute_device
    from typeone.runtime.errors import InputError
    from typeone.runtime.user_code import user_function
    from typeone.workflow.screen.audit import audit_screen

    device = compute_device(len(os.sched_getaffinity(0)), gpu=torch.cuda.is_available())
    try:
        Path(args.out).expanduser().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"cannot write to '{args.out}': {error.strerror}", status=1) from error
    try:
        with ExitStack() as stack:
            network = build_own(args.network, key="network")
            if args.weights:
                load_weights(network, args.weights)
            own = {}
            for module in args.attack:
                function = stack.enter_context(
                    user_function(module, key="--attack", needs=SIGNATURE, seed=args.seed)
                )
                own[own_name(module, args.attack)] = OwnAttack(function, {}, module)
            screen = stack.enter_context(audit_screen(sys.stdout))
            card = audit_with(
                network,
                kit,
                name=args.name or Path(args.network.rpartition(":")[0]).stem,
                who=f"the network is {args.network!r}",
                threshold=args.threshold,
                count=args.count,
                own=own,
                seed=args.seed,
                device=device,
                say=screen.say,
                watch=screen.watch,
                sha256=args.kit_sha256,
            )
    except InputError as error:
        raise Refused(error, status=1) from error
    card.save(Path(args.out).expanduser())
    print("\n".join(card.contents.lines()))
    print(f"card: {Path(args.out) / 'card.html'}")
    return 0


def own_name(module: str, others: Sequence[str]) -> str:
    """Return the name of an own attack: its file's, with the function where files share one."""
    stems = [Path(other.rpartition(":")[0]).stem for other in others]
    stem, function = Path(module.rpartition(":")[0]).stem, module.rpartition(":")[2]
    if stems.count(stem) == 1:
        return stem
    alike = [other for other in others if other.rpartition(":")[2] == function]
    same = [other for other in alike if Path(other.rpartition(":")[0]).stem == stem]
    return f"{stem}_{function}" if len(same) == 1 else f"{stem}_{function}_{same.index(module) + 1}"
