# says: has left the queue
class Scheduler:
    def start_next(self) -> bool:
        first = next(iter(self.waiting.values()), None)
        if first is None:
            return False
        del self.waiting[first.id]
        if not self.cache.admit(first.id):
            return False
        first.become(Status.RUNNING)
        self.running[first.id] = first
        return True

    def commit(self, entry: Entry, ids: Iterable[int]) -> FinishReason | None:
        sequence = entry.sequence
        sequence.computed += entry.count
        for token in ids:
            sequence.ids.append(token)
            if token in sequence.stops:
                return "stop"
            if len(sequence.ids) == sequence.limit:
                return "length"
        return None


class Sequential(Scheduler):
    def schedule(self) -> Batch:
        if not self.running:
            self.start_next()
        entries = (Entry(s, s.computed, s.missing) for s in self.running.values())
        return Batch(tuple(entries))
