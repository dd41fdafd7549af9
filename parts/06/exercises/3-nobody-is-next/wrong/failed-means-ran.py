# says: nothing to give back
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        ran = sequence.id in self.running
        self.waiting.pop(sequence.id, None)
        self.running.pop(sequence.id, None)
        if ran or status is Status.FAILED:
            self.cache.free(sequence.id)
