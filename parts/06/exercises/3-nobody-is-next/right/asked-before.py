class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        ran = sequence.id in self.running
        sequence.become(status)
        if ran:
            self.cache.free(sequence.id)
            self.running.pop(sequence.id)
        else:
            self.waiting.pop(sequence.id)
