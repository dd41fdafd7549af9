"""What a visitor sees first: the top level, and no trace of anybody's machine."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_visible_top_level_is_what_the_readme_promises():
    top = {name.split("/")[0] for name in tracked() if not name.startswith(".")}
    files = {"README.md", "TODO.md", "Makefile", "pyproject.toml", "constraints.txt", "LICENSE"}
    assert top == files | {"parts", "ruvon", "docs", "notebooks", "tests"}


def test_no_file_is_empty_but_the_type_marker():
    empty = [name for name in tracked() if (ROOT / name).stat().st_size == 0]
    assert empty == ["ruvon/py.typed"]


def test_nothing_tracked_names_a_home_or_a_private_registry():
    private = re.compile(r"/(?:home|root|Users|work|tmp/w)/[\w.]|--index-url\s+https?:")
    for name in tracked():
        if name.endswith((".py", ".md", ".toml", ".txt", ".json", ".ipynb", ".yml", "Makefile")):
            found = private.search((ROOT / name).read_text(encoding="utf-8"))
            assert found is None or name == "tests/test_repository.py", f"{name}: {found}"


def test_constraints_pin_plain_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins
