# says: has to leave the queue
class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        if self.running.pop(sequence.id, None) is not None:
            self.cache.free(sequence.id)
