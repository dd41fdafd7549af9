# says: its place was not given back
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        self.waiting.pop(sequence.id, None)
        self.running.pop(sequence.id, None)
        if status is not Status.CANCELLED:
            self.cache.free(sequence.id)
