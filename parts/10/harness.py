"""Part 10: lm-eval scores a running server, and the same model in its own process.

Run by measure.py in the environment of `make clients`, which has lm-eval. The tasks and the model
in this process are those of tests/clients/check_lm_eval.py. Prints JSON.
"""

import argparse
import contextlib
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / "tests" / "clients"
TASKS = ["story_endings", "story_texts"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    given = parser.parse_args()
    # What the script finds in its environment when `make clients` runs it.
    os.environ |= {"CLIENTS_URL": given.url, "CLIENTS_MODEL": "story"}
    sys.path.insert(0, str(CLIENTS))
    with contextlib.redirect_stdout(sys.stderr):
        values = compare(given.url)
    print(json.dumps(values))


def compare(url: str) -> dict:
    """Both, sample by sample. -> metrics of the server, and how far apart the two are."""
    from check_lm_eval import InProcess
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from ruvon import LLM

    os.chdir(CLIENTS)  # the tasks name their data from here
    llm = LLM("story", dtype="float32", device="cpu")
    there_is = {
        "model": "story",
        "base_url": f"{url}/v1/completions",
        "tokenizer": str(CLIENTS.parents[1] / "ruvon" / "zoo" / "story"),
        "tokenizer_backend": "huggingface",
        "max_length": llm.context,
        "num_concurrent": 2,
        "timeout": 120,
    }
    tasks = TaskManager(include_path=str(CLIENTS / "stories"), include_defaults=False)
    common = {"tasks": TASKS, "task_manager": tasks, "bootstrap_iters": 0}
    there = simple_evaluate("local-completions", there_is, batch_size=4, **common)
    here = simple_evaluate(InProcess(llm), **common)
    apart, compared, least = 0.0, 0, 0.0
    for name in TASKS:
        pairs = zip(there["samples"][name], here["samples"][name], strict=True)
        for one, other in pairs:
            for got, wanted in zip(one["resps"], other["resps"], strict=True):
                a, b = first_number(got), first_number(wanted)
                apart, least, compared = max(apart, abs(a - b)), min(least, a), compared + 1
    endings, texts = (there["results"][name] for name in TASKS)
    return {
        "lm_eval": version("lm_eval"),
        "compared": compared,
        "apart": apart,
        "least": least,
        "questions": len(there["samples"]["story_endings"]),
        "accuracy_by_sum": float(endings["acc,none"]),
        "accuracy_by_characters": float(endings["acc_norm,none"]),
        "word_perplexity": float(texts["word_perplexity,none"]),
        "word_perplexity_here": float(here["results"]["story_texts"]["word_perplexity,none"]),
        "byte_perplexity": float(texts["byte_perplexity,none"]),
    }


def first_number(answer: object) -> float:
    """The log-probability in an answer, which may say more."""
    while isinstance(answer, list | tuple):
        answer = answer[0]
    return float(answer)


if __name__ == "__main__":
    main()
