class StoppedText:
    def add(self, increment: Increment) -> Increment:
        step = super().add(increment)
        self.held += step.text
        place = first_stop(self.held, self.stop)
        if place is not None:
            step = replace(step, finish_reason="stop")
            leaves, self.held = self.held[:place], ""
        elif step.finish_reason:
            leaves, self.held = self.held, ""
        else:
            cut = len(self.held) - longest_beginning(stop=self.stop, text=self.held)
            leaves, self.held = self.held[:cut], self.held[cut:]
        return replace(step, text=leaves)


def longest_beginning(text: str, stop: Sequence[str]) -> int:
    for start in range(len(text)):
        for one in stop:
            if one.startswith(text[start:]):
                return len(text) - start
    return 0
