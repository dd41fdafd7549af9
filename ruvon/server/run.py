"""Part 4 · Running the server, and ending it: what was accepted is finished first."""

import asyncio
import socket
from types import FrameType
from typing import Literal

import uvicorn
from fastapi import FastAPI

from ruvon.engine.backend import Backend
from ruvon.server.guard import Door
from ruvon.server.logs import log_config

LOOK_SECONDS = 0.05  # between two looks at what is left, only while the server ends


class DrainingServer(uvicorn.Server):
    """A server that on SIGTERM or Ctrl-C takes nothing new, finishes what it has, and ends.

    A second signal, or the timeout, ends it at once.
    """

    def __init__(
        self, config: uvicorn.Config, door: Door, backend: Backend, timeout_seconds: float
    ) -> None:
        super().__init__(config)
        self.door = door
        self.backend = backend
        self.timeout_seconds = timeout_seconds
        self.draining: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remember the loop, which a signal's handler has to wake."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. Called by the signal, between any two instructions."""
        if self.door.draining or self.loop is None:
            self.should_exit = self.force_exit = True
            return
        self.door.draining = True
        self.loop.call_soon_threadsafe(self.begin_to_drain)

    def begin_to_drain(self) -> None:
        """Wait for the end of what is there, beside everything else."""
        self.draining = asyncio.ensure_future(self.drain())

    async def drain(self) -> None:
        """Let accepted requests finish, and then stop."""
        assert self.loop is not None
        until = self.loop.time() + self.timeout_seconds
        while self.loop.time() < until:
            progress = self.backend.progress()
            if not progress.running and not progress.waiting:
                break
            await asyncio.sleep(LOOK_SECONDS)
        else:
            self.force_exit = True
        self.should_exit = True


def run(
    app: FastAPI,
    *,
    host: str,
    port: int,
    shutdown_timeout: float,
    keep_alive: int,
    log_level: str,
    log_format: Literal["text", "json"] = "text",
) -> None:
    """Serve until a signal comes. Ends the process well when all was finished."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        timeout_keep_alive=keep_alive,
        log_level=log_level,
        log_config=log_config(log_format, log_level),
        lifespan="off",
    )
    state = app.state
    DrainingServer(config, state.door, state.service.backend, shutdown_timeout).run()
