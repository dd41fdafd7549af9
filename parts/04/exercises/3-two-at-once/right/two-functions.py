class Direct:
    async def submit(self, request: Request) -> AsyncGenerator[Increment, None]:
        from contextlib import AsyncExitStack
        from functools import partial

        assert request.id not in self.live, "two live requests have the same id"
        self.live |= {request.id}
        self.accepted = self.accepted + 1
        async with AsyncExitStack() as ends:

            @ends.callback
            def gone() -> None:
                self.accepted -= 1
                self.live -= {request.id}

            await ends.enter_async_context(self.turn)
            self.running += 1
            steps = self.run(request)

            @ends.callback
            def over() -> None:
                self.running -= 1
                self.thread.submit(steps.close)

            while request.id in self.live and (
                got := await self.in_thread(partial(next, steps, None))
            ):
                self.steps += 1
                yield got
