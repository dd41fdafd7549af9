# says: Two run at once
class Direct:
    async def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        assert request.id not in self.live, "two live requests have the same id"
        self.live.add(request.id)
        self.accepted += 1
        try:
            await self.turn.acquire()
            self.running += 1
            steps = self.run(request)
            try:
                while request.id in self.live:
                    increment = await self.in_thread(next, steps, None)
                    if increment is None:
                        return
                    self.steps += 1
                    yield increment
            finally:
                self.running -= 1
                # Behind the step under way, and not waited for: who cancels may be in a hurry.
                self.thread.submit(steps.close)
        finally:
            self.turn.release()
            self.accepted -= 1
            self.live.discard(request.id)
