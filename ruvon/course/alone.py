"""Part 00 · A process in which `ruvon` is one written-out stage, and nothing else.

Run as a file, by its path: `python -P alone.py STAGE SCRIPT ...`, or with `-m MODULE`, `-c CODE` in
place of the script; STAGE stands first on PYTHONPATH. It needs nothing but Python: the stage may be
wrong, and this is what finds it out.
"""

import importlib
import runpy
import sys
from importlib.machinery import PathFinder
from pathlib import Path


def stand_alone(stage: Path) -> None:
    """Import `ruvon`, and see that it comes from `stage`. Raises ImportError when it does not.

    `pip install -e` leaves a finder that answers for every `ruvon.x` which the path does not have.
    A stage that imports a module of a later part would then run, with the newest package's module.
    """
    stage = stage.resolve()
    for finder in list(sys.meta_path):
        spec = getattr(finder, "find_spec", lambda *_: None)("ruvon", None)
        elsewhere = spec and not Path(spec.origin or "").resolve().is_relative_to(stage)
        if elsewhere and finder is not PathFinder:
            sys.meta_path.remove(finder)
    here = Path(importlib.import_module("ruvon").__file__ or "").resolve()
    if not here.is_relative_to(stage):
        raise ImportError(f"ruvon is {here}, and not the stage that was written to {stage}")


def main() -> None:
    """Check, and run what the command line names as if Python had been called with it."""
    stage, target, *words = sys.argv[1:]
    try:
        stand_alone(Path(stage))
    except ImportError as error:
        sys.exit(str(error))
    if target in ("-c", "-m"):
        what, *words = words
        sys.argv = [target if target == "-c" else what, *words]
    else:
        sys.argv = [target, *words]
    if target == "-c":
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    elif target == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(target, run_name="__main__")


if __name__ == "__main__":
    main()
