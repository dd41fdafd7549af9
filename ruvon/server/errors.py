"""Part 4 · Errors of the API: always the same body, and always with the way out.

{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
"""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic import Field
from starlette.exceptions import HTTPException

from ruvon.errors import RuvonError

log = logging.getLogger("ruvon.server")

# The type that goes with a status.
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class ErrorFields(BaseModel):
    """What went wrong."""

    message: str = Field(description="What is wrong, and what to do.")
    type: str = Field(description="The kind of error, as OpenAI names it.")
    param: str | None = Field(description="The field that is at fault.")
    code: str | None = Field(description="A name for programs, such as model_not_found.")


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorFields = Field(description="The error.")


# For the description of the API: with which status an answer may be an error, and why. An error
# is JSON, also where the answer would be events.
ERROR_SCHEMA = {"$ref": "#/components/schemas/ErrorBody"}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": why, "content": {"application/json": {"schema": ERROR_SCHEMA}}}
    for status, why in {
        400: "A field is wrong, or the prompt is too long.",
        401: "The API key is missing or wrong.",
        404: "There is no such model.",
        408: "The body did not arrive in time.",
        413: "The body is too large.",
        429: "Too many requests are waiting.",
        500: "This request failed in the server.",
        503: "The server is ending.",
    }.items()
}


class APIError(RuvonError):
    """An answer that is an error: what is wrong, where, and with which status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.headers = headers


def body(error: APIError) -> dict[str, Any]:
    """The JSON of an error."""
    kind = TYPES.get(error.status, "invalid_request_error")
    told = {"message": str(error), "type": kind, "param": error.param, "code": error.code}
    return {"error": told}


def response(error: APIError) -> JSONResponse:
    """The answer that an error is."""
    return JSONResponse(body(error), status_code=error.status, headers=error.headers)


def failed(error: Exception) -> APIError:
    """The error for one request's failure; the log has the whole of it."""
    log.error("a request failed", exc_info=error)
    message = f"the server failed at this request ({type(error).__name__}); its log says how"
    if isinstance(error, RuvonError):  # said for whoever reads it
        message = str(error)
    return APIError(message, status=500, code="internal_error")


def register(app: FastAPI) -> None:
    """Answer every exception with an error's body, whoever raised it."""

    async def api(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, APIError)
        return response(error)

    async def refused(request: Request, error: Exception) -> JSONResponse:
        return response(APIError(str(error)))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return response(from_validation(error.errors()))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        told = {404: f"there is no {request.url.path} here; /docs lists what is"}
        message = told.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        return response(APIError(message, status=error.status_code, headers=headers))

    async def broken(request: Request, error: Exception) -> JSONResponse:
        return response(failed(error))

    app.add_exception_handler(APIError, api)
    app.add_exception_handler(RuvonError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broken)


def from_validation(problems: Sequence[Any]) -> APIError:
    """What is wrong with a body, in a sentence that names the field.

    Where a field may be one of several things, there is a problem for each. What is of the right
    kind and still wrong says more than what is of another kind.
    """
    first = next((p for p in problems if not p["type"].endswith("_type")), problems[0])
    if first["type"] == "json_invalid":
        return APIError(f"the body is no JSON: {first['ctx']['error']}")
    place = [part for part in first["loc"] if part not in ("body", "query") and not is_kind(part)]
    field = str(place[0]) if place else None
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    where = where.removeprefix(".") or "the body"
    said = first["msg"].replace(" after validation", "")
    return APIError(f"{where}: {said[:1].lower()}{said[1:]}", param=field)


def is_kind(part: object) -> bool:
    """Whether a part of a place names one of the things that a field may be, not a field."""
    return isinstance(part, str) and (part in ("str", "int", "bool", "list") or "[" in part)
