"""A cache of a few numbers: what stands in its slots after each chunk, against plain lists."""

import re
from contextlib import contextmanager
from functools import partial

import torch
from checking import Failed

# Room, and how many tokens come in turn. Each row: whether the last of them still fits.
ROOMS = (
    (5, [3], True),
    (5, [6], False),
    (5, [3, 1], True),
    (5, [3, 2], True),
    (6, [4, 3], False),
    (6, [4, 9], False),
    (2, [1, 1, 1], False),
)
# Layers, kv_heads, head_dim, room, chunks, dtype: the smallest first.
WALKS = (
    (1, 1, 1, 4, [1], torch.float32),
    (2, 1, 1, 4, [1], torch.float32),
    (1, 1, 1, 4, [1, 1, 1], torch.float32),
    (1, 2, 1, 6, [2], torch.float32),
    (1, 2, 1, 6, [2, 1], torch.float32),
    (1, 2, 1, 6, [3, 3], torch.float32),
    (2, 3, 2, 9, [4, 1, 2], torch.float64),
    (3, 2, 4, 8, [1, 5, 2], torch.bfloat16),
)
CPU = torch.device("cpu")


def check(exam):
    from ruvon.memory.contiguous import ContiguousCache
    from ruvon.seams import LayerSpec

    def new_cache(layers, kv_heads, head_dim, room, dtype=torch.float32):
        specs = [LayerSpec(i, kv_heads, kv_heads, head_dim, 1.0) for i in range(layers)]
        cache = ContiguousCache(specs, room, dtype, CPU)
        for tensor in (*cache.keys, *cache.values):
            tensor.fill_(0)
        return cache, specs

    for room, counts, fits in ROOMS:
        said = f"grow({'), grow('.join(map(str, counts))}) with room for {room}"
        with exam.case(said):
            check_grow(exam, new_cache(1, 1, 1, room)[0], counts, fits)
    for layers, kv_heads, head_dim, room, chunks, dtype in WALKS:
        cache, specs = new_cache(layers, kv_heads, head_dim, room, dtype)
        tokens = [made(i, sum(chunks), kv_heads, head_dim, dtype) for i in range(layers)]
        said = f"chunks of {chunks}, {layers} layers, room for {room}"
        said = said.replace(" 1 layers", " 1 layer")
        with exam.case(said, k=tokens[0][0], v=tokens[0][1]):
            walk(exam, cache, specs, tokens, chunks)


def check_grow(exam, cache, counts, fits):
    """Let it grow as often as it is told; the last time may be too much."""
    for count in counts[:-1]:
        grown(exam, cache, count)
    if fits:
        grown(exam, cache, counts[-1])
        return
    before, count = cache.length, counts[-1]
    error = refusal(exam, cache, count)
    exam.need(
        error is not None,
        "There is no room for that, and it was not refused. What is there already counts, too.",
        length=before,
        count=count,
        capacity=cache.capacity,
    )
    exam.need(
        cache.length == before,
        "It refuses, but the length has changed already. Ask first, change after.",
        before=before,
        after=cache.length,
    )
    exam.need(
        {before, cache.capacity, count} <= set(map(int, re.findall(r"\d+", str(error)))),
        "The message of CacheFull has to name the length, the capacity and the count.",
        said=str(error),
    )


def grown(exam, cache, count):
    """Grow, where there is room."""
    before = cache.length
    error = refusal(exam, cache, count)
    exam.need(
        error is None,
        "There is room for that, and it was refused. A cache may be exactly full.",
        length=before,
        count=count,
        capacity=cache.capacity,
    )
    mistakes = {
        "The length is how many tokens there are in all, not how many came last.": count,
        "grow has not changed the length.": before,
    }
    exam.equal(cache.length, before + count, lambda: mistakes, "The length is not right.")


def refusal(exam, cache, count):
    """What `grow` raises, or None."""
    from ruvon.errors import RuvonError
    from ruvon.memory.contiguous import CacheFull

    try:
        cache.grow(count)
    except CacheFull as error:
        return error
    except NotImplementedError:
        raise
    except (AssertionError, MemoryError, RuntimeError, RuvonError, ValueError) as error:
        exam.need(False, "It has to raise CacheFull: that is what callers catch.", raised=error)
    return None


def made(layer, tokens, kv_heads, head_dim, dtype):
    """Keys and values that say where they belong: token 2, head 1, layer 0 begins with 21."""
    keys = [
        [[100 * layer + 10 * (t + 1) + h + i / 8 for i in range(head_dim)] for h in range(kv_heads)]
        for t in range(tokens)
    ]
    keys = torch.tensor(keys, dtype=dtype)
    return keys, keys + 0.5


def walk(exam, cache, specs, tokens, chunks):
    """Write chunk after chunk; after each of them look at every slot, and at the view."""
    held = [t.data_ptr() for t in (*cache.keys, *cache.values)]
    done = 0
    for number, count in enumerate(chunks):
        cache.grow(count)
        for spec in specs:
            k, v = (t[done : done + count].clone() for t in tokens[spec.index])
            cache.write(spec, k, v)
            exam.need(
                torch.equal(k, tokens[spec.index][0][done : done + count])
                and torch.equal(v, tokens[spec.index][1][done : done + count]),
                "write changes the tensors that it is given. They belong to the caller.",
            )
        done += count
        exam.need(
            cache.length == done,
            "write is called once for each layer, so only grow may change the length.",
            length=cache.length,
        )
        exam.need(
            held == [t.data_ptr() for t in (*cache.keys, *cache.values)],
            "The tensors are allocated once, in __init__. Write into them; make no new ones.",
        )
        for spec in specs:
            for which, name in enumerate(("keys", "values")):
                stored = getattr(cache, name)[spec.index]
                want = partial(slots, tokens, chunks[: number + 1], cache.capacity)
                with labelled(f"{name} of layer {spec.index} after write"):
                    exam.equal(
                        stored,
                        want(spec.index, which),
                        partial(write_mistakes, want, spec.index, which, len(specs)),
                        f"After write, the {name} of layer {spec.index} are not right.",
                    )
            check_view(exam, cache, spec, done)


@contextmanager
def labelled(what):
    """Say of which tensor the numbers are, if it is not right."""
    try:
        yield
    except Failed as error:
        error.seen.insert(0, ("shown", what))
        raise


def slots(tokens, chunks, room, layer, which, begin=None, turn=True):
    """[kv_heads, room, head_dim] as it should be, number by number.

    `begin(done, count)` says where a chunk goes; without `turn` it keeps the order of its numbers.
    """
    given = tokens[layer][which]
    heads, dim = given.shape[1:]
    out = torch.zeros(heads, room, dim, dtype=given.dtype)
    done = 0
    for count in chunks:
        chunk = given[done : done + count]
        flat = chunk.flatten().tolist()
        for t in range(count):
            slot = (begin(done, count) if begin else done) + t
            for h in range(heads):
                for i in range(dim):
                    if slot < room:
                        index = (h * count + t) * dim + i
                        out[h, slot, i] = chunk[t, h, i] if turn else flat[index]
        done += count
    return out


def by_heads(tokens, chunks, room, layer, which):
    """The slots if a chunk's dimension 1 is taken for its length; None where PyTorch refuses it."""
    given = tokens[layer][which]
    heads, dim = given.shape[1:]
    out = torch.zeros(heads, room, dim, dtype=given.dtype)
    done = 0
    for count in chunks:
        chunk = given[done : done + count]
        done += count
        if done < heads or count not in (1, heads):
            return None
        for i in range(heads):
            out[:, done - heads + i] = chunk[i % count]
    return out


def write_mistakes(want, layer, which, layers):
    """What known mistakes leave in the slots."""
    right = want(layer, which)
    name, other = ("keys", "values") if which == 0 else ("values", "keys")
    return {
        "The length has grown already: the newest tokens end there, they do not begin there.": want(
            layer, which, begin=lambda done, count: done + count
        ),
        "It writes from slot 0 on, over what was there. The newest tokens are the last ones.": want(
            layer, which, begin=lambda done, count: 0
        ),
        "The newest tokens end where the length ends, not where the capacity ends.": want(
            layer, which, begin=lambda done, count: right.shape[1] - count
        ),
        "k has tokens first, the cache has heads first: they have to change places.": want(
            layer, which, turn=False
        ),
        f"Keys and values are confused: shown are the {name}, and they hold the {other}.": want(
            layer, 1 - which
        ),
        "The slots do not begin where they should. Which dimension of k counts tokens?": by_heads(
            *want.args, layer, which
        ),
        "Each layer has tensors of its own, and this wrote another layer's.": (
            want(layers - 1, which) if layer == 0 < layers - 1 else None
        ),
        "Nothing was written here.": torch.zeros_like(right),
    }


def check_view(exam, cache, spec, done):
    """The view: what it shows, and that it is one."""
    got = cache.view(spec)
    exam.need(got is not None, "view gave back nothing (None). Is a `return` missing?")
    exam.need(
        isinstance(got, tuple | list) and len(got) == 2,
        "view gives back two tensors: the keys and the values.",
    )
    both = (cache.keys[spec.index], cache.values[spec.index])
    for which, name in enumerate(("keys", "values")):
        stored = both[which]
        with labelled(f"{name} of layer {spec.index} in the view"):
            exam.equal(
                got[which],
                stored[:, list(range(done))],
                partial(view_mistakes, cache, stored, both[1 - which], which, done),
                f"The view of the {name} of layer {spec.index} is not right.",
            )
        exam.need(
            got[which].untyped_storage().data_ptr() == stored.untyped_storage().data_ptr(),
            "The view is a copy. It has to be a part of the cache's own memory.",
        )


def view_mistakes(cache, stored, other, which, done):
    """What known mistakes show."""
    first = (cache.keys, cache.values)[which][0]
    return {
        "The view has free slots in it: tokens are dimension 1, and only `length` of them count.": (
            stored
        ),
        "The newest token is not in the view.": stored[:, : done - 1],
        "The first token is not in the view.": stored[:, 1:done],
        "Keys and values are confused: keys come first.": other[:, :done],
        "Each layer has tensors of its own, and this shows another layer's.": first[:, :done],
        "In the cache, heads come first, and the view keeps it so.": (
            stored[:, :done].transpose(0, 1)
        ),
    }
