class Scheduler:
    def start_next(self) -> bool:
        for name, sequence in self.waiting.items():
            if self.cache.admit(name):
                self.waiting.pop(name)
                self.running[name] = sequence
                sequence.become(Status.RUNNING)
                return True
            break
        return False

    def commit(self, entry: Entry, ids: Iterable[int]) -> FinishReason | None:
        one = entry.sequence
        one.computed = entry.start + entry.count
        for token in ids:
            one.ids = one.ids + [token]
            if token in one.stops:
                return "stop"
            if len(one.ids) >= one.limit:
                return "length"


class Sequential(Scheduler):
    def schedule(self) -> Batch:
        if not self.running and not self.start_next():
            return Batch(())
        [one] = self.running.values()
        return Batch((Entry(sequence=one, start=one.computed, count=one.missing),))
