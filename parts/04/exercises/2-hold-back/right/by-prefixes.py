class StoppedText:
    def add(self, increment: Increment) -> Increment:
        from ruvon.engine.generate import Increment as Made

        grown = Text.add(self, increment)
        text, reason = "".join((self.held, grown.text)), grown.finish_reason
        cut = first_stop(text, self.stop)
        self.held = ""
        if cut is not None:
            text, reason = text[:cut], "stop"
        elif not reason:
            waits = longest_beginning(text, list(self.stop))
            if waits:
                text, self.held = text[:-waits], text[-waits:]
        return Made(ids=grown.ids, finish_reason=reason, text=text)


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    prefixes = {one[:n] for one in stop for n in range(1, len(one))}
    return max((len(prefix) for prefix in prefixes if text.endswith(prefix)), default=0)
