# says: look for it first
class StoppedText:
    def add(self, increment: Increment) -> Increment:
        grown = super().add(increment)
        text = self.held + grown.text
        end = first_stop(text, self.stop)
        if end is not None and grown.finish_reason is None:
            self.held = ""
            return replace(grown, text=text[:end], finish_reason="stop")
        certain = len(text)
        if grown.finish_reason is None:
            certain -= longest_beginning(text, self.stop)
        self.held = text[certain:]
        return replace(grown, text=text[:certain])


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    most = min(len(text), max(map(len, stop)) - 1)
    for length in range(most, 0, -1):
        end = text[-length:]
        if any(one.startswith(end) for one in stop):
            return length
    return 0
