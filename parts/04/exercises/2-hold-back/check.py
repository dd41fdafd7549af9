"""Letter by letter, by hand, against the learner's."""

from dataclasses import replace
from functools import partial
from itertools import product

BEGINNINGS = (
    ("the m", ["mat"]),
    ("x", ["mat"]),
    ("m", ["mat"]),
    ("ma", ["mat"]),
    ("the ma", ["mat", "atom"]),
    ("the ma", ["atom", "mat"]),
    ("ab", ["abc"]),
    ("the mop", ["mat"]),
    ("mop", ["mat"]),
    ("on", ["no"]),
    ("at", ["mat"]),
    ("a", ["b"]),
    ("", ["mat"]),
    ("aab", ["aabaac"]),
    ("aabaa", ["aabaac"]),
    ("xaa", ["aaa"]),
    ("b a", ["a b"]),
    ("\n", ["\n\n"]),
)

# Stop strings, what each increment brings, and the reason of the last one.
TEXTS = (
    (["mat"], ["the m", "ap m", "ats"], None),
    (["mat"], ["the", " m", "at"], None),
    (["mat"], ["the", " m", "ap"], "length"),
    (["mat"], ["the mat", " sat"], None),
    (["mat"], ["mat"], None),
    (["mat"], ["m", "a", "t"], None),
    (["mat"], ["the m"], "length"),
    (["mat"], ["m", "a"], "stop"),
    (["mat"], ["m", ""], "length"),
    (["mat"], ["m", "", "at"], None),
    (["mat"], ["the mat"], "length"),
    (["mat"], ["the m", "at"], "length"),
    (["x"], ["a", "b", "c"], "length"),
    (["aab"], ["aa", "ab"], None),
    (["abac", "b"], ["xa", "y", "ab"], None),
    (["\n\n"], ["a\n", "b\n", "\nc"], None),
    (["mama"], ["ma", "m", "a"], "length"),
)


def check(exam):
    from ruvon.engine.stops import longest_beginning

    short = ["".join(letters) for n in range(6) for letters in product("ab", repeat=n)]
    small = [
        (text, stop)
        for stop in (["ba"], ["aab"], ["abab"], ["bb", "aba"])
        for text in short
        if not any(one in text for one in stop)
    ]
    for text, stop in (*BEGINNINGS, *small):
        with exam.case("longest_beginning(text, stop)", text=text, stop=stop):
            got = longest_beginning(text, tuple(stop))
            exam.need(
                not isinstance(got, str), "How many characters is asked for, not which.", got=got
            )
            exam.equal(got, longest(text, stop), partial(wrong_lengths, text, stop))
    runs(exam)
    tokens(exam)


def beginnings(text, stop):
    """All ends of `text` that a stop string begins with, by their length, from short to long."""
    return [
        length
        for length in range(1, len(text) + 1)
        for one in stop
        if length < len(one) and one[:length] == text[len(text) - length :]
    ]


def longest(text, stop):
    """The longest of them."""
    return max(beginnings(text, stop), default=0)


def wrong_lengths(text, stop):
    """What known mistakes make of it."""
    found = beginnings(text, stop)
    most = max(map(len, stop)) - 1
    broken = 0
    while broken + 1 in found:
        broken += 1
    made = {
        "Not the first end that fits: the longest one.": min(found, default=0),
        "Only the first stop string is looked at.": longest(text, stop[:1]),
        "Only the last stop string is looked at.": longest(text, stop[-1:]),
        "A longer end may be a beginning, even if a shorter one is none.": broken,
        "The end of the text counts, not its beginning.": max(
            (
                n
                for n in range(len(text) + 1)
                for one in stop
                if n < len(one) and text[:n] == one[:n]
            ),
            default=0,
        ),
        "The beginning of a stop string counts only at the end of the text.": max(
            (n for one in stop for n in range(1, len(one)) if one[:n] in text), default=0
        ),
        "What ends like a stop string is no beginning of it.": max(
            (n for n in range(1, len(text) + 1) for one in stop if one.endswith(text[-n:])),
            default=0,
        ),
        "A stop string may begin in the middle of the text.": len(text)
        if any(one.startswith(text) for one in stop)
        else 0,
        "A beginning that lacks only the last letter counts, too.": max(
            (n for n in found if n < most), default=0
        ),
        "More letters may fit than the first one of a stop string.": int(
            any(text.endswith(one[0]) for one in stop)
        ),
        "It holds a fixed number of characters, whatever they are.": min(len(text), most),
        "This counts what is certain. What may be a beginning is asked for.": (
            len(text) - longest(text, stop)
        ),
    }
    right = longest(text, stop)
    return {mistake: value for mistake, value in made.items() if value != right}


def runs(exam):
    """Whole texts, increment by increment."""
    for stop, pieces, reason in TEXTS:
        with exam.case("text.add(increment), for each", stop=stop, brings=pieces, last=reason):
            made = added(exam, stop, given(pieces, reason))
            wanted = by_hand(stop, pieces, reason)
            exam.equal(
                [(text, why) for text, why, _ in made],
                [(text, why) for text, why, _ in wanted],
                partial(wrong_runs, stop, pieces, reason),
                "These are not the increments, as (what leaves, reason).",
            )
            exam.equal(
                [held for _, _, held in made],
                [held for _, _, held in wanted],
                lambda wanted=wanted, made=made: {
                    "After the last increment nothing is held.": [
                        *(held for _, _, held in wanted[:-1]),
                        made[-1][2],
                    ]
                },
                "What leaves is right, and `self.held` is not what was held back.",
            )


def given(pieces, reason):
    """Increments that have their text already."""
    from ruvon.engine.generate import Increment

    last = len(pieces) - 1
    return [
        Increment((number,), reason if number == last else None, piece)
        for number, piece in enumerate(pieces)
    ]


def added(exam, stop, increments, detokenizer=None):
    """What the learner's `add` makes of them, up to the last: text, reason, what is held."""
    from ruvon.engine.generate import Increment
    from ruvon.engine.stops import StoppedText

    text = StoppedText(None, stop)
    text.detokenizer = detokenizer
    made = []
    for increment in increments:
        before = replace(increment)
        got = text.add(increment)
        exam.need(
            isinstance(got, Increment),
            "It has to give an `Increment` back. `replace` makes one that differs in a field.",
            got=got,
        )
        exam.need(
            replace(got, text="", finish_reason=None)
            == replace(before, text="", finish_reason=None),
            "Only the text and the reason may change.",
            given=before,
            got=got,
        )
        exam.need(increment == before, "It changes the increment that it is given.", now=increment)
        made.append((got.text, got.finish_reason, text.held))
        if got.finish_reason:
            break
    return made


def by_hand(
    stop,
    pieces,
    reason,
    holds=longest,
    seen_in="all",
    whole=False,
    flushes=True,
    limit_first=False,
    zero=True,
    why="stop",
):
    """The same from the text so far. The arguments after `holds` are for what goes wrong."""
    made, so_far, gone = [], "", 0
    for number, piece in enumerate(pieces):
        before, so_far = so_far, so_far + piece
        last = number == len(pieces) - 1 and reason is not None
        looked = so_far if seen_in == "all" else piece
        end = ends_at(looked, stop)
        if end is not None:
            end += len(so_far) - len(looked)
        if end is not None and not (last and limit_first) and (zero or end > gone):
            leaves = so_far[gone:end] if not whole else before[gone:] + piece
            return [*made, (leaves, why, "")]
        certain = len(so_far)
        if not (last and flushes):
            certain = max(certain - holds(so_far[gone:], stop), gone)
        made.append((so_far[gone:certain], reason if last else None, so_far[certain:]))
        gone = certain
        if last:
            made[-1] = (*made[-1][:2], "")
    return made


def ends_at(text, stop):
    """Where the stop string begins that is whole first; None without."""
    for end in range(1, len(text) + 1):
        whole = [len(one) for one in stop if text[:end].endswith(one)]
        if whole:
            return end - max(whole)
    return None


def wrong_runs(stop, pieces, reason):
    """What known mistakes make of a text."""
    wrong = partial(by_hand, stop, pieces, reason)
    right = wrong()
    made = {
        "Nothing is held: the beginning of a stop string has left before its end comes.": wrong(
            holds=lambda text, stop: 0
        ),
        "Nothing is held, and a stop string is found only within one token.": wrong(
            holds=lambda text, stop: 0, seen_in="piece"
        ),
        "Look for the stop string in all that is there: what was held, and what is new.": wrong(
            seen_in="piece"
        ),
        "Too much is held: only what may be the beginning of a stop string has to wait.": wrong(
            holds=lambda text, stop: len(text) if longest(text, stop) else 0
        ),
        "It holds a fixed number of characters, whatever they are.": wrong(
            holds=lambda text, stop: min(len(text), max(map(len, stop)) - 1)
        ),
        "The stop string belongs to no answer. The text ends before it.": wrong(whole=True),
        "At the end of a run nothing is held: what was held is text after all.": wrong(
            flushes=False
        ),
        "A stop string counts in the last increment, too: look for it first.": wrong(
            limit_first=True
        ),
        'A stop string is there, so the reason is "stop".': wrong(why=right[-1][1] and reason),
        "The stop string may be all that is there, and its place 0. None is something else.": wrong(
            zero=False
        ),
        "What was held is lost: it comes before the new text.": lost(right, pieces),
        "Only what is new leaves, not all of the text so far.": [
            ("".join(text for text, _, _ in right[: n + 1]), why, held)
            for n, (_, why, held) in enumerate(right)
        ],
        "When nothing is to be held, all of the text leaves.": [
            (text if held else "", why, held) if why is None else (text, why, held)
            for text, why, held in right
        ],
    }
    shown = {name: [(text, why) for text, why, _ in value] for name, value in made.items()}
    same = [(text, why) for text, why, _ in right]
    return {name: value for name, value in shown.items() if value != same}


def lost(right, pieces):
    """The increments without what was held before each."""
    held_before = ["", *(held for _, _, held in right)]
    return [
        (text.removeprefix(held) if len(text) >= len(held) else "", why, now)
        for (text, why, now), held in zip(right, held_before, strict=False)
    ]


class Detokenizer:
    """Token 0 brings "the", 1 nothing yet, 2 " m", 3 "at". At the end "?" is left over."""

    def __init__(self):
        self.pushed = []

    def push(self, token):
        self.pushed.append(token)
        return ["the", "", " m", "at"][token]

    def flush(self):
        return "?"


def tokens(exam):
    """Increments without text: `super().add` makes it of their tokens, once each."""
    from ruvon.engine.generate import Increment

    for ids, reason, wanted in (
        ((0, 1, 2, 0), None, ["the", "", " ", "mthe"]),
        ((0, 2, 3), None, ["the", " ", ""]),
        ((0, 1, 2), "length", ["the", "", " m?"]),
    ):
        detokenizer = Detokenizer()
        last = len(ids) - 1
        increments = [
            Increment((token,), reason if n == last else None) for n, token in enumerate(ids)
        ]
        brings = ["the", "", " m", "at"]
        with exam.case(
            'text.add(increment), with tokens; the stop string is "mat"',
            ids=ids,
            bring=[brings[token] for token in ids],
            last=reason,
        ):
            made = added(exam, ["mat"], increments, detokenizer)
            exam.need(
                detokenizer.pushed,
                "The increment comes without text. `super().add` makes the text of its tokens.",
            )
            exam.need(
                detokenizer.pushed == list(ids),
                "`super().add` is called once for each increment: it remembers the tokens.",
                added=detokenizer.pushed,
            )
            exam.equal([text for text, _, _ in made], wanted)
