"""Part 2 · LLM: the offline front door, from text to text."""

from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace  # part 5
from functools import partial  # part 7
from pathlib import Path
from typing import Any

from ruvon.attention import new_attention
from ruvon.device import pick_device
from ruvon.device import pick_dtype
from ruvon.engine.backend import Request  # part 6
from ruvon.engine.backend import choices  # part 6
from ruvon.engine.core import Engine  # part 6
from ruvon.engine.events import Subscriber  # part 6
from ruvon.engine.generate import Increment
from ruvon.engine.generate import check_prompt
from ruvon.engine.generate import generate
from ruvon.engine.stops import StoppedText  # part 4
from ruvon.engine.strategies import DIRECT  # part 6
from ruvon.engine.strategies import STRATEGIES  # part 6
from ruvon.engine.strategies import Options  # part 6
from ruvon.engine.strategies import pick_strategy  # part 6
from ruvon.engine.text import Text
from ruvon.errors import RuvonError
from ruvon.models import load_model
from ruvon.models import read_config
from ruvon.models.linears import wrap_linears  # part 3
from ruvon.outputs import CompletionOutput
from ruvon.outputs import RequestOutput
from ruvon.processor import use_processor  # part 3
from ruvon.sampling.params import SamplingParams
from ruvon.sampling.params import is_count
from ruvon.sampling.stochastic import seeded  # part 5
from ruvon.sampling.stochastic import stochastic  # part 5
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate

Prompt = str | Sequence[int]


class LLM:
    """A model, its tokenizer, and the loop that runs them.

    `model` is the name of one that ships, a folder, or a Hub id. Raises RuvonError for a model,
    a device or a dtype that cannot be used.
    """

    def __init__(
        self,
        model: str | Path = "story",
        *,
        dtype: str | None = None,
        device: str = "auto",
        attention: str | None = None,
        max_model_len: int | None = None,
        linear: str | None = None,  # part 3
        threads: int | None = None,  # part 3
        strategy: str | None = None,  # part 6
        max_num_seqs: int = 256,  # part 7
        max_num_batched_tokens: int | None = None,  # part 8
        tokenizer: str | Path | None = None,  # part 4
        revision: str | None = None,  # part 4
    ) -> None:
        folder = locate(
            model,
            revision,  # part 4
        )
        where = pick_device(device)
        use_processor(threads)  # part 3
        self.model = load_model(
            folder,
            pick_dtype(dtype, where),
            where,
            wrap_linears(linear),  # part 3
        )
        self.tokenizer = Tokenizer.from_dir(folder) if has_tokenizer(folder) else None
        if tokenizer is not None:  # part 4
            self.tokenizer = other_tokenizer(tokenizer, self.model.vocabulary)
        self.eos_id = self.tokenizer.eos_id if self.tokenizer else config_eos(folder)
        self.context = longest(self.model.context, max_model_len)
        self.attention = attention
        self.strategy = pick_strategy(strategy, attention)  # part 6
        self.max_num_seqs = max_num_seqs  # part 7
        self.max_num_batched_tokens = max_num_batched_tokens  # part 8

    def generate(
        self,
        prompts: Prompt | Sequence[Prompt],
        params: SamplingParams | Sequence[SamplingParams] | None = None,
        **keywords: Any,
    ) -> list[RequestOutput]:
        """Continue each prompt. One SamplingParams for all, or one each, or its fields by name."""
        many = as_list(prompts)
        each = self.params_for(len(many), params, keywords)
        ids = [self.encode(prompt) for prompt in many]
        made: list[list[Increment]] = [[] for _ in many]
        for index, increment in self.increments(ids, each):
            made[index].append(increment)
        return [
            RequestOutput(
                prompt=prompt if isinstance(prompt, str) else None,
                prompt_token_ids=known,
                outputs=completions(increments),
                prompt_logprobs=[*increments[0].prompt_logprobs],  # part 10
            )
            for prompt, known, increments in zip(many, ids, made, strict=True)
        ]

    def stream(
        self,
        prompt: Prompt,
        params: SamplingParams | None = None,
        **keywords: Any,
    ) -> Iterator[str]:
        """The continuation as it is made, in pieces of text that are never half a character."""
        if self.tokenizer is None:
            raise RuvonError("this model folder has no tokenizer, so there is no text to stream")
        each = self.params_for(1, params, keywords)
        if each[0].n > 1:  # part 5
            raise RuvonError("a stream is one text; take generate for n > 1")
        for _, increment in self.increments([self.encode(prompt)], each):
            if increment.text:
                yield increment.text

    def increments(
        self,
        prompts: Sequence[list[int]],
        params: Sequence[SamplingParams],
    ) -> Iterator[tuple[int, Increment]]:
        """Run the prompts. -> (index of the prompt, what it gained) as it happens."""
        for ids in prompts:
            check_prompt(ids, self.context)
        if self.strategy != DIRECT:  # part 6
            yield from self.steps(prompts, params)
            return
        for index, (ids, wanted) in enumerate(zip(prompts, params, strict=True)):
            wanted = seeded(wanted)  # part 5
            for increment in self.run(ids, wanted):
                yield index, increment
            for choice in range(1, wanted.n):  # part 5
                for increment in self.run(ids, wanted, choice):
                    yield index, replace(increment, choice=choice)

    def run(
        self,
        ids: list[int],
        params: SamplingParams,
        choice: int = 0,  # part 5
    ) -> Generator[Increment, None, None]:
        """Compute one sequence, one increment a step, each when it is asked for."""
        if params.logprobs is not None or params.prompt_logprobs is not None:  # part 10
            raise RuvonError("logprobs come from an engine: take another strategy than direct")
        attention = new_attention(self.attention, self.model, self.context)
        steps = generate(
            self.model,
            attention,
            ids,
            params,
            eos_id=self.eos_id,
            context=self.context,
            sample=stochastic,  # part 5
            choice=choice,  # part 5
        )
        text = self.text(params)
        for step in steps:
            increment = text.add(step)
            yield increment
            if increment.finish_reason:  # part 4
                break  # a stop string ends a run that would go on

    def steps(  # part 6
        self, prompts: Sequence[list[int]], params: Sequence[SamplingParams]
    ) -> Iterator[tuple[int, Increment]]:
        """The same by an engine: all prompts wait in its queue, and its strategy says what runs."""
        build = self.new_engine
        build = partial(build, most=sum(wanted.n for wanted in params))  # part 7
        engine = build()
        places: dict[str, tuple[int, int]] = {}
        for index, (ids, wanted) in enumerate(zip(prompts, params, strict=True)):
            for request in choices(Request(str(index), tuple(ids), wanted)):
                places[request.id] = index, request.choice
                engine.add(request)
        while engine.busy:
            for output in engine.step():
                if output.increment is None:
                    assert output.error is not None
                    raise output.error
                index, choice = places[output.id]
                yield index, replace(output.increment, choice=choice)

    def new_engine(  # part 6
        self,
        *subscribers: Subscriber,
        most: int | None = None,  # part 7
    ) -> Engine:
        """An engine over this model, with a queue and a cache of its own."""
        # Room for more sequences than there will ever be is wasted.
        seqs = min(self.max_num_seqs, most or self.max_num_seqs)  # part 7
        options = Options(
            self.context,
            self.attention,
            max_num_seqs=seqs,  # part 7
            max_num_batched_tokens=self.max_num_batched_tokens,  # part 8
        )
        scheduler, runner = STRATEGIES[self.strategy](self.model, options)
        return Engine(
            scheduler,
            runner,
            self.text,
            context=self.context,
            eos_id=self.eos_id,
            subscribers=subscribers,
        )

    def text(self, params: SamplingParams) -> Text:
        """What makes text of the tokens of a sequence."""
        if params.stop:  # part 4
            if self.tokenizer is None:
                raise RuvonError("this model folder has no tokenizer, so there is no text to stop")
            return StoppedText(self.tokenizer, params.stop)
        return Text(self.tokenizer)

    def encode(self, prompt: Prompt) -> list[int]:
        """The ids of a prompt, checked against the vocabulary."""
        if isinstance(prompt, str):
            if self.tokenizer is None:
                raise RuvonError("this model folder has no tokenizer; give token ids, not text")
            prompt = self.tokenizer.encode(prompt)
        if not isinstance(prompt, Iterable):
            raise RuvonError(f"a prompt is a text or a list of token ids, not {prompt!r}")
        ids, size = [plain(token) for token in plain(prompt)], self.model.vocabulary
        for token in ids:
            if not is_count(token, least=0) or token >= size:
                raise RuvonError(f"token {token!r} is not in the vocabulary, which is 0-{size - 1}")
        return ids

    def params_for(
        self,
        count: int,
        params: SamplingParams | Sequence[SamplingParams] | None,
        keywords: dict[str, Any],
    ) -> list[SamplingParams]:
        """One SamplingParams for each of `count` prompts."""
        if keywords:
            if params is not None:
                raise RuvonError("give a SamplingParams or its fields by name, not both")
            params = params_from(keywords)
        if params is None or isinstance(params, SamplingParams):
            return [params or SamplingParams()] * count
        each = list(params) if isinstance(params, Iterable) else [params]
        if not all(isinstance(one, SamplingParams) for one in each):
            raise RuvonError(f"give a SamplingParams, or a list of them, not {params!r}")
        if len(each) != count:
            raise RuvonError(f"{len(each)} SamplingParams for {count} prompts")
        return each


def completions(increments: Sequence[Increment]) -> list[CompletionOutput]:
    """The continuations of one prompt, put together from all of their increments."""
    several = by_choice(increments)  # part 5
    if len(several) > 1:  # part 5
        return [replace(completions(made)[0], index=i) for i, made in enumerate(several)]
    reason = increments[-1].finish_reason
    assert reason is not None, "the last increment says why"
    text = "".join(increment.text for increment in increments)
    ids = [token for increment in increments for token in increment.ids]
    scores = [score for increment in increments for score in increment.logprobs]  # part 10
    return [
        CompletionOutput(
            0,
            text,
            ids,
            reason,
            scores,  # part 10
        )
    ]


def by_choice(increments: Sequence[Increment]) -> list[list[Increment]]:  # part 5
    """The increments of each choice, in order of the choices."""
    made: dict[int, list[Increment]] = {}
    for increment in increments:
        made.setdefault(increment.choice, []).append(increment)
    return [made[choice] for choice in sorted(made)]


def params_from(keywords: dict[str, Any]) -> SamplingParams:
    """SamplingParams from its fields by name; `max_new_tokens` is another word for max_tokens."""
    fields = SamplingParams.__dataclass_fields__
    renamed = {"max_tokens" if k == "max_new_tokens" else k: v for k, v in keywords.items()}
    unknown = [name for name in renamed if name not in fields]
    if unknown:
        raise RuvonError(f"{unknown[0]!r} is no sampling parameter; known: {', '.join(fields)}")
    return SamplingParams(**renamed)


def as_list(prompts: Prompt | Sequence[Prompt]) -> list[Prompt]:
    """A single text or list of ids as a list of one; a list of such as it is."""
    if isinstance(prompts, str):
        return [prompts]
    if not isinstance(prompts, Iterable):
        raise RuvonError(f"a prompt is a text or a list of token ids, not {prompts!r}")
    prompts = [plain(prompt) for prompt in plain(prompts)]
    ids = [token for token in prompts if isinstance(token, int)]
    if ids and len(ids) == len(prompts):
        return [ids]
    many = [prompt for prompt in prompts if not isinstance(prompt, int)]
    if len(many) != len(prompts):
        raise RuvonError("a list of prompts holds texts or lists of ids, not single ids among them")
    return many


def plain(prompt: Any) -> Any:
    """Ids from an array or a tensor as Python's own numbers; anything else as it is."""
    return prompt.tolist() if hasattr(prompt, "tolist") else prompt


def other_tokenizer(name: str | Path, vocabulary: int) -> Tokenizer:  # part 4
    """The tokenizer in another folder. Raises RuvonError for one with ids the model lacks."""
    found = Tokenizer.from_dir(locate(name))
    if found.vocab_size > vocabulary:
        raise RuvonError(
            f"the tokenizer {name} has {found.vocab_size:,} tokens, and the model knows "
            f"{vocabulary:,}; take the one that the model was trained with"
        )
    return found


def has_tokenizer(folder: Path) -> bool:
    """Whether a model folder brings its vocabulary."""
    return any((folder / name).exists() for name in ("tokenizer.json", "vocab.json"))


def config_eos(folder: Path) -> int | None:
    """The end-of-text id that config.json names, for a folder without a vocabulary."""
    eos = read_config(folder).get("eos_token_id")
    return eos if is_count(eos, least=0) else None


def longest(context: int, asked: int | None) -> int:
    """The longest sequence to make room for: the model's context, or less when asked."""
    if asked is None:
        return context
    if not is_count(asked) or asked > context:
        raise RuvonError(f"max_model_len {asked!r} is not between 1 and the model's {context:,}")
    return asked
