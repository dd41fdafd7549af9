"""Part 4 · `python -m ruvon.server`: the same as `ruvon serve`."""

import sys

from ruvon.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["serve"]
    main()
