"""Part 00 · The text that the shipped models learn from, and the vocabulary learnt from it."""

import json
from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path

SEPARATOR = "<|endoftext|>"
# The byte-level alphabet takes ids 0-255 and the merges follow, as in GPT-2; the end is last.
VOCABULARY = 2048
END = VOCABULARY - 1


def read_stories(path: Path) -> list[str]:
    """The stories of a file, in order. The last one is dropped: the file cuts it off."""
    text = path.read_text(encoding="utf-8")
    stories = [story.strip() for story in text.split(SEPARATOR)]
    return [story for story in stories[:-1] if story]


def split_stories(stories: list[str], held_out: float = 0.05) -> tuple[list[str], list[str]]:
    """The stories to learn from, and the last share of them, which no training sees."""
    cut = round(len(stories) * (1 - held_out))
    return stories[:cut], stories[cut:]


def encoder(folder: Path) -> Callable[[str], list[int]]:
    """The vocabulary of `folder` as a function from text to ids."""
    from ruvon.tokenizer import Tokenizer

    return Tokenizer.from_dir(folder).encode


def train_vocabulary(stories: Iterable[str], folder: Path, size: int = VOCABULARY) -> None:
    """Learn a byte-level BPE of `size` entries and write it in GPT-2's file formats.

    Needs the `tokenizers` package. Sennrich et al., "Neural Machine Translation of Rare Words
    with Subword Units" (2016), section 3.2; bytes instead of characters as in GPT-2.
    """
    from tokenizers import Tokenizer
    from tokenizers import decoders
    from tokenizers import models
    from tokenizers import pre_tokenizers
    from tokenizers import trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(stories, trainer)
    bpe.add_special_tokens([SEPARATOR])
    assert bpe.token_to_id(SEPARATOR) == size - 1
    folder.mkdir(parents=True, exist_ok=True)
    bpe.save(str(folder / "tokenizer.json"))
    model = json.loads(bpe.to_str())["model"]
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    vocab = {**model["vocab"], SEPARATOR: size - 1}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    special = {"bos_token": SEPARATOR, "eos_token": SEPARATOR, "unk_token": SEPARATOR}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**special, "tokenizer_class": "GPT2Tokenizer", "model_max_length": 512})
    )
