# says: asked more than once
class Scheduler:
    def start_next(self) -> bool:
        fits = [s for s in self.waiting.values() if self.cache.admit(s.id)]
        if not fits:
            return False
        first = fits[0]
        del self.waiting[first.id]
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
