"""Part 00 · What makes the package a course. The engine never imports it."""

import os
import sys
import tempfile
from importlib import import_module
from importlib import invalidate_caches
from pathlib import Path

# Stages that this process wrote out. Kept alive, so that they are removed when it ends.
_written: list[tempfile.TemporaryDirectory[str]] = []


def use(stage: int) -> None:
    """Make `ruvon` be the package as it stood at part `stage`, from here on in this process.

    For notebooks: call it first. Names imported before it still mean what they meant. Processes
    that are started later (`!ruvon ...`) get the stage too. Raises RuvonError where there is no
    such stage, or no checkout to take it from.
    """
    from ruvon.course.alone import stand_alone
    from ruvon.course.manifest import checkout
    from ruvon.course.manifest import find_landed
    from ruvon.course.stages import write_stage

    root, part = checkout(), find_landed(stage)
    folder = tempfile.TemporaryDirectory(prefix=f"ruvon-stage-{part.folder}-")
    write_stage(stage, Path(folder.name), root)
    os.environ["RUVON_CHECKOUT"] = str(root)
    os.environ.setdefault("RUVON_ZOO", str(root / "ruvon" / "zoo"))
    before = {written.name for written in _written}
    paths = [os.environ.get("PYTHONPATH", "").split(os.pathsep), sys.path]
    kept = [[path for path in some if path not in before] for some in paths]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder.name, *filter(None, kept[0])])
    sys.path[:] = [folder.name, *kept[1]]
    for name in [name for name in sys.modules if name.partition(".")[0] == "ruvon"]:
        del sys.modules[name]
    invalidate_caches()
    stand_alone(Path(folder.name))
    import_module("ruvon.course")._written[:] = [*_written, folder]
    print(f"ruvon is now stage {part.folder}")
