import json
from types import SimpleNamespace

import pytest

from ruvon.course.checkout import Checkout

MODULE = '''"""Part 1 · Sums."""

import math
import os  # part 2


class Adder:
    """It adds."""

    def add(self, a, b):
        """The sum."""
        if a is None:  # part 2
            return b
        return a + b


TABLE = {
    "add": 1,
    "sub": 2,  # part 2
}
'''

CLI = '''"""Part 1 · The command."""

import os
import sys


def main():
    print("hello", *sys.argv[1:])
    print("later")  # part 2
    print(os.environ["COLUMNS"], "NO_COLOR" not in os.environ, os.listdir(".") != [])
    if "fail" in sys.argv:
        sys.exit("it broke")
'''

LIST = """[[part]]
terms = ["prefill"]

[[part]]
terms = ["KV cache"]

[[later]]
number = 4
title = "Far off"
"""

ARTICLE = """# Sums

<!-- head -->
<!-- /head -->

We use [prefill](../../docs/glossary.md#prefill).

```python ruvon/sums.py Adder.add @1
```

{extra}
"""


def part(number, **fields):
    values = {
        "number": number,
        "folder": f"{number:02d}",
        "slug": f"part-{number}",
        "title": f"Title {number}",
        "what": f"what {number} brings",
        "status": "landed",
        "terms": (),
        "everyday": (),
        "needs": (),
        "minutes": 30,
        "phase": 1,
        "notebook": f"notebooks/{number:02d}-part-{number}.ipynb",
    }
    return SimpleNamespace(**{**values, **fields})


class Tree:
    """A checkout of a small course; `article` and `page` write its pages."""

    def __init__(self, root):
        self.root = root
        self.parts = [
            part(1, terms=("prefill",)),
            part(2, needs=(1,)),
            part(3, terms=("KV cache",), status="planned", notebook=""),
        ]
        self.write("ruvon/__init__.py", '"""Part 1 · It adds."""\n')
        self.write("ruvon/sums.py", MODULE)
        self.write("ruvon/cli.py", CLI)
        self.write("docs/glossary.md", "# Glossary\n\n### prefill\n\nA.\n\n### KV cache\n\nB.\n")
        self.write("parts/parts.toml", LIST)
        self.write("parts/01/demo.py", "import ruvon.cli\n\nruvon.cli.main()\n")
        self.write("parts/01/results/decode.json", json.dumps({"command": "x", "ms": 11.62}))
        self.write("README.md", "# R\n\n<!-- parts -->\n<!-- /parts -->\n")
        self.write("TODO.md", "# T\n\n<!-- todo -->\n<!-- /todo -->\n")
        self.write("parts/02/README.md", "# Two\n\n<!-- head -->\n<!-- /head -->\n")
        self.write("notebooks/01-part-1.ipynb", "{}")
        self.write("notebooks/02-part-2.ipynb", "{}")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def article(self, extra="", part=1):
        return self.write(f"parts/{part:02d}/README.md", ARTICLE.format(extra=extra))

    def text(self, name="parts/01/README.md"):
        return (self.root / name).read_text(encoding="utf-8")

    def open(self):
        return Checkout(self.root, self.parts)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
