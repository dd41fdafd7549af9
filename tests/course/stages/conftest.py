"""A checkout with a small package of three stages."""

from pathlib import Path

import pytest

FILES = {
    "ruvon/__init__.py": (
        '"""Part 1 · Sums."""\n\nSTAGE = [\n    1,\n    2,  # part 2\n    3,  # part 3\n]\n'
    ),
    "ruvon/py.typed": "",
    "ruvon/sums.py": (
        '"""Part 1 · Adding."""\n\n\n'
        "def add(a, b):\n"
        "    if a is None:  # part 2\n"
        "        return b\n"
        "    return a + b\n\n\n"
        "# Since the third.\n"
        "def double(a):  # part 3\n"
        "    return add(a, a)\n\n\n"
        "def neg(a):\n"
        "    return -a\n"
    ),
    "ruvon/late/__init__.py": '"""Part 3 · What comes late."""\n',
    "ruvon/late/table.csv": "a,b\n",
    "ruvon/late/deep/data.bin": b"\xff\x00",
    "ruvon/course/__init__.py": '"""Part 00 · Tools."""\n\nA = 1  # part 2\n',
    "ruvon/zoo/__init__.py": '"""Part 1 · The models that ship."""\n',
    "ruvon/zoo/card.md": "# A card\n",
    "ruvon/zoo/story/config.json": "{}",
    "ruvon/zoo/story/model.safetensors": b"\x00",
    "ruvon/sums.safetensors": b"\x00",
    "ruvon/__pycache__/sums.pyc": b"\x00",
    "ruvon/.hidden": "",
    "tests/parts/01/test_sums.py": "",
    "tests/parts/02/test_sums.py": "",
    "tests/parts/03/test_sums.py": "",
}

MANIFEST = """\
[[part]]
number = {number}
slug = "part-{number}"
title = "Title {number}"
phase = 1
what = "What {number} brings."
needs = []
status = "{status}"
minutes = 5
budget = 5
notebook = "notebooks/{number:02}.ipynb"
terms = ["term {number}"]
"""

DEMO = """\
import os
import ruvon
from ruvon.course.expected import check_expected

print("stage", max(ruvon.STAGE), os.listdir("."), os.environ["RUVON_ZOO"])
check_expected({"stage": max(ruvon.STAGE), "ids": [1, 2]})
"""
HEAD = Path(__file__).parents[3]


class Checkout:
    def __init__(self, root):
        self.root = root
        for name, content in FILES.items():
            self.write(name, content)
        for name in ("ruvon/errors.py", "ruvon/course/expected.py"):
            self.write(name, (HEAD / name).read_bytes())
        for number in (1, 2, 3):
            self.write(f"parts/{number:02}/demo.py", DEMO)
            self.write(f"parts/{number:02}/expected.toml", f"stage = {number}\nids = [1, 2]\n")
        entries = [(1, "landed"), (2, "landed"), (3, "landed"), (4, "planned")]
        text = "\n".join(MANIFEST.format(number=n, status=status) for n, status in entries)
        self.write("parts/parts.toml", text)

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A checkout with a package of three stages; RUVON_CHECKOUT names it."""
    checkout = Checkout(tmp_path / "checkout")
    monkeypatch.setenv("RUVON_CHECKOUT", str(checkout.root))
    return checkout
