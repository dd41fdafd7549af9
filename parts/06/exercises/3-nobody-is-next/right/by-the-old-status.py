class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        old = sequence.status
        sequence.become(status)
        queue = self.waiting if old is Status.WAITING else self.running
        del queue[sequence.id]
        if old is Status.RUNNING:
            self.cache.free(sequence.id)
