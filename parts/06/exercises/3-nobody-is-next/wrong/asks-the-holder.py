# says: only `admit` and `free`
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        self.waiting.pop(sequence.id, None)
        self.running.pop(sequence.id, None)
        if self.cache.holder == sequence.id:
            self.cache.free(sequence.id)
