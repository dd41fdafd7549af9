"""Part 4 · What is served, and whether it is well."""

from typing import Any

from fastapi import APIRouter
from fastapi import Path
from fastapi import Request
from fastapi.responses import JSONResponse

from ruvon.server.errors import APIError
from ruvon.server.service import Service
from ruvon.version import __version__

router = APIRouter()


@router.get("/v1/models", tags=["OpenAI"], summary="The served models")
async def models(request: Request) -> dict[str, Any]:
    """A list of one."""
    return {"object": "list", "data": [card(request.app.state.service)]}


@router.get("/v1/models/{name:path}", tags=["OpenAI"], summary="One model")
async def model(
    request: Request, name: str = Path(description="As /v1/models lists it.")
) -> dict[str, Any]:
    """The model of this name."""
    service: Service = request.app.state.service
    if name != service.name:
        raise APIError(
            f"there is no model {name!r} here; this server has {service.name!r}",
            status=404,
            param="model",
            code="model_not_found",
        )
    return card(service)


def card(service: Service) -> dict[str, Any]:
    """What a client may know of the model."""
    return {
        "id": service.name,
        "object": "model",
        "created": service.created,
        "owned_by": "ruvon",
        "root": service.name,
        "parent": None,
        "max_model_len": service.context,
    }


@router.get(
    "/health",
    tags=["operation"],
    summary="Alive and working",
    responses={503: {"model": dict[str, Any], "description": "It is not; the body says why."}},
)
async def health(request: Request) -> JSONResponse:
    """What the backend is doing; 503 with the reason when it is not well."""
    state = request.app.state
    progress = state.service.backend.progress()
    status = "draining" if state.door.draining else "ok"
    told = {"status": status, "running": progress.running, "waiting": progress.waiting}
    if progress.trouble:  # part 6
        told.update(status="failing", reason=progress.trouble)
    return JSONResponse(told, status_code=200 if told["status"] == "ok" else 503)


@router.get("/ready", tags=["operation"], summary="Ready for requests")
async def ready() -> dict[str, str]:
    """Ready from the moment on in which it answers: the model is loaded before."""
    return {"status": "ready"}


@router.get("/version", tags=["operation"], summary="Ruvon's version")
async def version() -> dict[str, str]:
    """The version of the package."""
    return {"version": __version__}
