"""Part 00 · How the models that ship were trained: `python -m ruvon.zoo.train --text FILE`.

It trains the very model file that later serves. A loader hands out trainable pieces, and an
attention over windows looks at many stories at once; `models/gpt2.py` knows of neither.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.progress import Progress
from torch import Tensor

from ruvon.models.gpt2 import GPT2
from ruvon.zoo.text import END
from ruvon.zoo.text import encoder
from ruvon.zoo.text import read_stories
from ruvon.zoo.text import split_stories
from ruvon.zoo.text import train_vocabulary
from ruvon.zoo.trainable import Recipe
from ruvon.zoo.trainable import TrainableLoader
from ruvon.zoo.trainable import WindowAttention


def windows(stories: Sequence[list[int]], length: int, rng: random.Random) -> Iterator[list[int]]:
    """Shuffled stories in windows of `length` tokens, each of which begins with a story.

    So position 0 means a beginning, as it will when somebody gives a prompt. Half of the
    windows open with the end-of-text token, so that the model knows both ways. The tail of
    the last story of a window is lost for this epoch.
    """
    order = list(range(len(stories)))
    rng.shuffle(order)
    window: list[int] = [END] if rng.random() < 0.5 else []
    for index in order:
        window += stories[index] + [END]
        if len(window) >= length:
            yield window[:length]
            window = [END] if rng.random() < 0.5 else []


def loss_of(model: GPT2, batch: Tensor, loader: TrainableLoader) -> Tensor:
    """Mean cross-entropy in nats of windows [B, length + 1]; -1 marks padding in targets."""
    count, length = batch.shape[0], batch.shape[1] - 1
    tokens, targets = batch[:, :-1].flatten().clamp(min=0), batch[:, 1:].flatten()
    positions = torch.arange(length, device=batch.device).repeat(count)
    with torch.autocast(batch.device.type, dtype=torch.bfloat16):
        hidden = model(tokens, positions, WindowAttention(count, loader))
        logits = model.logits(hidden)
    return F.cross_entropy(logits, targets, ignore_index=-1)


@torch.no_grad()
def held_out_loss(model: GPT2, stories: Sequence[list[int]], loader: TrainableLoader) -> float:
    """Nats a token over whole stories, each alone after an end-of-text token."""
    loader.training = False
    total, count = 0.0, 0
    context = model.context
    for start in range(0, len(stories), 16):
        rows = [[END, *s, END][: context + 1] for s in stories[start : start + 16]]
        longest = max(map(len, rows))
        batch = torch.tensor([row + [-1] * (longest - len(row)) for row in rows])
        tokens = sum(len(row) - 1 for row in rows)
        total += loss_of(model, batch, loader).item() * tokens
        count += tokens
    loader.training = True
    return total / count


def rate_share(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate: a linear warm-up, then a cosine down to a fiftieth."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, done)))


class Training:
    """A run that can be stopped at any moment and goes on from its last whole epoch."""

    def __init__(self, recipe: Recipe, train: list[list[int]], held_out: list[list[int]]) -> None:
        self.recipe = recipe
        self.train = train
        self.held_out = held_out
        self.loader = TrainableLoader(recipe)
        self.model = GPT2(recipe.config, self.loader)
        hidden = [w for n, w in self.loader.weights.items() if w.dim() == 2 and n.startswith("h.")]
        tables = [w for n, w in self.loader.weights.items() if w.dim() == 2 and n[0] == "w"]
        vectors = [w for w in self.loader.weights.values() if w.dim() == 1]
        decay = recipe.weight_decay
        # Muon (Jordan et al. 2024) makes every direction of a matrix learn at the same speed. It
        # is for matrices inside the network; tables and vectors are AdamW's.
        self.muon = torch.optim.Muon(hidden, lr=recipe.matrix_rate, weight_decay=decay)
        self.adam = torch.optim.AdamW(
            [
                {"params": tables, "weight_decay": decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=recipe.other_rate,
            betas=(0.9, 0.95),
            fused=True,
        )
        self.optimizers: tuple[torch.optim.Optimizer, ...] = (self.muon, self.adam)
        self.peaks = (recipe.matrix_rate, recipe.other_rate)
        self.history: list[float] = []
        self.best: dict[str, Tensor] = {}

    def epoch_batches(self, epoch: int) -> list[Tensor]:
        """The batches of one epoch, a function of the seed and the epoch alone."""
        rng = random.Random(self.recipe.seed * 1000 + epoch)
        rows = list(windows(self.train, self.recipe.context + 1, rng))
        size = self.recipe.batch
        return [torch.tensor(rows[i : i + size]) for i in range(0, len(rows) - size + 1, size)]

    def run_epoch(self, epoch: int, progress: Progress) -> float:
        """One pass over the text. -> held-out nats a token."""
        torch.manual_seed(self.recipe.seed * 1000 + epoch)  # dropout, also after a resume
        batches = self.epoch_batches(epoch)
        # Packing differs by a window or two from epoch to epoch; the schedule need not.
        steps = len(batches) * self.recipe.epochs
        task = progress.add_task(f"epoch {epoch + 1}/{self.recipe.epochs}", total=len(batches))
        for index, batch in enumerate(batches):
            share = rate_share(epoch * len(batches) + index, steps, self.recipe.warmup)
            for optimizer, peak in zip(self.optimizers, self.peaks, strict=True):
                for group in optimizer.param_groups:
                    group["lr"] = peak * share
            loss = loss_of(self.model, batch, self.loader)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(list(self.loader.weights.values()), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad()
            progress.update(task, advance=1)
        progress.remove_task(task)
        return held_out_loss(self.model, self.held_out, self.loader)

    def run(self, checkpoint: Path) -> None:
        """Train until the epochs are over or the held-out loss has stopped falling."""
        if checkpoint.exists():
            self.restore(checkpoint)
        with Progress() as progress:
            for epoch in range(len(self.history), self.recipe.epochs):
                if epoch and epoch - 1 - self.best_epoch >= self.recipe.patience:
                    break
                started = time.perf_counter()
                loss = self.run_epoch(epoch, progress)
                if loss < min(self.history, default=math.inf):
                    weights = self.loader.weights
                    self.best = {name: w.detach().clone() for name, w in weights.items()}
                self.history.append(loss)
                self.save(checkpoint)
                seconds = time.perf_counter() - started
                progress.print(f"epoch {epoch + 1}: held out {loss:.4f} nats, {seconds:.0f} s")

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest held-out loss so far, from 0."""
        return self.history.index(min(self.history))

    def save(self, checkpoint: Path) -> None:
        """Keep everything that the next epoch depends on."""
        partial = checkpoint.with_suffix(".partial")
        state = {
            "recipe": asdict(self.recipe),
            "history": self.history,
            "best": self.best,
            "weights": {name: w.detach() for name, w in self.loader.weights.items()},
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        torch.save(state, partial)
        partial.replace(checkpoint)

    def restore(self, checkpoint: Path) -> None:
        """Go on from a checkpoint of the same recipe."""
        state = torch.load(checkpoint, weights_only=True)
        if state["recipe"] != asdict(self.recipe):
            raise SystemExit(f"{checkpoint} is from another recipe: {state['recipe']}")
        self.history, self.best = state["history"], state["best"]
        with torch.no_grad():
            for name, w in self.loader.weights.items():
                w.copy_(state["weights"][name])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def export(weights: dict[str, Tensor], recipe: Recipe, folder: Path) -> None:
    """Write `config.json` and `model.safetensors` as Hugging Face lays GPT-2 out, in bf16."""
    from safetensors.torch import save_file

    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "torch_dtype": "bfloat16",
        "n_ctx": recipe.context,
        "bos_token_id": END,
        "eos_token_id": END,
        **{name: value for name, value in asdict(recipe.config).items() if value is not None},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tensors = {}
    for name, weight in weights.items():
        conv1d = weight.dim() == 2 and name.startswith("h.")  # Conv1D keeps [inputs, outputs]
        tensors[f"transformer.{name}"] = (weight.t() if conv1d else weight).bfloat16().contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def main() -> None:
    """Train one model: vocabulary, weights, and a record of the run."""
    parser = argparse.ArgumentParser(description="Train a GPT-2 on a file of stories.")
    parser.add_argument("--text", type=Path, required=True, help="stories, <|endoftext|> between")
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    for name, value in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    args = parser.parse_args()
    recipe = Recipe(**{name: getattr(args, name) for name in asdict(Recipe())})

    train, held_out = split_stories(read_stories(args.text))
    train_vocabulary(train, args.out)
    encode = encoder(args.out)
    training = Training(recipe, [encode(s) for s in train], [encode(s) for s in held_out])
    training.run(args.out / "checkpoint.pt")
    export(training.best, recipe, args.out)
    size = sum(w.numel() for w in training.best.values())
    record = {
        "recipe": asdict(recipe),
        "parameters": size,
        "held_out_nats_per_token": training.history,
        "best_epoch": training.best_epoch + 1,
    }
    (args.out / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"{size:,} parameters, best epoch {training.best_epoch + 1}, written to {args.out}")


if __name__ == "__main__":
    main()
