# says: with a timeout
class AsyncEngine:
    def deliver(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            stream = self.streams.get(output.id)
            if stream is None:
                continue
            item = output.increment or output.error
            if output.increment is None or output.increment.finish_reason:
                del self.streams[output.id]
            stream.items.put_nowait(item)

    def obey(self) -> bool:
        with self.wake:
            while not (self.inbox or self.engine.busy):
                self.wake.wait(0.01)
            asked = list(self.inbox)
            self.inbox.clear()
        for command in asked:
            command()
        return not self.closing
