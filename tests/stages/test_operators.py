"""What later parts bring costs an earlier path nothing: the operators of Part 3's decode step."""

import json
import subprocess
import sys
from pathlib import Path

from ruvon.course import alone
from ruvon.course.manifest import landed
from ruvon.course.run import stage_environment
from ruvon.course.stages import write_stage

ROOT = Path(__file__).parents[2]
COUNT = """
import json, torch
from torch.utils._python_dispatch import TorchDispatchMode
from ruvon.attention.cached import CachedAttention
from ruvon.engine.generate import step
from ruvon.memory.contiguous import ContiguousCache
from ruvon.models.gpt2 import GPT2, GPT2Config
from ruvon.models.random import RandomLoader

class Counter(TorchDispatchMode):
    calls = []
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls.append(str(func))
        return func(*args, **(kwargs or {}))

config = GPT2Config(vocab_size=50, n_positions=32, n_embd=16, n_layer=LAYERS, n_head=2)
model = GPT2(config, RandomLoader(torch.float32, torch.device("cpu")))
cache = ContiguousCache(model.layers, 32, model.dtype, model.device)
attention = CachedAttention(cache)
step(model, attention, [1, 2, 3])
with Counter() as counter:
    step(model, attention, [1, 2, 3, 4])
print(json.dumps(len(counter.calls)))
"""


def operators(folder: Path, layers: int, cwd: Path) -> int:
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            alone.__file__,
            str(folder),
            "-c",
            COUNT.replace("LAYERS", str(layers)),
        ],
        cwd=cwd,
        env={**stage_environment(folder, ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_decode_step_takes_as_many_operators_at_every_stage(tmp_path):
    counts = {}
    for part in landed():
        if part.number >= 3:
            folder = tmp_path / part.folder
            write_stage(part.number, folder)
            one, three = (operators(folder, layers, tmp_path) for layers in (1, 3))
            counts[part.number] = (one, (three - one) / 2)
    assert len(set(counts.values())) == 1, counts
    # A layer: two norms, four projections, one activation, two residuals, the cache's two
    # writes, attention, and the views between them. More than this is waste.
    assert counts[3][1] <= 45, counts
