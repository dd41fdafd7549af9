"""Part 00 · Values in a check: whether they are the same, and how they are told to a learner."""

from typing import Any

import torch

LONGEST = 32  # numbers of a tensor that are shown


def difference(got: Any, want: Any, tolerance: float) -> str:
    """How `got` is not `want`, in words; empty when it is."""
    if got is None and want is not None:
        return "It gave back nothing (None). Is a `return` missing?"
    if not isinstance(want, torch.Tensor):
        if type(got) is type(want) and got == want:
            return ""
        return "It gave back something else."
    if not isinstance(got, torch.Tensor):
        return f"It gave back {kind(got)}, not a tensor."
    if got.shape != want.shape:
        return f"The shape is {list(got.shape)}, and should be {list(want.shape)}."
    if got.dtype != want.dtype:
        return f"The dtype is {got.dtype}, and should be {want.dtype}."
    if same(got, want, tolerance):
        return ""
    if got.isnan().any() and not want.isnan().any():
        return "There is a NaN in it."
    apart = (got.double() - want.double()).abs().nan_to_num(float("inf"), float("inf"))
    at: list[int] = []
    left = int(apart.argmax())
    for size in reversed(apart.shape):
        left, index = divmod(left, size)
        at.insert(0, index)
    return f"The shape is right; the numbers differ most at {at}."


def alike(got: Any, want: Any) -> bool:
    """Whether only the values can differ, not the kind or the shape."""
    return kind(got) == kind(want) and getattr(got, "shape", 0) == getattr(want, "shape", 0)


def same(got: Any, want: Any, tolerance: float) -> bool:
    """Whether two values are the same; tensors within `tolerance` of the numbers' size."""
    if isinstance(got, torch.Tensor) and isinstance(want, torch.Tensor):
        if got.shape != want.shape or got.dtype != want.dtype:
            return False
        if not got.is_floating_point():
            return torch.equal(got, want)
        return torch.allclose(got, want, rtol=tolerance, atol=tolerance, equal_nan=True)
    return type(got) is type(want) and bool(got == want)


def nudge(got: Any, want: Any) -> str:
    """Which way to go, without saying where it is."""
    if numbers(got, want):
        return f"Not yet: the number is {'larger' if want > got else 'smaller'}."
    if isinstance(got, list) and isinstance(want, list):
        if len(got) != len(want):
            return f"The list has {len(got)} entries, and should have {len(want)}."
        first = next(i for i in range(len(want)) if got[i] != want[i])
        return f"Entry {first + 1} is the first that is not right."
    return "Not yet. Go back to where the text tells you to look."


def unlike(got: Any, want: Any) -> str:
    """What is wrong with the kind of an answer; empty when it is the kind that is wanted."""
    if isinstance(got, float) and isinstance(want, int):
        return "A whole number is wanted."
    if isinstance(got, list) and isinstance(want, list):
        first, wanted = got[:1], want[:1]
        if first and wanted and not numbers(*first, *wanted) and kind(*first) != kind(*wanted):
            return f"Each entry is {kind(*wanted)}, and here stands {kind(*first)}."
    elif type(got) is not type(want) and not numbers(got, want):
        return f"The answer is {kind(want)}, and here stands {kind(got)}."
    return ""


def numbers(*values: Any) -> bool:
    """Whether all are numbers; True and False are none."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def plain(value: Any) -> Any:
    """A list as a tuple, so that it can be looked up."""
    return tuple(map(plain, value)) if isinstance(value, list) else value


def kind(value: Any) -> str:
    """What a value is, for a sentence."""
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
        list: "a list",
        type(None): "nothing (None)",
    }
    return words.get(type(value), f"a {type(value).__name__}")


def show(value: Any) -> str:
    """A value, short: of a tensor the shape, and all numbers or the first ones."""
    if not isinstance(value, torch.Tensor):
        text = repr(value)
        return text if len(text) <= 300 else text[:297] + "..."
    shape = str(list(value.shape))
    if value.numel() > LONGEST:
        first = ", ".join(number(x) for x in value.flatten()[:6].tolist())
        return f"{shape} {first}, ..."
    return f"{shape} {nested(value.tolist())}"


def nested(values: Any) -> str:
    """Lists of numbers, each as short as it can be."""
    if isinstance(values, list):
        return "[" + ", ".join(map(nested, values)) + "]"
    return number(values)


def number(value: Any) -> str:
    """A number with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
