import json
from pathlib import Path

import pytest

from ruvon.course.manifest import load_manifest
from ruvon.course.notebooks import CELLS
from ruvon.course.notebooks import build
from ruvon.errors import RuvonError

ROOT = Path(__file__).parents[2]

# The limit of 90 seconds is the author's, on a quiet machine; `make notebooks` enforces it.
PATIENCE = 280

SOURCE = """\
# %% [markdown]
# # A title

# %%
import os, sys, tempfile
print("one", flush=True)
print(os.environ["RUVON_CHECKOUT"], flush=True)
print(os.listdir("."), file=sys.stdout)
print(tempfile.mkdtemp(prefix="ruvon-stage-01-"))

# %%
object()
"""


@pytest.fixture
def tree(tmp_path):
    class Tree:
        root = tmp_path
        source = tmp_path / "parts" / "01" / "notebook.py"
        target = tmp_path / "notebooks" / "01-sums.ipynb"

        def build(self, text, check=False, seconds=PATIENCE):
            self.source.parent.mkdir(parents=True, exist_ok=True)
            self.source.write_text(text)
            return build(self.source, self.target, self.root, check, seconds)

    return Tree()


def test_a_notebook_is_executed_and_holds_nothing_of_this_machine_or_moment(tree):
    assert tree.build(SOURCE).startswith("01-sums.ipynb: 3 cells")
    first = tree.target.read_bytes()
    notebook = json.loads(first)
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code", "code"]
    (stream,) = notebook["cells"][1]["outputs"]
    assert "".join(stream["text"]) == "one\nCHECKOUT\n[]\nSTAGE\n"
    (value,) = notebook["cells"][2]["outputs"]
    assert value["data"]["text/plain"] == ["<object at 0x...>"]
    assert str(tree.root).encode() not in first
    tree.build(SOURCE)
    assert tree.target.read_bytes() == first


def test_check_writes_nothing_and_finds_a_source_that_changed(tree):
    with pytest.raises(RuvonError, match=r"01-sums.ipynb is missing"):
        tree.build(SOURCE, check=True)
    tree.build(SOURCE)
    before = tree.target.read_bytes()
    tree.build(SOURCE, check=True)
    with pytest.raises(RuvonError, match=r"cell 3 of 01-sums.ipynb is not the one in notebook.py"):
        tree.build(SOURCE.replace("object()", "list()"), check=True)
    with pytest.raises(RuvonError, match=r"has 3 cells, and notebook.py 4"):
        tree.build(SOURCE + "\n# %%\n1\n", check=True)
    assert tree.target.read_bytes() == before


def test_a_cell_that_fails_is_named(tree):
    with pytest.raises(
        RuvonError, match=r"parts/01/notebook.py: cell 2 fails: ZeroDivisionError: division"
    ):
        tree.build("# %%\n1\n\n# %%\n1 / 0\n")
    assert not tree.target.exists()


def test_too_many_cells_and_too_long_a_run_are_refused(tree):
    with pytest.raises(RuvonError, match=f"has {CELLS} cells"):
        tree.build("# %%\n1\n\n" * CELLS)
    with pytest.raises(RuvonError, match=r"at most 0 s are allowed|does not finish"):
        tree.build("# %%\n1\n", seconds=0.001)


NOTEBOOKS = [
    part
    for part in load_manifest()
    if (ROOT / "parts" / f"{part.number:02d}" / "notebook.py").is_file()
]


@pytest.mark.parametrize("part", NOTEBOOKS, ids=lambda part: f"{part.number:02d}")
def test_the_notebook_of_a_part_runs_and_is_the_one_committed(part):
    source = ROOT / "parts" / f"{part.number:02d}" / "notebook.py"
    build(source, ROOT / part.notebook, ROOT, check=True, seconds=PATIENCE)
