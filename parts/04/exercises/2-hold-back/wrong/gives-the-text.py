# says: How many characters is asked for
class StoppedText:
    def add(self, increment: Increment) -> Increment:
        grown = super().add(increment)
        text = self.held + grown.text
        end = first_stop(text, self.stop)
        if end is not None:
            self.held = ""
            return replace(grown, text=text[:end], finish_reason="stop")
        certain = len(text)
        if grown.finish_reason is None:
            certain -= longest_beginning(text, self.stop)
        self.held = text[certain:]
        return replace(grown, text=text[:certain])


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    for length in range(len(text), 0, -1):
        if any(one.startswith(text[-length:]) for one in stop):
            return text[-length:]
    return ""
