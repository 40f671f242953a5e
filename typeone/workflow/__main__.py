"""`python -m typeone.workflow`: the same as the command `typeone`."""

import sys

from typeone.workflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
