from ruvon.course.article import Edit
from ruvon.course.check import check
from ruvon.course.reviewed import accept
from ruvon.course.sync import apply
from ruvon.course.sync import sync

EXTRA = """\
It takes <!--r decode.ms-->?<!--/r--> ms.

- item

  ```python ruvon/sums.py Adder.add @2
  ```

```output ruvon a @1
```

```output ruvon a @1
hello a
...
```

```python ruvon/sums.py Adder.add @1
def add(self, a, b):
    ...
    return a - b
```
"""


def test_sync_fills_in_what_it_can_and_says_so(tree):
    tree.article(EXTRA)
    mended = sync(tree.open())
    text = tree.text()
    assert "It takes <!--r decode.ms-->11.6<!--/r--> ms." in text
    assert "  def add(self, a, b):\n" in text
    assert "      if a is None:\n          return b\n" in text
    assert '@1\ndef add(self, a, b):\n    """The sum."""\n    return a + b\n```' in text
    assert "```output ruvon a @1\nhello a\n80 False False\n```" in text
    assert "make part-01" in text
    assert "return a - b" in text, "an excerpt with `...` is left alone"
    # Two heads, the tables of README and TODO; two code fences, an output, a number.
    assert len(mended) == 8
    accept(tree.open())
    left = [fault for fault in check(tree.open()) if not fault.warning]
    assert [("return a - b" in fault.what) for fault in left] == [True]


def test_a_second_sync_changes_nothing(tree):
    tree.article(EXTRA)
    sync(tree.open())
    before = tree.text()
    assert sync(tree.open()) == []
    assert tree.text() == before


def test_sync_of_one_part_leaves_the_others_alone(tree):
    tree.article()
    sync(tree.open(), part=2)
    assert "make part-01" not in tree.text()
    assert "make part-02" in tree.text("parts/02/README.md")
    assert "| 1 |" not in tree.text("README.md")


def test_edits_are_made_from_the_end():
    assert apply("abcdef", [Edit(0, 1, "xx"), Edit(4, 6, ""), Edit(2, 2, "-")]) == "xxb-cd"
