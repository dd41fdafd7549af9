"""Part 00 · `python -m ruvon.course.notebooks [NN ...]`: from parts/NN/notebook.py to notebooks/.

The percent-format source is what people write; the .ipynb, with the outputs of a run from top to
bottom, is made from it. What changes from run to run without meaning (ids, times, paths) is left
out, so that running again changes only what the code changed.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ruvon.errors import RuvonError

CELLS = 40  # a notebook has fewer
SECONDS = 90.0  # and takes less, on two cores

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
_STAGE = re.compile(re.escape(tempfile.gettempdir()) + r"/ruvon-stage-\d\d-\w+")


def from_source(path: Path) -> Any:
    """The notebook of a percent-format file, without outputs. Raises RuvonError over CELLS."""
    import jupytext  # type: ignore[import-untyped]

    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    count = len(notebook.cells)
    if not 0 < count < CELLS:
        raise RuvonError(f"{path} has {count} cells; a notebook has 1 to {CELLS - 1}")
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02d}"
        cell.metadata = {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(notebook: Any, root: Path, seconds: float = SECONDS) -> float:
    """Run every cell in a fresh kernel of this interpreter; the outputs go into `notebook`.

    `root` is the checkout whose `ruvon` the kernel imports; its working directory is empty.
    Returns the seconds it took. Raises RuvonError when a cell fails or `seconds` pass.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbclient.exceptions import CellTimeoutError
    from nbclient.exceptions import DeadKernelError

    class ThisInterpreter(KernelSpecManager):
        """Whatever kernels the machine has, this is the one."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    class Kernel(AsyncKernelManager):
        """Reached through sockets in a folder that only this user can read: no ports."""

        def __init__(self, **options: Any) -> None:
            options["kernel_spec_manager"] = ThisInterpreter()
            options |= {"transport": "ipc", "ip": f"{private}/kernel"}
            super().__init__(**options, connection_file=f"{private}/kernel.json")

    env = {**os.environ, "RUVON_CHECKOUT": str(root), "PYTHONPATH": str(root)}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as private:
        client = NotebookClient(
            notebook,
            kernel_manager_class=Kernel,
            timeout=max(1, round(seconds)),
            resources={"metadata": {"path": empty}},
            record_timing=False,
        )
        try:
            client.execute(env=env)
        except CellExecutionError as error:
            cell = _failed(notebook)
            raise RuvonError(f"cell {cell} fails: {error.ename}: {error.evalue}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            first = str(error).strip().splitlines()[0]
            raise RuvonError(f"the kernel does not finish: {first}") from None
        _strip(notebook, {str(root): "CHECKOUT", empty: "EMPTY"})
    took = time.monotonic() - begun
    if took > seconds:
        raise RuvonError(f"it takes {took:.0f} s; at most {seconds:.0f} s are allowed")
    return took


def _failed(notebook: Any) -> int:
    """The number of the cell with an error, from 1."""
    for number, cell in enumerate(notebook.cells, 1):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return number
    return 0


def _strip(notebook: Any, paths: dict[str, str]) -> None:
    """Take out of the outputs what would differ in the next run, or on another machine."""

    def scrub(text: str) -> str:
        for path, name in paths.items():
            text = text.replace(path, name)
        return _ADDRESS.sub("0x...", _STAGE.sub("STAGE", text))

    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        merged: list[Any] = []
        for output in cell.outputs:
            if output.output_type == "stream":
                output.text = scrub(output.text)
                # Where one write ends and the next begins is an accident.
                if merged and merged[-1].get("name") == output.name:
                    merged[-1].text += output.text
                    continue
            for kind, value in output.get("data", {}).items():
                if isinstance(value, str) and kind.startswith(("text/", "image/svg")):
                    output.data[kind] = scrub(value)
            merged.append(output)
        cell.outputs = merged


def sources(notebook: Any) -> list[tuple[str, str]]:
    """Kind and text of each cell."""
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def differs(notebook: Any, committed: Path) -> str:
    """Why the committed .ipynb is not the notebook of this source; empty when it is."""
    import nbformat

    if not committed.is_file():
        return f"{committed.name} is missing"
    old_notebook = nbformat.read(committed, as_version=4)  # type: ignore[no-untyped-call]
    there, wanted = sources(old_notebook), sources(notebook)
    for number, (old, new) in enumerate(zip(there, wanted, strict=False), 1):
        if old != new:
            return f"cell {number} of {committed.name} is not the one in notebook.py"
    if len(there) != len(wanted):
        return f"{committed.name} has {len(there)} cells, and notebook.py {len(wanted)}"
    return ""


def write(notebook: Any, path: Path) -> None:
    """Write the .ipynb, whole or not at all."""
    import nbformat

    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    text = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    partial.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    partial.replace(path)


def build(source: Path, target: Path, root: Path, check: bool, seconds: float = SECONDS) -> str:
    """Execute one notebook and write it, or with `check` compare it. Returns what was done.

    Raises RuvonError that names the source.
    """
    try:
        notebook = from_source(source)
        problem = differs(notebook, target) if check else ""
        if problem:
            raise RuvonError(f"{problem}; run `python -m ruvon.course.notebooks`")
        took = execute(notebook, root, seconds)
    except RuvonError as error:
        raise RuvonError(f"{source.relative_to(root).as_posix()}: {error}") from None
    if not check:
        write(notebook, target)
    return f"{target.name}: {len(notebook.cells)} cells, {took:.0f} s"


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    from ruvon.course.manifest import checkout
    from ruvon.course.manifest import load_manifest

    parser = argparse.ArgumentParser(prog="python -m ruvon.course.notebooks", description=__doc__)
    parser.add_argument("parts", nargs="*", type=int, metavar="NN", help="all, if none is named")
    parser.add_argument("--check", action="store_true", help="execute and compare; write nothing")
    chosen = parser.parse_args(arguments)
    failed, root = False, checkout()
    for part in load_manifest():
        source = root / "parts" / part.folder / "notebook.py"
        if not source.is_file() or (chosen.parts and part.number not in chosen.parts):
            continue
        try:
            print(build(source, root / part.notebook, root, chosen.check), flush=True)
        except RuvonError as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
