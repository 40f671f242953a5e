"""Run the tests and the benchmark of this machine's GPU, within minutes: ./test --gpu

For a machine that is at hand for a quarter of an hour and reaches no package registry. It needs
Python 3.11 or newer with torch, numpy, pandas, pyarrow, scipy, safetensors, matplotlib and pytest.
What else is imported (PyYAML and pydantic, foolbox for two attacks) comes as wheels from the folder
that --carry names, and so do the four files of MNIST, raw or .gz, for tests on real digits.

Without a GPU all tests are skipped and the benchmark shows small sizes; `--card cpu` rehearses the
tests as well. The summary is printed last.
"""

import argparse
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("torch", "numpy", "pandas", "pyarrow", "scipy", "safetensors", "matplotlib", "pytest")
CARRIED = ("yaml", "pydantic", "foolbox", "eagerpy", "git")
ABSENT = "import importlib.util as u, sys; print(*(n for n in sys.argv[1:] if not u.find_spec(n)))"
WHOLE, TESTS, SPARE = 470, 240, 25  # seconds: in all, of the tests at most, to end in


def install_wheels(folder, target):
    """Install the wheels in ``folder``, without what they need; the error if there was one."""
    wheels = sorted(str(wheel) for wheel in folder.glob("*.whl"))
    if not wheels:
        return None
    quiet = ("--quiet", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir")
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", target, *wheels]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


def run(command, environment, seconds):
    """Run ``command`` with its output shown as it comes; its status and output.

    The status is None when it was stopped after ``seconds``.
    """
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **streams)
    output = []

    def show():
        for line in process.stdout:
            output.append(line)
            print(line, end="", flush=True)

    reader = threading.Thread(target=show)
    reader.start()
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = None
        process.send_signal(signal.SIGINT)  # pytest then still says what it found
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    reader.join()
    return status, "".join(output)


def told(status, seconds):
    """What a status says."""
    if status is None:
        return f"stopped after {seconds:.0f} s"
    return "passed" if status == 0 else f"FAILED (exit status {status})"


def main():
    parser = argparse.ArgumentParser(prog="./test --gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--carry", type=Path, metavar="FOLDER", help="wheels, files of MNIST")
    parser.add_argument("--card", choices=["cuda", "cpu"], default="cuda", help="cpu: a rehearsal")
    options = parser.parse_args()
    if options.carry and not options.carry.is_dir():
        parser.error(f"--carry is '{options.carry}', which is not a folder; needs one with wheels")
    begun = time.monotonic()
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        sys.exit(f"./test --gpu: {sys.executable} lacks {', '.join(missing)}; install them there")
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    notes = [] if card else ["no CUDA device is visible to torch: tests skipped, benchmark small"]
    with tempfile.TemporaryDirectory() as site:
        if options.carry and (wrong := install_wheels(options.carry, site)):
            notes.append(f"the wheels of {options.carry} could not be installed: {wrong}")
        paths = [site, str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONUNBUFFERED": "1",
            "TYPEONE_CARD": options.card,
            "GIT_PYTHON_REFRESH": "quiet",  # foolbox imports GitPython, which wants a git
        }
        if options.carry and list(options.carry.glob("t10k-images*")):
            environment["TYPEONE_MNIST"] = str(options.carry.resolve())
        absent = subprocess.run(
            [sys.executable, "-c", ABSENT, *CARRIED],
            env=environment,
            capture_output=True,
            text=True,
        ).stdout.split()
        if absent:
            notes.append(f"not installed: {', '.join(absent)}; --carry FOLDER takes their wheels")
        few = environment | {"OMP_NUM_THREADS": str(min(4, os.cpu_count() or 1))}
        options_of_pytest = ("-q", "-rfEs", "--tb=short", "-p", "no:cacheprovider", "--durations=5")
        tests, output = run(
            [
                sys.executable,
                "-m",
                "pytest",
                *options_of_pytest,
                "--confcutdir=tests/gpu",
                "tests/gpu",
            ],
            few,
            TESTS if card else 3600,
        )
        left = WHOLE - (time.monotonic() - begun) if card else 3600
        benchmark = [sys.executable, "tests/benchmarks/gpu.py", f"--seconds={left - 4 * SPARE:.0f}"]
        measured, _ = run(benchmark + ([] if card else ["--small"]), environment, left - SPARE)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.M)
    counted = re.findall(r"^=*\s?(\d+ (?:passed|failed|skipped|error).*?)\s?=*$", output, re.M)
    print(f"\n{card or 'CPU'}, torch {torch.__version__}, {time.monotonic() - begun:.0f} s in all")
    print(f"tests:     {told(tests, TESTS)}; {counted[-1] if counted else 'no summary'}")
    for name in failed:
        print(f"           {name}")
    print(f"benchmark: {told(measured, left - SPARE)}")
    for note in notes:
        print(f"note:      {note}")
    sys.exit(0 if tests == measured == 0 else 1)


if __name__ == "__main__":
    main()
