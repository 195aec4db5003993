"""`python -m rereferral`: the same as the command `rereferral`."""

import sys

from rereferral.cli import main

if __name__ == "__main__":
    sys.exit(main())
