"""Part 4 · The app: every route over one service."""

from fastapi import FastAPI

from ruvon.server import chat
from ruvon.server import completions
from ruvon.server import errors
from ruvon.server import models
from ruvon.server import tokens
from ruvon.server.service import Service
from ruvon.version import __version__


def create_app(service: Service) -> FastAPI:
    """A server for one model."""
    app = FastAPI(
        title="Ruvon",
        version=__version__,
        description="An LLM inference engine that teaches. The API is OpenAI's.",
    )
    app.state.service = service
    errors.register(app)
    app.include_router(completions.router)
    app.include_router(chat.router)
    app.include_router(models.router)
    app.include_router(tokens.router)
    return app
