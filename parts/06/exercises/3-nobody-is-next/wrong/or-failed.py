# says: its place was not given back
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        self.waiting.pop(sequence.id, None)
        self.running.pop(sequence.id, None)
        if sequence.computed or status is Status.FAILED:
            self.cache.free(sequence.id)
