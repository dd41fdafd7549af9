# says: `become` comes first
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        if sequence.id in self.running:
            self.cache.free(sequence.id)
            del self.running[sequence.id]
        else:
            del self.waiting[sequence.id]
        sequence.become(status)
