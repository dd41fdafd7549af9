# says: Too much is held
class StoppedText:
    def add(self, increment: Increment) -> Increment:
        grown = super().add(increment)
        text = self.held + grown.text
        end = first_stop(text, self.stop)
        if end is not None:
            self.held = ""
            return replace(grown, text=text[:end], finish_reason="stop")
        waits = grown.finish_reason is None and longest_beginning(text, self.stop)
        certain = 0 if waits else len(text)
        self.held = text[certain:]
        return replace(grown, text=text[:certain])


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    most = min(len(text), max(map(len, stop)) - 1)
    for length in range(most, 0, -1):
        end = text[-length:]
        if any(one.startswith(end) for one in stop):
            return length
    return 0
