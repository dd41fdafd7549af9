"""OpenAI's own GPT-2 against published outputs. Runs wherever the weights are found, offline."""

import json
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from ruvon.attention import new_attention
from ruvon.engine.generate import generate
from ruvon.models import load_model
from ruvon.sampling.params import SamplingParams

# What the goldens call a model, and where the Hub's cache may have it.
NAMES = {
    "gpt2-124M": ("gpt2", "openai-community/gpt2"),
    "gpt2-medium": ("gpt2-medium", "openai-community/gpt2-medium"),
    "distilgpt2": ("distilgpt2", "distilbert/distilgpt2"),
}


def goldens():
    """The published outputs, or nothing where the reference data is absent."""
    file = Path(os.environ.get("RUVON_DATA", "no such folder")) / "goldens/gpt2.json"
    return json.loads(file.read_text()) if file.exists() else None


def cached_folder(model):
    """The folder of a model in the Hub's cache, without asking the network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    for name in NAMES[model]:
        try:
            folder = Path(snapshot_download(name, local_files_only=True))
        except LocalEntryNotFoundError:
            continue
        if (folder / "model.safetensors").exists():
            return folder
    return None


@pytest.fixture(scope="module")
def published():
    if (data := goldens()) is None:
        pytest.skip("RUVON_DATA does not name the folder with goldens/gpt2.json")
    return data


@pytest.fixture(scope="module")
def network():
    """Loads a model by the goldens' name for it, once."""
    loaded = {}

    def load(model):
        if model not in loaded:
            if (folder := cached_folder(model)) is None:
                pytest.skip(f"{model} is not in the Hub's cache; `ruvon run --model gpt2` gets it")
            loaded[model] = load_model(folder, torch.float32)
        return loaded[model]

    return load


@pytest.mark.parametrize("model", NAMES)
def test_greedy_continuations(published, network, model):
    wanted = [
        entry
        for entry in published["text_goldens"]
        if entry["model"] == model and entry["kind"] in ("greedy", "greedy_next")
    ]
    assert wanted
    gpt2 = network(model)
    for entry in wanted:
        prompt, expected = entry["prompt_ids"], entry["full_ids"]
        params = SamplingParams(max_tokens=len(expected) - len(prompt))
        attention = new_attention(None, gpt2, len(expected))
        made = [i for step in generate(gpt2, attention, prompt, params) for i in step.ids]
        assert prompt + made == expected, entry["id"]


@pytest.mark.parametrize(
    ("model", "prompt", "token", "logit"),
    [
        ("gpt2-124M", [3198, 734, 1115, 1440], 1936, -69.4948),
        (
            "distilgpt2",
            [3198, 734, 1115, 1440, 1936, 2237, 3598, 3624, 5193, 3478, 22216],
            14104,
            -48.7065,
        ),
    ],
)
def test_single_logits(network, logits_of, model, prompt, token, logit):
    """rust-bert's own tests pin these. In float32 they are known to about 1e-4 of their size."""
    scores = logits_of(network(model), prompt)[-1]
    assert scores.argmax() == token
    assert float(scores[token]) == pytest.approx(logit, abs=2e-3)


def test_the_first_loss_of_llm_c(published, network, logits_of):
    """Four rows of 64 tokens of Shakespeare, as in llm.c's test_gpt2.c."""
    golden = published["numeric"]["llmc_first_loss"]
    tokens, gpt2 = torch.tensor(golden["tokens"]), network(golden["model"])
    x, y = tokens[:256].view(4, 64), tokens[1:257].view(4, 64)
    losses = [
        F.cross_entropy(logits_of(gpt2, row.tolist()), target)
        for row, target in zip(x, y, strict=True)
    ]
    mean = float(torch.stack(losses).mean())
    assert mean == pytest.approx(golden["expected_mean_loss"], abs=golden["tolerance"])
