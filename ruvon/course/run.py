"""Part 00 · `make part-NN`: a part's demo, against the package as it stood at that part."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from ruvon.course import alone
from ruvon.course.manifest import checkout
from ruvon.course.manifest import find_landed
from ruvon.course.stages import difference
from ruvon.course.stages import write_stage
from ruvon.errors import RuvonError

# Run first by the fresh interpreter: is `ruvon` the stage, and nothing else?
GUARD = Path(alone.__file__).read_text(encoding="utf-8")


def stage_environment(folder: Path, root: Path) -> dict[str, str]:
    """The environment in which `ruvon` is the stage in `folder`."""
    return {
        **os.environ,
        "PYTHONPATH": first_on_path(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RUVON_CHECKOUT": str(root),
        "RUVON_ZOO": os.environ.get("RUVON_ZOO") or str(root / "ruvon" / "zoo"),
    }


def first_on_path(folder: Path) -> str:
    """PYTHONPATH with `folder` before all that it holds already."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def run_script(folder: Path, root: Path, *words: str, **variables: str) -> int:
    """Run a script in a fresh process in which `ruvon` is the stage in `folder`. -> exit code.

    `words` are as after `python`: a file, or `-m` and a module, and arguments. -P keeps the working
    directory off the path, and the process starts in an empty one.
    """
    command = [sys.executable, "-P", "-c", GUARD, str(folder), *words]
    with tempfile.TemporaryDirectory() as empty:
        environment = {**stage_environment(folder, root), **variables}
        return subprocess.run(command, cwd=empty, env=environment, check=False).returncode


def run_part(number: int) -> int:
    """Run the demo of a part against its stage. -> the demo's exit code. Raises RuvonError.

    A demo that ends well without a word to `check_expected` has shown nothing: that is an error.
    """
    part, root = find_landed(number), checkout()
    with tempfile.TemporaryDirectory(prefix=f"ruvon-stage-{part.folder}-") as name:
        folder, receipt = Path(name), Path(name) / "checked.json"
        write_stage(number, folder, root)
        whole = difference(0, number, root)
        Console(highlight=False, soft_wrap=True).print(
            f"Part {number}: {part.title}. Stage {part.folder}: "
            f"{len(whole.new_modules)} modules, {whole.added:,} lines.",
            style="dim",
            markup=False,
        )
        sys.stdout.flush()
        demo = root / "parts" / part.folder / "demo.py"
        code = run_script(folder, root, str(demo), RUVON_RECEIPT=str(receipt))
        if code == 0 and not (receipt.exists() and json.loads(receipt.read_text())):
            raise RuvonError(
                f"parts/{part.folder}/demo.py compared nothing with expected.toml; end it with "
                "check_expected({...}) of ruvon.course.expected"
            )
        return code


def main() -> None:
    """Run the part that the command line names."""
    word = sys.argv[1] if len(sys.argv) == 2 else ""
    try:
        if not word.isdecimal():
            raise RuvonError("name a part by its number: make part-03")
        sys.exit(run_part(int(word)))
    except RuvonError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
