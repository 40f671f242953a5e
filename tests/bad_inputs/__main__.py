"""Prints what ./reproduce says to each broken input, as Markdown: python -m tests.bad_inputs"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .cases import CASES
from .sandbox import Sandbox


def main():
    """Run every case, two at a time, and print a row for each."""
    print("| input | what is wrong with it | the line that answers |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        for case, outcome in zip(CASES, pool.map(Sandbox(Path(folder)).run, CASES), strict=True):
            answers = outcome.answers(case) or ["NO ANSWER"]
            said = "; ".join(answers).replace("|", "\\|")
            print(f"| {case.group} | {case.given} | `` {said} `` |", flush=True)


if __name__ == "__main__":
    main()
