"""Part 4 · The app: every route over one service."""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from ruvon.server import chat
from ruvon.server import completions
from ruvon.server import docs
from ruvon.server import errors
from ruvon.server import models
from ruvon.server import page
from ruvon.server import teaching
from ruvon.server import tokens
from ruvon.server.described import Described
from ruvon.server.guard import Door
from ruvon.server.guard import Guard
from ruvon.server.service import Service
from ruvon.version import __version__


def create_app(
    service: Service, door: Door | None = None, allow_origins: Sequence[str] = ()
) -> FastAPI:
    """A server for one model. `allow_origins` are the pages that browsers let call it."""
    app = Described(
        title="Ruvon",
        version=__version__,
        description="An LLM inference engine that teaches. The API is OpenAI's.",
        responses=errors.ERRORS,
        docs_url=None,  # FastAPI's own pages load megabytes of script from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    app.state.door = door or Door()
    errors.register(app)
    app.include_router(completions.router)
    app.include_router(chat.router)
    app.include_router(models.router)
    app.include_router(tokens.router)
    app.include_router(teaching.router)
    app.include_router(page.router)
    app.include_router(docs.router)
    app.add_middleware(Guard, door=app.state.door)
    if allow_origins:  # outside of the guard: a browser asks first, and shows no key
        app.add_middleware(
            CORSMiddleware, allow_origins=allow_origins, allow_methods=["*"], allow_headers=["*"]
        )
    return app
