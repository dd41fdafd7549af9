"""Fixtures that several rooms share. Nothing heavy is imported before a test asks for it."""

import json
import os

import pytest

# Small matrices lose more to waiting for each other's threads than they gain from them.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="also run what downloads a model")
    parser.addoption("--all-mutants", action="store_true", help="try every mutant of a solution")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    skip = pytest.mark.skip(reason="downloads a model; runs with --run-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def reference_gpt2():
    """Makes a GPT-2 of `transformers` in which every parameter counts, and saves it."""

    def make(folder, seed=0, architecture="GPT2LMHeadModel", save=(), **config):
        import torch
        import transformers

        small = {"vocab_size": 61, "n_positions": 40, "n_embd": 32, "n_layer": 2, "n_head": 4}
        # No text ends: ids are all alike to random weights.
        ends = {"bos_token_id": None, "eos_token_id": None}
        network = getattr(transformers, architecture)(
            transformers.GPT2Config(**small | ends | config)
        ).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                mean = 1.0 if ".ln_" in name and name.endswith("weight") else 0.0
                parameter.normal_(mean, 0.2, generator=generator)
        network.save_pretrained(folder, **dict(save))
        return network

    return make


@pytest.fixture(scope="session")
def logits_of():
    """Scores after every token of `ids`: of Ruvon's network, or of the reference."""

    def compute(network, ids, attention=None):
        import torch

        from ruvon.attention.full import FullAttention
        from ruvon.seams import Span

        tokens = torch.tensor(ids)
        with torch.inference_mode():
            if isinstance(network, torch.nn.Module):
                return network(tokens[None]).logits[0]
            attention = attention or FullAttention()
            attention.prepare([Span(0, len(ids))])
            return network.logits(network(tokens, torch.arange(len(ids)), attention))

    return compute


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A model folder with a tokenizer of 300 entries and loud random weights, in float32."""
    import torch
    from safetensors.torch import save_file

    from ruvon.zoo.text import train_vocabulary

    folder = tmp_path_factory.mktemp("models") / "tiny"
    stories = [f"The {a} {b} met a {c} in the {d}." for a in WORDS for b, c, d in TRIPLES]
    train_vocabulary(stories, folder, size=300)
    vocabulary, context, d, layers = 300, 64, 24, 2
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": vocabulary,
        "n_positions": context,
        "n_embd": d,
        "n_layer": layers,
        "n_head": 3,
    }
    shapes = {"wte": [vocabulary, d], "wpe": [context, d]}
    for i in range(layers):
        shapes |= {f"h.{i}.attn.c_attn": [d, 3 * d], f"h.{i}.attn.c_proj": [d, d]}
        shapes |= {f"h.{i}.mlp.c_fc": [d, 4 * d], f"h.{i}.mlp.c_proj": [4 * d, d]}
        shapes |= {f"h.{i}.ln_1": [d], f"h.{i}.ln_2": [d]}
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in {**shapes, "ln_f": [d]}.items():
        mean = 1.0 if "ln_" in name else 0.0
        tensors[f"{name}.weight"] = mean + 0.3 * torch.randn(*shape, generator=generator)
        if name not in ("wte", "wpe"):
            tensors[f"{name}.bias"] = 0.3 * torch.randn(shape[-1], generator=generator)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors, folder / "model.safetensors")
    return folder


WORDS = ("old", "young", "brave", "sleepy", "hungry", "clever", "little", "lonely")
TRIPLES = (
    ("fox", "mouse", "garden"),
    ("bird", "frog", "forest"),
    ("girl", "dragon", "kitchen"),
    ("boy", "whale", "water"),
)


@pytest.fixture
def invoke():
    """Runs one command of `ruvon` in this process. -> Typer's result, errors inside it."""

    def run(*arguments, **options):
        from importlib import import_module

        import typer
        from typer.testing import CliRunner

        app = typer.Typer()
        app.callback()(lambda: None)
        import_module(f"ruvon.commands.{arguments[0]}").register(app)
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"}, **options)

    return run
