"""Part 4: what the article works by hand: bytes of a stream, and what may leave, and when."""

import json
import sys

from ruvon.engine.generate import Increment
from ruvon.engine.stops import StoppedText
from ruvon.server.frames import DONE
from ruvon.server.frames import frame
from ruvon.server.frames import text_frame
from ruvon.tokenizer import Tokenizer
from ruvon.zoo import locate


def read(stream: bytes) -> list[str]:
    """The data of each event, by the rules of the specification: the reader's side of `frame`."""
    found: list[str] = []
    data: list[str] = []
    for line in stream.decode().split("\n"):
        if line == "" and data:  # a blank line ends an event
            found.append("\n".join(data))
            data = []
        elif line.startswith("data:"):  # and one blank after the colon is no text
            data.append(line.removeprefix("data:").removeprefix(" "))
    return found


def show_bytes(tokenizer: Tokenizer) -> None:
    """Two chunks of a stream and its end, and the same texts without JSON."""
    texts = [" the", " mat.\n"]
    stream = [frame({"text": text}) for text in texts]
    for part in (*stream, DONE):
        print(part)
    *chunks, last = read(b"".join((*stream, DONE)))
    assert [json.loads(chunk)["text"] for chunk in chunks] == texts
    assert last == "[DONE]"
    print()
    for text in texts:
        print(text_frame(text))
    assert read(b"".join(map(text_frame, texts))) == texts


def show_stop(tokenizer: Tokenizer) -> None:
    """Token by token: what is known, what leaves, what is held back."""
    print("token     leaves     held")
    for pieces, last in ((["the", " m", "at"], None), (["the", " m", "ap"], "length")):
        text = StoppedText(None, ["mat"])
        for piece in pieces:
            grown = given(text, piece, last if piece == pieces[-1] else None)
            ends = f"   {grown.finish_reason}" if grown.finish_reason else ""
            print(f"{piece!r:9} {grown.text!r:10} {text.held!r:6}{ends}".rstrip())
        print()


def given(text: StoppedText, piece: str, reason: str | None) -> Increment:
    """What leaves when a token brings `piece`. There is no tokenizer: the text is given."""
    return text.add(Increment((0,), reason, piece))  # type: ignore[arg-type]


def show_half(tokenizer: Tokenizer) -> None:
    """A character that two tokens share."""
    ids = tokenizer.encode(" café")
    text = StoppedText(tokenizer, ["mat"])
    print("token      leaves")
    for number, token in enumerate(ids, start=1):
        reason = "length" if number == len(ids) else None
        grown = text.add(Increment((token,), reason))
        print(f"{tokenizer.token_bytes(token)!r:10} {grown.text!r}")


def main() -> None:
    shows = {"bytes": show_bytes, "stop": show_stop, "half": show_half}
    if len(sys.argv) != 2 or sys.argv[1] not in shows:
        sys.exit(f"say which: {', '.join(shows)}")
    shows[sys.argv[1]](Tokenizer.from_dir(locate("story")))


if __name__ == "__main__":
    main()
