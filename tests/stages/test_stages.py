"""What must hold of every stage: it stands alone, is clean, grows only, and passes its tests."""

import ast
import difflib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ruvon.course import alone
from ruvon.course.manifest import stage_numbers
from ruvon.course.run import stage_environment
from ruvon.course.stages import package_paths
from ruvon.course.stages import stage_files
from ruvon.course.stages import stage_hash
from ruvon.course.stages import write_stage
from ruvon.course.tags import TaggedSource

ROOT = Path(__file__).parents[2]
STAGES = list(stage_numbers())
PASSED = ROOT / ".ruvon-cache" / "stages"
SOURCES = {
    path.relative_to(ROOT).as_posix(): TaggedSource(
        path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    )
    for path in package_paths(ROOT)
    if path.suffix == ".py"
}

stages = pytest.mark.parametrize("stage", STAGES)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Every stage, written out once."""
    folders = {stage: tmp_path_factory.mktemp(f"stage-{stage:02}") for stage in STAGES}
    for stage, folder in folders.items():
        write_stage(stage, folder)
    return folders


def python(folder: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python where `ruvon` is the stage, and where nothing else can fill its gaps."""
    return subprocess.run(
        [sys.executable, "-P", alone.__file__, str(folder), *arguments],
        cwd=cwd,
        env={**stage_environment(folder, ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@stages
def test_every_module_imports_and_is_the_stages_own(stage, written, tmp_path):
    names = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in stage_files(stage)
        if name.endswith(".py")
    ]
    script = (
        "import importlib, pathlib, sys\n"
        "for name in sys.argv[2:]:\n"
        "    module = importlib.import_module(name)\n"
        "    assert pathlib.Path(module.__file__).is_relative_to(sys.argv[1]), module.__file__\n"
    )
    done = python(written[stage], "-c", script, str(written[stage]), *names, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@stages
@pytest.mark.parametrize("check", [["format", "--check"], ["check"]], ids=["format", "lint"])
def test_it_is_clean(stage, check, written, tmp_path):
    ruff = [sys.executable, "-m", "ruff", *check, "--no-cache", "--config"]
    done = subprocess.run(
        [*ruff, str(ROOT / "pyproject.toml"), "ruvon"],
        cwd=written[stage],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@stages
def test_it_holds_nothing_of_a_later_part(stage):
    for name, content in stage_files(stage).items():
        if name.endswith(".py"):
            there = TaggedSource(name, content.decode())
            assert max([there.part, *(region.part for region in there.regions)]) <= stage, name


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_imports_nothing_later_than_itself(name):
    """An import needs a tag at least as late as the part of what it imports."""
    source = SOURCES[name]
    parts = {
        n.removesuffix(".py").removesuffix("/__init__").replace("/", "."): s.part
        for n, s in SOURCES.items()
    }
    for node in ast.walk(ast.parse("\n".join(source.lines))):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            wanted = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for module in wanted:
            if module in parts and source.part > 0:
                here = source.part_of(node.lineno)
                assert parts[module] <= here, f"{name}:{node.lineno}: {module} comes later"


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_the_next_stage_contains_it(stage):
    before, after = stage_files(stage), stage_files(stage + 1)
    for name in before:
        old, new = (files[name].decode().splitlines() for files in (before, after))
        steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        lost = [old[a:b] for kind, a, b, _, _ in steps if kind in ("delete", "replace")]
        gone = [line for lines in lost for line in lines if line.strip()]
        assert not gone, f"{name}: stage {stage + 1} has lost {gone}"


def test_the_last_stage_is_the_package_byte_for_byte(written):
    last = written[STAGES[-1]]
    there = {path.relative_to(last): path.read_bytes() for path in package_paths(last)}
    here = {path.relative_to(ROOT): path.read_bytes() for path in package_paths(ROOT)}
    assert there == here


def test_tags_are_rare():
    lines = sum(len(source.lines) for source in SOURCES.values())
    tags = sum(len(source.tags) for source in SOURCES.values())
    assert tags < 0.02 * lines, f"{tags} tags in {lines} lines"


def test_every_stage_passes_its_tests(written, tmp_path):
    """One process a stage, side by side; a stage whose content has passed before is skipped."""

    def run(stage: int) -> str:
        mark = PASSED / f"{stage:02}-{stage_hash(stage)}"
        if mark.exists():
            return ""
        # A part that is begun may have none yet; one that has landed has.
        folders = [ROOT / "tests" / "parts" / f"{n:02}" for n in range(1, stage + 1)]
        tests = [str(folder) for folder in folders if folder.exists()]
        options = ["-q", "-x", "-p", "no:cacheprovider", "--import-mode=importlib"]
        options += ["-p", "no:xdist", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
        home = tmp_path / f"{stage}"
        home.mkdir()
        done = python(written[stage], "-m", "pytest", *options, *tests, cwd=home)
        if done.returncode:
            return f"stage {stage}:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
        PASSED.mkdir(parents=True, exist_ok=True)
        mark.touch()
        return ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [text for text in pool.map(run, STAGES) if text]
    assert not failures, "\n".join(failures)
