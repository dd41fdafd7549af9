# says: nothing was raised
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        if sequence.id in self.waiting:
            sequence.become(status)
            del self.waiting[sequence.id]
        elif sequence.id in self.running:
            sequence.become(status)
            del self.running[sequence.id]
            self.cache.free(sequence.id)
