"""Part 4 · POST /tokenize and /detokenize, in vLLM's shapes: what a text is made of."""

from typing import Any

from fastapi import APIRouter
from fastapi import Request
from pydantic import BaseModel
from pydantic import Field

from ruvon.server.errors import APIError
from ruvon.server.schemas import TokenId
from ruvon.server.service import Service

router = APIRouter(tags=["tokens"])


class TokenizeRequest(BaseModel):
    """POST /tokenize."""

    prompt: str = Field(description="A text of any length.")
    model: str | None = Field(None, description="Accepted, and not looked at.")
    add_special_tokens: bool = Field(True, description="Accepted; this tokenizer adds none.")
    return_token_strs: bool = Field(False, description="Give the text of each token, too.")


class DetokenizeRequest(BaseModel):
    """POST /detokenize."""

    tokens: list[TokenId] = Field(description="Ids.")
    model: str | None = Field(None, description="Accepted, and not looked at.")


@router.post("/tokenize", summary="Text to ids")
async def tokenize(asked: TokenizeRequest, request: Request) -> dict[str, Any]:
    """The ids of a text, and how many a sequence may have."""
    service: Service = request.app.state.service
    ids = service.tokenizer.encode(asked.prompt)
    texts = (
        [service.tokenizer.decode([token]) for token in ids] if asked.return_token_strs else None
    )
    return {
        "count": len(ids),
        "max_model_len": service.context,
        "tokens": ids,
        "token_strs": texts,
    }


@router.post("/detokenize", summary="Ids to text")
async def detokenize(asked: DetokenizeRequest, request: Request) -> dict[str, str]:
    """The text of ids."""
    service: Service = request.app.state.service
    for token in asked.tokens:
        if token >= service.vocabulary:
            most = service.vocabulary - 1
            raise APIError(f"token {token} is not in the vocabulary, 0-{most}", param="tokens")
    return {"prompt": service.tokenizer.decode(asked.tokens)}
