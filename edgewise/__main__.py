"""``python -m edgewise``: the same as the ``edgewise`` command."""

import sys

from edgewise.cli import main

if __name__ == "__main__":
    sys.exit(main())
