class AsyncEngine:
    def deliver(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            over = output.increment is None or output.increment.finish_reason is not None
            find = self.streams.pop if over else self.streams.get
            if stream := find(output.id, None):
                stream.items.put_nowait(output.error if output.increment is None else output.increment)

    def obey(self) -> bool:
        with self.wake:
            while not self.inbox and not self.engine.busy:
                self.wake.wait()
        while True:
            with self.wake:
                if not self.inbox:
                    break
                command = self.inbox.popleft()
            command()
        return self.closing is False
