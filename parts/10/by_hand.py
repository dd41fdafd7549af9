"""Part 10: what the article works by hand: a log-softmax, a sentence, and numbers that overflow."""

import math
import sys

import torch

LOGITS = [math.log(1), math.log(2), math.log(5)]


def log_softmax(logits: list[float]) -> list[float]:
    """Each logit less the logarithm of the sum of the powers."""
    top = max(logits)
    whole = top + math.log(sum(math.exp(logit - top) for logit in logits))
    return [logit - whole for logit in logits]


def show_example() -> None:
    """Three logits, a sentence of three tokens, and its perplexity."""
    print("token  logit   power  probability  logprob")
    for name, logit, logprob in zip("abc", LOGITS, log_softmax(LOGITS), strict=True):
        power, share = math.exp(logit), math.exp(logprob)
        print(f"{name}      {logit:5.3f}   {power:5.0f}  {share:11.3f}  {logprob:7.3f}")
    given = [0.25, 0.5, 0.125]
    each = [math.log(p) for p in given]
    print(f"a sentence whose tokens had {given}:")
    print(f"  product {math.prod(given)}, sum of logprobs {sum(each):.3f}")
    print(f"  mean {sum(each) / 3:.3f}, perplexity {math.exp(-sum(each) / 3):.1f}")


def show_overflow() -> None:
    """The same logprobs by three formulas, in float32."""
    logits = torch.tensor([110.0, 100.0, 0.0])
    ways = {
        "log(exp(x) / sum(exp(x)))": (logits.exp() / logits.exp().sum()).log(),
        "log(softmax(x))": logits.softmax(0).log(),
        "x - logsumexp(x)": logits - logits.logsumexp(0),
    }
    for name, values in ways.items():
        print(f"{name:26} " + "  ".join(f"{value:8.3f}" for value in values.tolist()))


def show_tempered() -> None:
    """The third token's probability, as the model has it and as temperatures make it."""
    for temperature in (1.0, 0.5, 0.25):
        values = log_softmax([logit / temperature for logit in LOGITS])
        print(f"temperature {temperature:4}: probability of c {math.exp(values[2]):.3f}")


def show_bytes() -> None:
    """What all logits of a prompt take, and what some of its rows do."""
    tokens, vocabulary, chunk = 1024, 50_257, 128
    print(f"all rows:  {tokens:,} x {vocabulary:,} x 4 = {tokens * vocabulary * 4:,} bytes")
    print(f"{chunk} rows:  {chunk:5,} x {vocabulary:,} x 4 = {chunk * vocabulary * 4:,} bytes")


if __name__ == "__main__":
    shows = {
        "example": show_example,
        "overflow": show_overflow,
        "tempered": show_tempered,
        "bytes": show_bytes,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]]()
