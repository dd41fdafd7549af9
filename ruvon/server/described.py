"""Part 4 · An app that says of itself, in /openapi.json, what is so."""

from typing import Any

from fastapi import FastAPI

from ruvon.server.errors import ErrorBody

# FastAPI's own answer to a bad field, which this server never gives: it says 400.
NEVER = "422"
ITS_BODIES = ("HTTPValidationError", "ValidationError")


class Described(FastAPI):
    """FastAPI, but for the errors: it would promise its own."""

    def openapi(self) -> dict[str, Any]:
        """The description of every route."""
        described = super().openapi()
        for operations in described["paths"].values():
            for operation in operations.values():
                operation["responses"].pop(NEVER, None)
                # What events look like, a schema of one value cannot say.
                content = operation["responses"]["200"]["content"]
                content.get("text/event-stream", {}).pop("schema", None)
        schemas = described["components"]["schemas"]
        for name in ITS_BODIES:
            schemas.pop(name, None)
        body = ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= body.pop("$defs", {})
        schemas["ErrorBody"] = body
        return described
