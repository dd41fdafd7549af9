"""Part 10: the evidence. A sentence scored, the server's two forms, the planted faults."""

import json
import math
import sys
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ruvon import LLM
from ruvon.attention.full import FullAttention
from ruvon.sampling.logprobs import Logprob
from ruvon.sampling.logprobs import score
from ruvon.seams import Span

sys.path.insert(0, str(Path(__file__).parent))
from asked import ask
from scoring import mean
from scoring import of_ending
from scoring import perplexity
from scoring import scores
from scoring import total
from texts import ENDINGS
from texts import SENTENCE
from texts import STORIES

PATH = "/v1/completions"
CHAT = "/v1/chat/completions"
PROMPT = "Once upon a time, there was a little dog named"


@torch.inference_mode()
def table(llm: LLM, ids: Sequence[int]) -> Tensor:
    """The logits after each token, all at once, by the plainest attention. -> [T, vocabulary]"""
    attention = FullAttention()
    attention.prepare([Span(0, len(ids))])
    hidden = llm.model(torch.tensor(ids), torch.arange(len(ids)), attention)
    return llm.model.logits(hidden)


def off_by_one(llm: LLM, ids: Sequence[int]) -> list[Logprob]:
    """The planted fault: each token is scored by its own row, which has seen it already."""
    return score(table(llm, ids)[1:], torch.tensor(ids[1:]), 1).read()


def tempered(llm: LLM, ids: Sequence[int], temperature: float) -> list[Logprob]:
    """The other fault: scores of logits that the temperature has divided."""
    return score(table(llm, ids)[:-1] / temperature, torch.tensor(ids[1:]), 1).read()


def likeliest(scored: Sequence[Logprob]) -> int:
    """How many of the tokens were the likeliest in their place."""
    return sum(one.id == one.top[0][0] for one in scored)


def show_sentence(llm: LLM) -> None:
    """Each token of a sentence, and what was likeliest in its place."""
    print("token      probability  logprob  likeliest in its place")
    scored = scores(llm, SENTENCE, 1)
    for one in scored:
        name, [(first, value)] = llm.tokenizer.decode([one.id]), one.top
        best = "itself" if first == one.id else f"{llm.tokenizer.decode([first])!r}"
        best += "" if first == one.id else f" {math.exp(value):.1%}"
        print(f"{name!r:10} {math.exp(one.logprob):11.1%}  {one.logprob:7.2f}  {best}")
    print(f"{len(scored)} tokens, sum {total(scored):.1f}, perplexity {perplexity(scored):.1f}")


def show_two(llm: LLM) -> None:
    """Two texts of as many tokens that part near their ends."""
    for text in ("Tom was hungry. He ate an apple.", "Tom was hungry. He ate an orange."):
        scored = scores(llm, text)
        print(f"{text:34} {len(scored)} scored tokens, log-probability {total(scored):.1f}")


def show_completion(llm: LLM) -> None:
    """A prompt scored over HTTP, and nothing written."""
    [[answer]] = ask(
        llm,
        PATH,
        {"prompt": "The cat sat", "max_tokens": 0, "echo": True, "logprobs": 1},
    )
    [choice] = answer["choices"]
    told = choice["logprobs"]
    for name, values in told.items():
        if name == "top_logprobs":
            values = [top and {k: round(v, 2) for k, v in top.items()} for top in values]
        elif name == "token_logprobs":
            values = [value and round(value, 2) for value in values]
        print(f"{name + ':':15} {json.dumps(values)}")


def show_chat(llm: LLM) -> None:
    """The first token of a message, in chat's form."""
    body = {"messages": [{"role": "user", "content": "One day"}], "max_tokens": 1}
    [[answer]] = ask(llm, CHAT, body | {"logprobs": True, "top_logprobs": 1, "temperature": 0})
    [one] = answer["choices"][0]["logprobs"]["content"]
    for item in (one, *one["top_logprobs"]):
        item["logprob"] = round(item["logprob"], 2)
    others = one.pop("top_logprobs")
    print(f"{json.dumps(one)[:-1]},")
    print(f' "top_logprobs": {json.dumps(others)}}}')


def show_faults(llm: LLM) -> None:
    """A text that greedy wrote, scored rightly and by both faults."""
    [out] = llm.generate(PROMPT, max_tokens=40)
    made = out.outputs[0].token_ids
    ids = [*out.prompt_token_ids, *made]
    [again] = llm.generate([ids], max_tokens=1, prompt_logprobs=1)
    ways = {
        "right": again.prompt_logprobs,
        "off by one row": off_by_one(llm, ids),
        "tempered, 0.5": tempered(llm, ids, 0.5),
    }
    print(f"{len(made)} tokens that greedy wrote:")
    for name, scored in ways.items():
        part = scored[-len(made) :]
        wondered = float(f"{perplexity(part):.2g}")  # two digits are the same on every machine
        print(f"  {name:15} {likeliest(part):2} of them likeliest, perplexity {wondered:8,g}")


def show_rank(llm: LLM) -> None:
    """How many of a model's rows of logprobs are independent of each other."""
    exact = LLM("story", device="cpu", dtype="float64")
    rows = torch.cat([table(exact, exact.encode(text)) for text in STORIES]).log_softmax(-1)
    rank = int(torch.linalg.matrix_rank(rows))
    print(f"{len(rows)} rows of {rows.shape[1]:,} logprobs have rank {rank}")
    print(f"width of the model: {exact.model.layers[0].heads * exact.model.layers[0].head_dim}")


def show_endings(llm: LLM) -> None:
    """Endings side by side: by their sum, and by their mean."""
    for beginning, endings in ENDINGS:
        print(f"{beginning} ...")
        scored = [of_ending(llm, beginning, ending) for ending in endings]
        best = {by: max(scored, key=by) for by in (total, mean)}
        for ending, one in zip(endings, scored, strict=True):
            marks = f"{'*' if one is best[total] else ' '}{'+' if one is best[mean] else ' '}"
            print(f"  {marks} {total(one):6.1f} {mean(one):6.2f} {ending}")
    print("* likeliest by the sum, + by the mean of a token")


def equality(llm: LLM, oracle: Callable[[list[int]], Tensor], new: int = 40) -> dict:
    """Scores of stories and of what follows them, against the log-softmax of another program.

    `oracle` takes ids to log-probabilities, [T, vocabulary].
    """
    found: dict = {"prompt_tokens": 0, "new_tokens": 0, "apart": 0.0, "likeliest": 0, "streamed": 0}
    for text in STORIES:
        [out] = llm.generate(text, max_tokens=new, logprobs=1, prompt_logprobs=1, ignore_eos=True)
        made = out.outputs[0]
        truth = oracle([*out.prompt_token_ids, *made.token_ids])
        given = [*out.prompt_logprobs, *made.logprobs]
        for at, one in enumerate(given):
            found["apart"] = max(found["apart"], abs(one.logprob - float(truth[at, one.id])))
        found["prompt_tokens"] += len(out.prompt_logprobs)
        found["new_tokens"] += len(made.logprobs)
        found["likeliest"] += likeliest(made.logprobs)
        found["streamed"] += streamed_is_whole(llm, text)
    return found | {"texts": len(STORIES)}


def streamed_is_whole(llm: LLM, text: str) -> bool:
    """Whether the chunks of a stream, joined, say what the whole answer says."""
    body = {"prompt": text, "max_tokens": 12, "logprobs": 2, "echo": True, "seed": 1}
    [whole], chunks = ask(llm, PATH, body, body | {"stream": True})
    told = whole["choices"][0]["logprobs"]
    pieces = [chunk["choices"][0]["logprobs"] for chunk in chunks]
    return told == {name: [one for piece in pieces for one in piece[name]] for name in told}


def main() -> None:
    shows = {
        "sentence": show_sentence,
        "two": show_two,
        "completion": show_completion,
        "chat": show_chat,
        "faults": show_faults,
        "endings": show_endings,
        "rank": show_rank,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]](LLM("story", device="cpu", dtype="float32"))


if __name__ == "__main__":
    main()
