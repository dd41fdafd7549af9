# says: it says that the thread should
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
            self.wake.wait_for(lambda: self.inbox or self.engine.busy)
            asked = list(self.inbox)
            self.inbox.clear()
        for command in asked:
            command()
        return self.closing
