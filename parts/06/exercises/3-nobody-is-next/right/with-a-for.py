class Scheduler:
    def end(self, sequence: Sequence, status: Status) -> None:
        sequence.become(status)
        for queue in (self.waiting, self.running):
            if sequence.id in queue:
                queue.pop(sequence.id)
                if queue is self.running:
                    self.cache.free(sequence.id)
