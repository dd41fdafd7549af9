import shutil

import pytest

from ruvon.course import source
from ruvon.course.manifest import checkout
from ruvon.course.stages import write_stage
from ruvon.learn.process import Process


@pytest.fixture(scope="session")
def process():
    """One process that checks, with PyTorch imported."""
    with Process(checkout()) as running:
        yield running


class Bench:
    """A learner's part folder, into which answers are put, one after another."""

    def __init__(self, folder, process):
        self.folder = folder
        self.process = process

    def check(self, exercise, answer):
        """Check the learner's file with `answer` in it: definitions, or a whole file."""
        part = self.folder / f"part-{exercise.part:02}"
        if not part.exists():
            write_stage(exercise.part, part, clean=True)
        path = part / exercise.file
        path.parent.mkdir(exist_ok=True)
        if not exercise.in_package:
            path.write_text(answer)
            return self.process.check(exercise, part)
        path.write_text(source.put(exercise.original, exercise.symbols, answer))
        try:
            return self.process.check(exercise, part)
        finally:
            path.write_text(exercise.original)


@pytest.fixture(scope="session")
def bench(tmp_path_factory, process):
    folder = tmp_path_factory.mktemp("learner")
    yield Bench(folder, process)
    shutil.rmtree(folder)
