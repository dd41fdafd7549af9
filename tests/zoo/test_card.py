"""The card of a shipped model: its baselines, its measures, its page."""

import hashlib
import json
import random
from collections import Counter
from dataclasses import replace
from math import log2

import pytest
import torch
from markdown_it import MarkdownIt

from ruvon.attention.full import FullAttention
from ruvon.errors import RuvonError
from ruvon.models.gpt2 import GPT2
from ruvon.models.gpt2 import GPT2Config
from ruvon.models.random import RandomLoader
from ruvon.seams import Span
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import baselines
from ruvon.zoo import card
from ruvon.zoo.baselines import KneserNey
from ruvon.zoo.baselines import discounts
from ruvon.zoo.baselines import xz_size
from ruvon.zoo.page import page
from ruvon.zoo.page import quote
from ruvon.zoo.text import train_vocabulary
from ruvon.zoo.train import export
from ruvon.zoo.trainable import Recipe
from ruvon.zoo.trainable import TrainableLoader


def random_texts(symbols, count, seed=0):
    """Texts in which what follows depends on the two symbols before."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        text = [rng.randrange(symbols), rng.randrange(symbols)]
        while rng.random() < 0.9:
            favourite = (3 * text[-1] + text[-2]) % symbols
            text.append(favourite if rng.random() < 0.6 else rng.randrange(symbols))
        texts.append(text)
    return texts


class Definition:
    """Modified Kneser-Ney as Chen and Goodman write it down, looked up in the text each time."""

    def __init__(self, texts, vocabulary, end, order):
        self.vocabulary, self.end, self.order = vocabulary, end, order
        self.lines = [(end, *text, end) for text in texts]
        self.runs = Counter(
            line[start : start + length]
            for line in self.lines
            for length in range(1, order + 2)
            # The end symbol that opens a text is given: nothing counts it by itself.
            for start in range(int(length == 1), len(line) - length + 1)
        )
        self.d = {}
        for n in range(1, order + 1):
            grams = [g for g in self.runs if len(g) == n]
            self.d[n] = discounts([c for c in map(self.count, grams) if c])

    def count(self, gram):
        starts_text = gram[0] == self.end and len(gram) > 1
        if len(gram) == self.order or starts_text:
            return self.runs[gram]
        return sum((x, *gram) in self.runs for x in range(self.vocabulary))

    def probability(self, before, symbol):
        before = before[max(0, len(before) - self.order + 1) :]
        lower = self.probability(before[1:], symbol) if before else 1 / self.vocabulary
        counts = {w: self.count((*before, w)) for w in range(self.vocabulary)}
        total = sum(counts.values())
        if not total:
            return lower
        d = self.d[len(before) + 1]
        seen = Counter(min(c, 3) for c in counts.values() if c)
        gamma = sum(d[c] * number for c, number in seen.items()) / total
        c = counts[symbol]
        return max(c - d[min(c, 3)], 0) / total + gamma * lower


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_kneser_ney_is_its_definition(order):
    texts = random_texts(18, 80)
    fast, slow = KneserNey(texts, 20, 19, order), Definition(texts, 20, 19, order)
    assert order == 1 or fast.levels[1].discounts != baselines.FALLBACK
    rare = [(18,), (18, 1, 2), (1, 18), (19, 18)]  # 18 is in no text
    common = [(), (19,), (0,), (0, 0, 0)]
    for before in [*rare, *common, *((19, *t[:3]) for t in texts[:3]), texts[4][-4:]]:
        for symbol in range(20):
            expected = slow.probability(tuple(before), symbol)
            assert fast.probability(before, symbol) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("few", [True, False])
def test_kneser_ney_adds_up_to_one(few):
    texts = random_texts(200, 3 if few else 300)
    model = KneserNey(texts, 257, 256)
    befores = [[256], [256, *texts[0][:1]], texts[1][:4], [199, 250, 3], [250], texts[2][:9]]
    for before in befores:
        assert sum(model.probability(before, w) for w in range(257)) == pytest.approx(1, abs=1e-9)
        assert all(model.probability(before, w) > 0 for w in range(257))


def test_kneser_ney_bits_are_the_chain_rule_without_the_end():
    texts = random_texts(6, 40)
    model, text = KneserNey(texts, 8, 7), [1, 3, 3, 0, 5, 2, 2, 1, 4]
    given = [7, *text]
    expected = -sum(log2(model.probability(given[:i], given[i])) for i in range(1, len(given)))
    assert model.bits(text) == pytest.approx(expected)
    assert model.bits([]) == 0


def test_longer_contexts_help_on_text_that_has_them():
    train, unseen = random_texts(12, 400), random_texts(12, 40, seed=1)
    cost = [sum(map(KneserNey(train, 13, 12, n).bits, unseen)) for n in (1, 2, 3)]
    assert cost[2] < 0.9 * min(cost[:2])


def test_discounts_are_chen_and_goodmans():
    # n1 = 40, n2 = 10, n3 = 6, n4 = 4, so Y = 40 / 60.
    counts = [1] * 40 + [2] * 10 + [3] * 6 + [4] * 4 + [9] * 5
    y = 40 / 60
    expected = (0, 1 - 2 * y * 10 / 40, 2 - 3 * y * 6 / 10, 3 - 4 * y * 4 / 6)
    assert discounts(counts) == pytest.approx(expected)
    assert discounts([1, 1, 2, 3]) == baselines.FALLBACK
    # Whatever was counted, a count keeps its sign.
    odd = discounts([1] + [2] + [3] * 50 + [4] * 90)
    assert all(0 <= d <= n for n, d in enumerate(odd))


def test_xz_finds_what_stands_far_back():
    rng = random.Random(0)
    story = "".join(rng.choices("abcdefgh ", k=3000))
    other = "".join(rng.choices("ijklmnop ", k=300_000))
    assert xz_size(story) > 1000
    assert xz_size(story + other + story) - xz_size(story + other) < 100


@pytest.fixture(scope="module")
def model():
    """Small and random, but sure enough of itself that each token counts."""
    loader = RandomLoader(torch.float32, torch.device("cpu"))
    shape = GPT2Config(vocab_size=30, n_positions=8, n_embd=16, n_layer=2, n_head=2)
    model = GPT2(shape, loader)
    for table in loader.tables.values():
        table.mul_(30)
    return model


def scores(model, tokens):
    attention = FullAttention()
    attention.prepare([Span(0, len(tokens))])
    hidden = model(torch.tensor(tokens), torch.arange(len(tokens)), attention)
    return model.logits(hidden).double().log_softmax(-1)


def test_story_bits_scores_each_token_once(model):
    story = [3, 1, 4, 1, 5, 9, 2]
    known = [29, *story]
    expected = -sum(scores(model, known[:i])[-1, known[i]].item() for i in range(1, len(known)))
    assert card.story_bits(model, story, 29) == pytest.approx(expected / torch.log(torch.tensor(2)))
    assert card.story_bits(model, [], 29) == 0


def test_story_bits_slides_by_half_a_context(model):
    story = [(7 * i * i + i) % 29 for i in range(20)]
    known = [29, *story]
    nats = 0.0
    # The context is 8. (first token fed, one past the last fed, first scored)
    for start, stop, scored in ((0, 8, 1), (5, 13, 9), (10, 18, 14), (15, 20, 19)):
        table = scores(model, known[start:stop])
        nats -= sum(table[j - 1 - start, known[j]].item() for j in range(scored, stop + 1))
    assert card.story_bits(model, story, 29) == pytest.approx(nats / 0.6931471805599453)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 12, 13, 40])
def test_a_model_that_knows_nothing_pays_log2_of_the_vocabulary(length):
    shape = GPT2Config(vocab_size=32, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    loader = RandomLoader(torch.float32, torch.device("cpu"))
    model = GPT2(shape, loader)
    loader.tables["wte"].zero_()
    assert card.story_bits(model, [5] * length, 31) == pytest.approx(5 * length)


def test_a_story_is_drawn_by_its_seed_alone(model, monkeypatch):
    monkeypatch.setattr(card, "TEMPERATURE", 2.0)
    stories = [card.write_story(model, 29, seed, longest=7) for seed in range(12)]
    assert stories == [card.write_story(model, 29, seed, longest=7) for seed in range(12)]
    assert len(set(map(tuple, stories))) > 6
    for seed, story in enumerate(stories):  # without a cache
        generator = torch.Generator().manual_seed(seed)
        known = [29]
        for token in [*story, 29][: 7 if len(story) == 7 else None]:
            chances = (scores(model, known)[-1].float() / 2.0).softmax(-1)
            assert torch.multinomial(chances, 1, generator=generator).item() == token
            known.append(token)
        assert 29 not in story


def test_copying_counts_grams_and_finds_the_longest_run():
    train = [list(range(100, 130)), list(range(200, 220))]
    text = card.TrainingText(train, end=0)
    story = [1, *range(100, 109), 2, *range(205, 220), 3]
    found = text.copied(story)
    assert found == {"grams": 20, "copied": 2 + 8, "run_start": 11, "run": 15}
    assert text.copied([7, 104, 105, 8]) == {"grams": 0, "copied": 0, "run_start": 1, "run": 2}
    first = text.copied([*range(100, 112), 1, *range(200, 210), 2])
    assert first == {"grams": 17, "copied": 5 + 3, "run_start": 0, "run": 12}
    assert text.copied([]) == {"grams": 0, "copied": 0, "run_start": 0, "run": 0}
    # Two stories laid end to end are no run.
    assert text.copied([*range(120, 130), *range(200, 210)])["run"] == 10


def test_the_longest_run_needs_more_than_copied_grams():
    # Each 8-gram of the story stands in the text, the story does not.
    line = list(range(1, 13))
    text = card.TrainingText([line[i : i + 8] for i in range(5)], end=0)
    found = text.copied(line)
    assert (found["grams"], found["copied"], found["run"]) == (5, 5, 8)


AWKWARD = (
    "1. *Once* _upon_ <b>a</b> `time`\n- she said: \\ [x](y) $a$ ~~b~~ #c | d & &amp;\n\n"
    "# no heading\n    no code\n> no quote\n=\n---\n+ no list\n12) no list\n\\"
)


def test_quoted_text_stands_for_itself():
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(quote(AWKWARD))
    inner = html.replace("<blockquote>\n", "").replace("</blockquote>\n", "")
    lines = inner.replace("<br />\n", "\n").replace("</p>\n<p>", "\n\n")
    shown = lines.removeprefix("<p>").removesuffix("</p>\n")
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = shown.replace(entity, character)
    assert shown == "\n".join(line.strip() for line in AWKWARD.split("\n"))
    assert quote("a\x07b\u2028c") == "> a\\\\x07b\\\\x2028c"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny untrained model in a folder, beside its text."""
    root = tmp_path_factory.mktemp("zoo")
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 6))) for _ in range(60)]
    stories = [" ".join(rng.choices(words, k=rng.randint(20, 60))) for _ in range(60)]
    (root / "text.txt").write_text("<|endoftext|>".join([*stories, "cut o"]))
    folder = root / "tiny"
    train_vocabulary(stories[:57], folder, size=320)
    recipe = Recipe(layers=1, width=16, heads=2, context=256, vocabulary=320)
    loader = TrainableLoader(recipe)
    GPT2(recipe.config, loader)
    export({name: w.detach() for name, w in loader.weights.items()}, recipe, folder)
    (folder / "training.json").write_text(
        json.dumps(
            {
                "recipe": vars(replace(recipe, epochs=2)),
                "parameters": sum(w.numel() for w in loader.weights.values()),
                "held_out_nats_per_token": [5.5, 5.25],
                "best_epoch": 2,
            }
        )
    )
    return folder


def test_a_card_is_measured_and_written(folder, capsys):
    text = folder.parent / "text.txt"
    options = ["--text", str(text), "--model", str(folder), "--samples", "3"]
    card.main([*options, "--target", str(folder)])
    assert "token_5gram" in capsys.readouterr().out
    found = json.loads((folder / "card.json").read_text())
    weights = (folder / "model.safetensors").read_bytes()
    assert found["sha256"] == hashlib.sha256(weights).hexdigest()
    assert found["file_bytes"] == len(weights)
    assert found["parameters"] == found["training"]["parameters"]

    measured = found["held_out"]
    stories = text.read_text().split("<|endoftext|>")
    train, unseen = stories[:57], stories[57:60]
    assert measured["stories"] == {"train": 57, "held_out": 3}
    assert measured["story_bytes"] == [len(story) for story in unseen]
    encode = Tokenizer.from_dir(folder).encode
    assert measured["story_tokens"] == [len(encode(story)) for story in unseen]
    size = sum(measured["story_bytes"])
    costs = measured["bits_per_byte"]
    for name, bits in measured["story_bits"].items():
        assert costs[name] == pytest.approx(sum(bits) / size, abs=1e-4)
    tokens = KneserNey(map(encode, train), 320, 319)
    byte = KneserNey([story.encode() for story in train], 257, 256)
    bits = {
        "token_5gram": [tokens.bits(encode(story)) for story in unseen],
        "byte_5gram": [byte.bits(story.encode()) for story in unseen],
    }
    for name in bits:
        assert measured["story_bits"][name] == pytest.approx(bits[name], abs=1e-3)
    # It is untrained: each token is as likely as any other.
    knows_nothing = log2(320) * sum(measured["story_tokens"]) / size
    assert costs["float32"] == pytest.approx(knows_nothing, rel=0.03)
    assert costs["bfloat16"] == pytest.approx(costs["float32"], rel=0.01)
    xz = measured["xz_bytes"]
    joined = {"train": "".join(train), "both": "".join(train + unseen), "alone": "".join(unseen)}
    assert xz == {name: xz_size(joined[name]) for name in joined}
    assert costs["xz_after_train"] == pytest.approx(8 * (xz["both"] - xz["train"]) / size)
    worst = max(costs["float32"], costs["bfloat16"])
    for name, ratio in measured["model_over_baseline"].items():
        assert ratio == pytest.approx(worst / costs[name])

    assert [sample["seed"] for sample in found["samples"]] == [0, 1, 2]
    assert found["copying"]["held_out"]["grams"] == sum(n - 7 for n in measured["story_tokens"])
    for timed in (found["step_ratio"]["float32"], found["step_ratio"]["default"]):
        assert len(timed["draft_ms"]) == len(timed["target_ms"]) == 12 * 32


def test_the_page_says_what_the_card_says(folder):
    found = json.loads((folder / "card.json").read_text())
    written = (folder / "README.md").read_text()
    assert written == page(found)
    for number in (found["sha256"], f"{found['held_out']['bits_per_byte']['byte_5gram']:.3f}"):
        assert number in written
    assert "CDLA-Sharing-1.0" in written
    assert all(quote(sample["text"]) in written for sample in found["samples"])

    ratios = {"token_5gram": 0.9, "byte_5gram": 0.901, "xz_after_train": 1.2, "xz_alone": 3.0}
    found["held_out"]["model_over_baseline"] = ratios
    del found["step_ratio"]
    (folder / "card.json").write_text(json.dumps(found))
    card.main(["--model", str(folder), "--page-only"])
    again = (folder / "README.md").read_text()
    assert (again.count("| yes |"), again.count("| no |")) == (1, 3)
    assert "Step time" in written and "Step time" not in again


def test_a_card_needs_a_recipe(folder, tmp_path):
    with pytest.raises(RuvonError, match=r"no training\.json"):
        card.measure(tmp_path, folder.parent / "text.txt", 3, None)
    with pytest.raises(SystemExit):
        card.main(["--model", str(folder)])
