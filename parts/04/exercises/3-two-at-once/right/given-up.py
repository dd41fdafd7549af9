class Direct:
    async def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        assert request.id not in self.live, "two live requests have the same id"
        self.live.add(request.id)
        self.accepted += 1
        try:
            await self.turn.acquire()
        except BaseException:
            self.accepted -= 1
            self.live.discard(request.id)
            raise
        self.running += 1
        steps = self.run(request)
        try:
            while request.id in self.live:
                increment = await self.in_thread(lambda: next(steps, None))
                if increment is None:
                    break
                self.steps += 1
                yield increment
        finally:
            self.running -= 1
            self.turn.release()
            self.accepted -= 1
            self.live.discard(request.id)
            self.thread.submit(steps.close)
