class AsyncEngine:
    def deliver(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if output.id not in self.streams:
                continue
            reader = self.streams[output.id]
            if output.error is not None:
                reader.items.put_nowait(output.error)
            else:
                reader.items.put_nowait(output.increment)
                if output.increment.finish_reason is None:
                    continue
            self.streams.pop(output.id)

    def obey(self) -> bool:
        self.wake.acquire()
        try:
            while len(self.inbox) == 0 and not self.engine.busy:
                self.wake.wait()
            asked, self.inbox = self.inbox, deque()
        finally:
            self.wake.release()
        while asked:
            asked.popleft()()
        return not self.closing
