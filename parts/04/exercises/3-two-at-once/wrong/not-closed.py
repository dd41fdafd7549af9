# says: A run is closed when its request ends
class Direct:
    async def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        assert request.id not in self.live, "two live requests have the same id"
        self.live.add(request.id)
        self.accepted += 1
        try:
            async with self.turn:
                self.running += 1
                try:
                    steps = self.run(request)
                    while request.id in self.live:
                        increment = await self.in_thread(next, steps, None)
                        if increment is None:
                            return
                        self.steps += 1
                        yield increment
                finally:
                    self.running -= 1
        finally:
            self.accepted -= 1
            self.live.discard(request.id)
