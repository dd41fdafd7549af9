"""The merges of the shipped vocabulary, step by step; the ids are the tokenizer's own."""

WORD, BLANK, PLURAL, TEXT = "writing", " writing", "writings", "writing writing"

LEFT = "You merged from left to right. Of all pairs, the one with the smallest id comes first."
LONG = (
    "The longest tokens first, or merges from left to right, would give this. Of all pairs, the "
    "one with the smallest id comes first."
)
LATE = "You merged the pair with the largest id. The smallest id is the best rank."
ALL = (
    "These all stand in the word. But a merge takes its two neighbours away, and others can no "
    "longer be made of them."
)
ONCE = "A merge is missing: pairs of merged tokens can merge again. Look again after every merge."


def check(exam):
    from ruvon.tokenizer import Tokenizer
    from ruvon.zoo import locate

    tokenizer = Tokenizer.from_dir(locate("story"))
    ranks = {token.decode("latin-1"): rank for token, rank in tokenizer.ranks.items()}

    def ends(piece, shape=tuple):
        """Where known mistakes end."""
        byte_pairs = {token: rank for token, rank in ranks.items() if len(token) <= 2}
        return {
            shape(merges(piece, ranks, last)[0]): LATE,
            shape(merges(piece, byte_pairs, best)[0]): ONCE,
            shape(merges(piece, ranks, leftmost)[0]): LONG,
            shape(longest(piece, ranks)): LONG,
        }

    def as_ids(tokens):
        return tuple(ranks[token] for token in tokens)

    encode = tokenizer.encode
    word_ids = encode(WORD)
    pieces, made = merges(WORD, ranks, best)
    inside = [token for token in sorted(ranks, key=ranks.get) if token in WORD and token[1:]]
    exam.answer(
        "made",
        made,
        {
            tuple(inside): ALL,
            tuple(merges(WORD, ranks, leftmost)[1]): LEFT,
            tuple(merges(WORD, ranks, last)[1]): LATE,
            tuple(sorted(made, key=len)): "The tokens are right, their order is not: by rank.",
            tuple(made[:-1]): "There is one more merge. Look again at all pairs.",
            tuple(pieces): "These are the pieces in the end. Asked for is what the merges make.",
        },
    )
    exam.answer("pieces", pieces, ends(WORD) | {tuple(made): "These are what merges made."})
    exam.answer(
        "ids",
        word_ids,
        ends(WORD, as_ids)
        | {as_ids(made): "These are the ids of all that merges made. Some were merged further."},
    )
    never = [token for token in inside if token not in made]
    never_made(exam, never, made)
    blank_made = merges(BLANK, ranks, best)[1]
    exam.answer(
        "blank_merges",
        len(blank_made),
        {
            len(blank_made) + 1: "These are the lines of the trace. Before the first line nothing "
            "is merged.",
            len(made): "As many as without the blank. But it is part of the piece, and merges.",
            len(made) + 1: "The blank merges, and what it makes merges again.",
        },
    )
    exam.answer(
        "blank_ids",
        encode(BLANK),
        {
            tuple(word_ids): "The blank is part of this piece. It has to be in a token, too.",
            (*encode(" "), *word_ids): "The blank does not stay alone: the table has it with w.",
            as_ids((" w", *pieces[1:])): "What the blank and w make has a neighbour. Look again.",
            **ends(BLANK, as_ids),
        },
    )
    plural_pieces, plural_made = merges(PLURAL, ranks, best)
    exam.answer(
        "plural_last",
        plural_made[-1],
        {
            made[-1]: "That is the last one of the word without s. Here another merge has a "
            "better rank and takes one of its halves away.",
            plural_made[-2]: "There is one more. Which neighbour did this one get?",
            merges(PLURAL, ranks, last)[1][-1]: LATE,
            "s": "A byte alone is not made by a merge.",
        },
    )
    exam.answer(
        "plural_pieces",
        plural_pieces,
        {
            (*pieces, "s"): "The s is not simply added. Before the last merge, two merges are "
            "possible: compare their ids.",
            **ends(PLURAL),
        },
    )
    exam.answer(
        "text_ids",
        encode(TEXT),
        {
            (*word_ids, *word_ids): "Where is the blank? It belongs to the word behind it.",
            (*word_ids, *encode(" "), *word_ids): "The blank is cut off with the word behind it, "
            "and merges with it.",
            (*encode(BLANK), *encode(BLANK)): "No blank stands before the first word.",
            as_ids(merges(WORD + " ", ranks, best)[0] + pieces): "A blank belongs to the word "
            "behind it, not to the one before.",
        },
    )


def never_made(exam, never, made):
    """The tokens that stand in the word, and that no merge makes. The first wrong one is named."""
    given = exam.answers.get("never_made")
    given = given if isinstance(given, list) else []
    if any(isinstance(entry, int) for entry in given):
        with exam.case("never_made"):
            exam.need(False, "Those are ids. Texts are wanted, sorted by their ids.", yours=given)
        return
    mistakes = {}
    wrong = next((token for token in given if token not in never), None)
    if wrong in made:
        mistakes[tuple(given)] = f"`{wrong}` is made."
    elif isinstance(wrong, str):
        mistakes[tuple(given)] = f"`{wrong}` is no token of the table that stands in `{WORD}`."
    elif wrong is None and sorted(given) == sorted(never):
        mistakes[tuple(given)] = "The tokens are right. Sort them by their ids."
    exam.answer("never_made", never, mistakes)


def merges(piece, ranks, choose):
    """The tokens in the end, and those that were made on the way."""
    tokens, made = list(piece), []
    while True:
        places = [
            (ranks[tokens[at] + tokens[at + 1]], at)
            for at in range(len(tokens) - 1)
            if tokens[at] + tokens[at + 1] in ranks
        ]
        if not places:
            return tokens, made
        at = choose(places)[1]
        made.append(tokens[at] + tokens.pop(at + 1))
        tokens[at] = made[-1]


def best(places):
    return min(places)


def last(places):
    return max(places)


def leftmost(places):
    return min(places, key=lambda place: place[1])


def longest(piece, ranks):
    """The longest token that fits, from the left, again and again."""
    tokens = []
    while piece:
        size = max(n for n in range(1, len(piece) + 1) if piece[:n] in ranks)
        tokens.append(piece[:size])
        piece = piece[size:]
    return tokens
