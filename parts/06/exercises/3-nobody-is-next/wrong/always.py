# says: nothing to give back
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        self.waiting.pop(sequence.id, None)
        self.running.pop(sequence.id, None)
        self.cache.free(sequence.id)
