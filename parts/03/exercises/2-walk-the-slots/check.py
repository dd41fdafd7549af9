"""The run of the text, recorded again with the engine of Part 3, and asked about."""

import re
from pathlib import Path

import torch
from checking import original

HERE = Path(__file__).parent
ROOM = 12
PROMPT = "One day, a big dog"
CHUNKS = (2, 4)


def check(exam):
    run, text = record()
    rows, known, layers = run["rows"], run["known"], run["layers"]
    assert text == shown(text, rows), "the table in the text is not what the engine does"
    assert f"{ROOM} slots in each of its {layers} layers" in " ".join(text.split())
    b, c, d, e = (rows[name] for name in "bcde")
    prompt = sum(CHUNKS)

    exam.answer(
        "b_written",
        b["written"],
        {
            tuple(b["read"]): "Row a has written some of these. They stay as they are.",
            tuple(range(b["count"])): "A chunk goes behind what is kept, not over it.",
            tuple(s + 1 for s in b["written"]): "Slots are counted from 0, like positions.",
            tuple(b["written"][:-1]): "Row b has four tokens, and each gets a slot.",
        },
    )
    exam.answer(
        "b_second_sees",
        b["sees"][1],
        {
            tuple(b["read"]): "Two of these come after it. The causal mask hides them.",
            tuple(b["sees"][1][:-1]): "A token sees itself, too.",
            (0, 1): "It is the second token of row b, not the second of the text.",
            tuple(
                b["written"][:2]
            ): "It sees row a's tokens as well: that is what they are kept for.",
            (b["sees"][1][-1],): "It sees more than itself.",
        },
    )
    exam.answer(
        "c_row",
        [c[name] for name in ("start", "count", "before", "after")],
        {
            (0, c["after"], 0, c["after"]): "That is Part 2. Here the old tokens stay computed.",
            (
                prompt - 1,
                1,
                prompt - 1,
                prompt,
            ): "The last token of the prompt was computed in row b.",
            (prompt + 1, 1, prompt, prompt + 1): "Positions are counted from 0.",
            (
                prompt,
                1,
                prompt + 1,
                prompt + 2,
            ): "Row b leaves the cache at the length of the prompt.",
            (0, 1, prompt, prompt + 1): "Positions go on after the prompt. They do not begin anew.",
        },
    )
    exam.answer(
        "c_tensors",
        c["tensors"],
        {
            layers: "Keys and values have a tensor each.",
            2: "Every layer has a cache of its own.",
            1: "Every layer has a cache of its own, for keys and for values.",
            c["tensors"] * c["after"]: "Count tensors, not slots.",
        },
    )
    exam.answer(
        "d_fed",
        d["fed"],
        {
            (d["gives"],): "That is what row d gives. It is fed in row e.",
            (b["gives"],): "That one was fed in row c.",
            tuple(known[: d["after"]]): "Only what is not computed yet is fed.",
            (b["gives"], c["gives"]): "One of them was computed in row c.",
            (c["gives"], d["gives"]): "One of them is not known before row d has run.",
        },
    )
    exam.answer(
        "d_read",
        [d["read"][0], d["read"][-1]],
        {
            (0, d["read"][-2]): "The new token is written first, and then it sees itself.",
            (d["read"][-1],) * 2: "That is what it writes. It looks at every token so far.",
            (1, d["after"]): "Slots are counted from 0.",
            (0, d["after"]): "Slots are counted from 0.",
            (0, prompt - 1): "It sees more than the prompt.",
            (0, ROOM - 1): "Some of these slots hold nothing yet.",
        },
    )
    n = e["after"]
    exam.answer(
        "after_e",
        [run["known_after_e"], n, ROOM - n],
        {
            (n, n, ROOM - n): "Row e gives a token, too. It is known, and not computed.",
            (n + 1, n + 1, ROOM - n - 1): "The token that row e gives is not computed yet.",
            (n, n - 1, ROOM - n + 1): "The token that row e is fed is computed now.",
            (n + 1, n, ROOM - n - 1): "A token that is only known has no slot.",
        },
    )
    left = run["steps_left"]
    exam.answer(
        "steps_left",
        left,
        {
            left - 1: "A step may fill the last slot.",
            left + 1: "The step that finds no free slot does not fit.",
            ROOM: "Some slots are taken.",
        },
    )
    exam.answer(
        "longest",
        run["longest"],
        {
            ROOM: "The last token was given, and never fed. Does it need a slot?",
            run["longest"] + 1: "The step that is refused gives no token.",
            ROOM - prompt: "Count the prompt, too.",
            run["longest"] - prompt: "Count the prompt, too.",
        },
    )


def record():
    """Run the model as the text says. -> what happened, and the text's table."""
    from ruvon.engine.generate import step
    from ruvon.models import load_model
    from ruvon.tokenizer import Tokenizer
    from ruvon.zoo import locate

    memory = original("ruvon/memory/contiguous.py", part=3)
    folder = locate("story")
    model = load_model(folder, torch.float32)
    known = Tokenizer.from_dir(folder).encode(PROMPT)
    assert len(known) == sum(CHUNKS)
    cache = memory.ContiguousCache(model.layers, ROOM, model.dtype, model.device)
    tensors = [*cache.keys, *cache.values]
    for tensor in tensors:
        tensor.fill_(torch.nan)  # so that a slot that is written differs from before
    attention = recording(cache)
    rows = {}
    for name, end in zip("abcde", (CHUNKS[0], *range(len(known), len(known) + 4)), strict=True):
        held = [t.clone() for t in tensors]
        logits = step(model, attention, known[:end])
        event = rows[name] = attention.seen
        new = [changed(old, now) for old, now in zip(held, tensors, strict=True)]
        event["written"] = max(new, key=len)
        event["tensors"] = sum(slots == event["written"] for slots in new)
        event["fed"] = known[event["start"] : end]
        event["gives"] = None
        if end >= sum(CHUNKS):
            event["gives"] = int(logits.argmax())
            known.append(event["gives"])
    run = {"rows": rows, "known_after_e": len(known), "steps_left": 0, "layers": len(model.layers)}
    while True:
        try:
            logits = step(model, attention, known)
        except memory.CacheFull:
            break
        run["steps_left"] += 1
        known.append(int(logits.argmax()))
    return run | {"known": known, "longest": len(known)}, (HERE / "README.md").read_text()


def recording(cache):
    """Cached attention that writes down what it does; `seen` is the newest row."""
    base = original("ruvon/attention/cached.py", part=3).CachedAttention

    class Recording(base):
        def prepare(self, spans):
            self.seen = {"start": spans[0].start, "count": spans[0].count, "before": cache.length}
            super().prepare(spans)
            self.seen["after"] = cache.length
            if self.mask is not None:
                self.seen["sees"] = [row.nonzero().flatten().tolist() for row in self.mask]

        def __call__(self, layer, q, k, v):
            out = super().__call__(layer, q, k, v)
            self.seen["read"] = list(range(cache.view(layer)[0].shape[1]))
            return out

    return Recording(cache)


def changed(old, now):
    """Which slots of [kv_heads, room, head_dim] hold other numbers than before."""
    same = (old == now) | (old.isnan() & now.isnan())
    return [slot for slot in range(old.shape[1]) if not bool(same[:, slot].all())]


def shown(text, rows):
    """`text` with the cells of its table as they were recorded, where they are shown."""

    def line(found):
        cells = re.split(r"( {2,})", found[0])
        event = rows[cells[0]]
        fresh = [
            cells[0],
            str(event["start"]),
            str(event["count"]),
            f"{event['before']} to {event['after']}",
            f"{event['written'][0]}-{event['written'][-1]}",
            f"{event['read'][0]}-{event['read'][-1]}",
            "nothing" if event["gives"] is None else str(event["gives"]),
        ]
        for index, cell in enumerate(fresh):
            if cells[2 * index] != "?":
                cells[2 * index] = cell
        return "".join(cells)

    return re.sub(r"^[a-e] {2,}.*$", line, text, flags=re.MULTILINE)
