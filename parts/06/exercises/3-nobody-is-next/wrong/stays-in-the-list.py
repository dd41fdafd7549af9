# says: does not run any more
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        if self.waiting.pop(sequence.id, None) is None:
            self.cache.free(sequence.id)
