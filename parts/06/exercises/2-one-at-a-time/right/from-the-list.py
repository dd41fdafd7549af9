class Scheduler:
    def start_next(self) -> bool:
        if len(self.waiting) == 0:
            return False
        id = list(self.waiting)[0]
        if not self.cache.admit(id):
            return False
        _, sequence = self.waiting.popitem(last=False)
        sequence.become(Status.RUNNING)
        self.running.update({id: sequence})
        return True

    def commit(self, entry: Entry, ids: Iterable[int]) -> FinishReason | None:
        sequence, reason = entry.sequence, None
        sequence.computed += entry.count
        left = list(ids)
        while left and reason is None:
            token = left.pop(0)
            sequence.ids += [token]
            full = len(sequence.ids) == sequence.limit
            reason = "stop" if token in sequence.stops else "length" if full else None
        return reason


class Sequential(Scheduler):
    def schedule(self) -> Batch:
        if len(self.running) == 0:
            self.start_next()
        entries = []
        for sequence in self.running.values():
            entries.append(Entry(sequence, sequence.computed, len(sequence.ids) - sequence.computed))
        return Batch(entries=tuple(entries))
