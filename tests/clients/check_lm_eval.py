"""lm-eval scores the server, and the same model in this process: the numbers must agree.

The tasks are in stories/: endings to choose from and the likelihood of whole texts, which both need
logprobs of a prompt, and sentences to write.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # the package is not installed in this environment

import torch  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.api.model import TemplateLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

from ruvon import LLM  # noqa: E402
from ruvon.attention.full import FullAttention  # noqa: E402
from ruvon.seams import Span  # noqa: E402

URL, MODEL = os.environ["CLIENTS_URL"], os.environ["CLIENTS_MODEL"]
SCORED, WRITTEN = ["story_endings", "story_texts"], ["story_sentences"]
CLOSE = 1e-4  # of a sum of log-probabilities: four digits


class InProcess(TemplateLM):
    """The model without a server: one sequence at a time, by the plainest attention there is."""

    def __init__(self, llm: LLM) -> None:
        super().__init__()
        self.llm = llm

    @property
    def eot_token_id(self) -> int:
        """What stands before a text that has no beginning."""
        assert self.llm.eos_id is not None
        return self.llm.eos_id

    def tok_encode(self, string, add_special_tokens=None, **keywords):
        """The ids of a text."""
        return self.llm.tokenizer.encode(string)

    def _loglikelihood_tokens(self, requests, **keywords):
        return [self.score(context, wanted) for _, context, wanted in requests]

    @torch.inference_mode()
    def score(self, context, wanted):
        """The log-probability of `wanted` after `context`, and whether greedy would write it."""
        ids = torch.tensor([*context, *wanted][:-1])
        attention = FullAttention()
        attention.prepare([Span(0, len(ids))])
        hidden = self.llm.model(ids, torch.arange(len(ids)), attention)
        rows = self.llm.model.logits(hidden[-len(wanted) :]).float().log_softmax(-1)
        each = rows.gather(1, torch.tensor(wanted)[:, None])
        return float(each.sum()), rows.argmax(-1).tolist() == list(wanted)

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        """The log-probability of whole texts."""
        texts = [self.tok_encode(request.args[0]) for request in requests]
        return [self.score([self.eot_token_id], ids)[0] for ids in texts]

    def generate_until(self, requests, disable_tqdm=False):
        """The text that greedy writes, up to the first stop string."""
        made = []
        for request in requests:
            context, asked = request.args
            [out] = self.llm.generate(
                context,
                max_tokens=asked["max_gen_toks"],
                stop=tuple(asked["until"]),
                temperature=0,
            )
            made.append(out.outputs[0].text)
        return made


def main() -> None:
    """Score both, and compare sample by sample."""
    os.chdir(HERE)  # the tasks name their data from here
    with urllib.request.urlopen(f"{URL}/openapi.json") as answer:
        fields = json.load(answer)["components"]["schemas"]["CompletionRequest"]["properties"]
    names = [*WRITTEN, *(SCORED if "logprobs" in fields else [])]
    tasks = TaskManager(include_path=str(HERE / "stories"), include_defaults=False)
    llm = LLM(MODEL, dtype="float32", device="cpu")
    given = {
        "model": MODEL,
        "base_url": f"{URL}/v1/completions",
        "tokenizer": os.environ["CLIENTS_TOKENIZER"],
        "tokenizer_backend": "huggingface",
        "max_length": llm.context,
        "num_concurrent": 2,
        "timeout": 120,
    }
    common = {"tasks": names, "task_manager": tasks, "bootstrap_iters": 0}
    there = simple_evaluate("local-completions", given, batch_size=4, **common)
    here = simple_evaluate(InProcess(llm), **common)
    for name in names:
        compare(name, there["samples"][name], here["samples"][name])
        print(name, there["results"][name])
        assert_close(there["results"][name], here["results"][name])
    if "logprobs" in fields:
        accuracy = there["results"]["story_endings"]["acc,none"]
        print(f"ok: 60 endings, 20 texts, 20 sentences as in process; accuracy {accuracy:.2f}")
    else:
        print("ok: 20 sentences as in process; endings and texts wait for Part 10: no logprobs")


def compare(name: str, there: list, here: list) -> None:
    """Answer by answer: texts are equal, and sums of log-probabilities close."""
    assert len(there) == len(here) == 20, (name, len(there), len(here))
    for one, other in zip(there, here, strict=True):
        assert one["doc_id"] == other["doc_id"]
        for got, wanted in zip(one["resps"], other["resps"], strict=True):
            same = got == wanted if name in WRITTEN else close(got[0], wanted[0])
            assert same, f"{name}, item {one['doc_id']}: {got} over HTTP, {wanted} in process"


def close(got, wanted) -> bool:
    """Whether two scores agree: a number, or a number and whether it is what greedy writes."""
    if isinstance(got, list | tuple):
        return close(got[0], wanted[0]) and bool(got[1]) == bool(wanted[1])
    return abs(float(got) - float(wanted)) < CLOSE * max(1.0, abs(float(wanted)))


def assert_close(there: dict, here: dict) -> None:
    """All metrics to four digits."""
    numbers = {name for name, value in here.items() if isinstance(value, float)}
    assert numbers, here
    for name in numbers:
        assert close(there[name], here[name]), (name, there[name], here[name])


if __name__ == "__main__":
    main()
