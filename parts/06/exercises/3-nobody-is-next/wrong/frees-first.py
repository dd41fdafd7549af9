# says: a place was given back
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        if sequence.id in self.running:
            self.cache.free(sequence.id)
        sequence.become(status)
        self.waiting.pop(sequence.id, None)
        self.running.pop(sequence.id, None)
