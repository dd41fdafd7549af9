"""Part 1: text becomes tokens, and one forward pass says what could come next."""

import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ruvon.attention.full import FullAttention
from ruvon.course.expected import check_expected
from ruvon.models import read_shape
from ruvon.models.gpt2 import GPT2
from ruvon.models.weights import Checkpoint
from ruvon.models.weights import CheckpointLoader
from ruvon.seams import LayerSpec
from ruvon.seams import Loader
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

PROMPT = "Once upon a time, there was a tiny dragon named"
COLORS = ("cyan", "yellow", "green", "magenta", "blue")
PASSES = 15
console = Console(highlight=False)


class TracingAttention(FullAttention):
    """Full attention that writes down the shapes it sees, and how long it takes."""

    def __init__(self) -> None:
        self.shapes: dict[str, list[int]] = {}
        self.seconds = 0.0

    def __call__(
        self, layer: LayerSpec, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
    ) -> torch.Tensor:
        started = time.perf_counter()
        out = super().__call__(layer, q, k, v)
        self.seconds += time.perf_counter() - started
        self.shapes = {"q": list(q.shape), "k": list(k.shape), "v": list(v.shape)}
        self.shapes["what each token saw"] = list(out.shape)
        return out


class MeasuringLoader:
    """Hands on another loader's pieces, each with a stopwatch.

    Who replaces the loader replaces the pieces: the model does not know.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.dtype, self.device = loader.dtype, loader.device
        self.bytes: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def timed(self, kind: str, piece: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def run(*args: torch.Tensor, **kwargs: object) -> torch.Tensor:
            started = time.perf_counter()
            out = piece(*args, **kwargs)
            self.seconds[kind] = self.seconds.get(kind, 0.0) + time.perf_counter() - started
            return out

        return run

    def count(self, kind: str, *tensors: torch.Tensor) -> None:
        self.bytes[kind] = self.bytes.get(kind, 0) + sum(t.nbytes for t in tensors)

    def linear(self, name: str, inputs: int, outputs: int) -> Callable[..., torch.Tensor]:
        kind = "projections" if ".attn." in name else "MLP"
        piece = self.loader.linear(name, inputs, outputs)
        self.count(kind, piece.weight, piece.bias)
        return self.timed(kind, piece)

    def embedding(self, name: str, rows: int, width: int) -> Callable[..., torch.Tensor]:
        piece = self.loader.embedding(name, rows, width)
        self.count("embeddings", piece.weight)
        return self.timed("embeddings", piece)

    def norm(self, name: str, width: int, eps: float) -> Callable[..., torch.Tensor]:
        piece = self.loader.norm(name, width, eps)
        self.count("norms", piece.weight, piece.bias)
        return self.timed("norms", piece)

    def head(self, name: str, inputs: int, outputs: int) -> Callable[..., torch.Tensor]:
        return self.timed("head", self.loader.head(name, inputs, outputs))


def typical_seconds(
    model: GPT2, loader: MeasuringLoader, attention: TracingAttention, tokens: torch.Tensor
) -> dict[str, float]:
    """Seconds of each kind of piece in a pass: the median of several."""
    passes: list[dict[str, float]] = []
    for _ in range(PASSES):
        attention.seconds, loader.seconds = 0.0, {}
        model.logits(model(tokens, torch.arange(len(tokens)), attention)[-1:])
        passes.append(loader.seconds | {"attention": attention.seconds})
    return {kind: statistics.median(one[kind] for one in passes) for kind in passes[0]}


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def show_tokens(tokenizer: Tokenizer, ids: list[int]) -> None:
    """Each token as a colored piece, with its id below."""
    heading(f"1. {len(PROMPT.encode())} bytes of text are {len(ids)} tokens")
    pieces, numbers = Text(), Text()
    for index, token in enumerate(ids):
        piece = tokenizer.decode([token]).replace(" ", "·").replace("\n", "⏎")
        width = max(len(piece), len(str(token))) + 1
        if len(pieces) + width > console.width - 2:
            console.print(pieces, numbers, sep="\n")
            pieces, numbers = Text(), Text()
        pieces.append(piece.ljust(width), style=f"bold {COLORS[index % len(COLORS)]}")
        numbers.append(str(token).ljust(width), style="dim")
    console.print(pieces, numbers, sep="\n")
    console.print("[dim]A dot is a blank: it belongs to the word behind it.[/dim]")


def show_next(tokenizer: Tokenizer, chances: torch.Tensor) -> list[int]:
    """The five likeliest next tokens, with a bar each."""
    heading("3. What could come next")
    best = chances.topk(5)
    for chance, token in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        bar = "█" * max(1, round(chance * 40))
        console.print(f"  {chance:6.1%}  {token:5}  {tokenizer.decode([token])!r:12} {bar}")
    return best.indices.tolist()


def show_costs(sizes: dict[str, int], seconds: dict[str, float]) -> None:
    """Bytes and time of each kind of piece."""
    heading("4. Where the bytes and the time go")
    total, spent = sum(sizes.values()), sum(seconds.values())
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("")
    for column in ("kB", "of bytes", "of time"):
        table.add_column(column, justify="right")
    table.add_column("")
    for kind, second in sorted(seconds.items(), key=lambda item: -item[1]):
        size, share = sizes.get(kind, 0), second / spent
        held = (f"{size / 1e3:,.0f}", f"{size / total:.0%}") if size else ("", "")
        table.add_row(kind, *held, f"{share:.0%}", "█" * max(1, round(share * 20)))
    console.print(table)
    console.print("[dim]Attention holds no bytes; the head uses those of the embeddings.[/dim]")
    console.print("[dim]The times differ from run to run; nothing else does.[/dim]")


def main() -> None:
    folder = locate("story")
    tokenizer = Tokenizer.from_dir(folder)
    checkpoint = Checkpoint(folder)
    loader = MeasuringLoader(CheckpointLoader(checkpoint, torch.float32, torch.device("cpu")))
    model = GPT2(read_shape(folder), loader)
    ids = tokenizer.encode(PROMPT)
    show_tokens(tokenizer, ids)

    tokens, positions = torch.tensor(ids), torch.arange(len(ids))
    attention = TracingAttention()
    with torch.inference_mode():
        hidden = model(tokens, positions, attention)
        logits = model.logits(hidden[-1:])
        seconds = typical_seconds(model, loader, attention, tokens)

    heading("2. The shapes on the way")
    shapes = {"tokens": list(tokens.shape), "positions": list(positions.shape)}
    shapes |= attention.shapes
    shapes |= {"hidden": list(hidden.shape), "logits, last token": list(logits.shape)}
    for name, shape in shapes.items():
        console.print(f"  {name:20} {shape}")

    top = show_next(tokenizer, logits.softmax(-1)[0])
    first, second = logits[0].topk(2).values.tolist()
    assert first - second > 1e-3, "a near tie may fall the other way on another machine"
    show_costs(loader.bytes, seconds)
    console.print()
    check_expected(
        {
            "prompt_ids": ids,
            "next_id": top[0],
            "hidden_shape": list(hidden.shape),
            "logits_shape": list(logits.shape),
            "layers": len(model.layers),
            "weight_bytes": sum(loader.bytes.values()),
        }
    )


if __name__ == "__main__":
    main()
