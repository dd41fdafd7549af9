"""Training: deterministic, resumable to the bit, and its export is what others load."""

import random

import pytest
import torch
from rich.progress import Progress

from ruvon.attention.full import FullAttention
from ruvon.models import load_model
from ruvon.models.gpt2 import GPT2
from ruvon.zoo.text import END
from ruvon.zoo.text import SEPARATOR
from ruvon.zoo.text import read_stories
from ruvon.zoo.text import split_stories
from ruvon.zoo.train import Training
from ruvon.zoo.train import export
from ruvon.zoo.train import held_out_loss
from ruvon.zoo.train import rate_share
from ruvon.zoo.train import windows
from ruvon.zoo.trainable import Recipe
from ruvon.zoo.trainable import TrainableLoader
from ruvon.zoo.trainable import WindowAttention

RECIPE = Recipe(layers=2, width=16, heads=2, context=24, batch=2, epochs=3, warmup=4)


def tales(count, seed):
    """Stories in which each token follows from the one before, so that there is much to learn."""
    draw = random.Random(seed)
    starts = [draw.randrange(40) for _ in range(count)]
    return [[(start + 3 * i) % 40 for i in range(draw.randrange(5, 15))] for start in starts]


def train(recipe=RECIPE, folder=None, training=Training):
    """A finished run; the held-out stories follow the same rule as the others."""
    run = training(recipe, tales(60, seed=1), tales(6, seed=2))
    run.run(folder / "checkpoint.pt")
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(folder=tmp_path_factory.mktemp("run"))


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def test_it_learns(trained):
    assert len(trained.history) == 3
    assert trained.history == sorted(trained.history, reverse=True)
    assert trained.history[-1] < 6.8  # knowing nothing costs ln 2048 = 7.6
    assert trained.best_epoch == 2
    assert same(trained.best, {n: w.detach() for n, w in trained.loader.weights.items()})


def test_a_seed_decides_every_bit(trained, tmp_path):
    again = train(folder=tmp_path)
    assert again.history == trained.history
    assert same(again.best, trained.best)
    first, other = (TrainableLoader(Recipe(seed=s, layers=2, width=16)) for s in (0, 1))
    names = ("h.0.attn.c_attn", 16, 48)
    assert not torch.equal(first.linear(*names).weight, other.linear(*names).weight)


class Interrupted(Training):
    """Stops like a Ctrl-C in the middle of the second epoch."""

    def run_epoch(self, epoch, progress):
        if epoch == 1:
            for weight in self.loader.weights.values():
                weight.detach().zero_()  # what a half epoch leaves behind must not matter
            raise KeyboardInterrupt
        return super().run_epoch(epoch, progress)


def test_resumed_is_uninterrupted(trained, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(folder=tmp_path, training=Interrupted)
    torch.manual_seed(99)
    resumed = train(folder=tmp_path)
    assert resumed.history == trained.history
    assert same(resumed.best, trained.best)


def test_a_checkpoint_of_another_recipe_is_refused(trained, tmp_path):
    trained.save(tmp_path / "checkpoint.pt")
    with pytest.raises(SystemExit, match="is from another recipe"):
        train(Recipe(**vars(RECIPE) | {"seed": 5}), folder=tmp_path)


class Worsening(Training):
    """The held-out loss is best in the second epoch and then rises."""

    def run_epoch(self, epoch, progress):
        with torch.no_grad():
            self.loader.weights["ln_f.bias"].fill_(epoch)
        return [3.0, 2.0, 2.5, 2.4, 2.3, 1.0][epoch]


def test_early_stop_keeps_the_best(tmp_path):
    recipe = Recipe(**vars(RECIPE) | {"epochs": 6, "patience": 2})
    for _ in range(2):  # and started again, it is still over
        run = train(recipe, tmp_path, Worsening)
        assert run.history == [3.0, 2.0, 2.5, 2.4]
        assert run.best["ln_f.bias"].tolist() == [1.0] * 16


def test_the_export_is_a_model_for_everybody(trained, tmp_path, logits_of):
    from transformers import GPT2LMHeadModel

    export(trained.best, RECIPE, tmp_path)
    reference = GPT2LMHeadModel.from_pretrained(tmp_path, dtype=torch.float32).eval()
    assert reference.config.eos_token_id == END
    ids = [1, 4, 7, 10, 13, END, 5]
    ours = logits_of(load_model(tmp_path), ids)
    assert (ours - logits_of(reference, ids)).abs().max() < 1e-4
    # And it is what was trained, rounded to bf16.
    trained.loader.training = False
    assert (ours - logits_of(trained.model, ids)).abs().max() < 0.05


def test_windows_attend_as_full_attention_does_in_each():
    recipe = Recipe(**vars(RECIPE) | {"dropout": 0.0})
    loader = TrainableLoader(recipe)
    model = GPT2(recipe.config, loader)
    tokens = torch.randint(0, 2048, (3, 10), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weight in loader.weights.values():
            weight.mul_(5)
        together = model(tokens.flatten(), torch.arange(10).repeat(3), WindowAttention(3, loader))
        alone = [model(row, torch.arange(10), FullAttention()) for row in tokens]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_held_out_loss_counts_each_token_once():
    """Against one story at a time, without padding."""
    run = Training(RECIPE, tales(4, seed=3), [])
    stories = [[1, 2, 3], [4] * 30, [5, 6]]  # the second is cut at the context
    run.loader.training = False
    total = count = 0
    for story in stories:
        row = torch.tensor([END, *story, END][: RECIPE.context + 1])
        with torch.no_grad():
            hidden = run.model(row[:-1], torch.arange(len(row) - 1), FullAttention())
            loss = torch.nn.functional.cross_entropy(run.model.logits(hidden), row[1:])
        total, count = total + loss.item() * (len(row) - 1), count + len(row) - 1
    measured = held_out_loss(run.model, stories, run.loader)
    assert measured == pytest.approx(total / count, abs=0.02)  # it is measured in bf16
    assert run.loader.training


def test_every_window_begins_with_a_story():
    stories = [[i] * (3 + i % 7) for i in range(100)]
    rows = list(windows(stories, 16, random.Random(0)))
    assert {len(row) for row in rows} == {16}
    opened = sum(row[0] == END for row in rows)
    assert 0.2 < opened / len(rows) < 0.8
    for row in rows:
        first = row[1] if row[0] == END else row[0]
        run = row[row[0] == END :]
        assert run[: len(stories[first])] == stories[first]


def test_the_rate_rises_then_falls():
    shares = [rate_share(step, 100, 10) for step in range(100)]
    assert shares[9] == 1.0 == max(shares)
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert rate_share(100, 100, 10) == pytest.approx(0.02)
    assert rate_share(500, 100, 10) == pytest.approx(0.02)


def test_dropout_is_off_when_measuring():
    run = Training(RECIPE, tales(4, seed=3), tales(4, seed=4))
    one, other = (held_out_loss(run.model, run.held_out, run.loader) for _ in range(2))
    assert one == other
    with Progress(disable=True) as progress:
        assert run.run_epoch(0, progress) < one + 1


def test_stories_are_read_and_split(tmp_path):
    text = SEPARATOR.join(f"\nStory {i}.\n" for i in range(41)) + SEPARATOR + "\nA last one, cut o"
    (tmp_path / "text").write_text(text + "\n")
    stories = read_stories(tmp_path / "text")
    assert stories == [f"Story {i}." for i in range(41)]
    learnt, held_out = split_stories(stories)
    assert (learnt, held_out) == (stories[:39], stories[39:])
