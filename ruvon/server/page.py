"""Part 4 · GET /: a page that tells a story, in one file that needs nothing from elsewhere."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse

FILE = Path(__file__).with_name("page.html")
OWN = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page() -> HTMLResponse:
    """The page."""
    return alone(source())


@cache
def source() -> str:
    """The page as it stands in its file."""
    return FILE.read_text(encoding="utf-8")


def alone(html: str) -> HTMLResponse:
    """An answer in which a browser runs what stands in the page itself, and loads nothing else.

    Script and style are named by their hashes, so that whatever else gets into a page is dead.
    """
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for kind, text in OWN.findall(html):
        hashes[kind].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(hashes["script"]) or "'none'",
        "style-src": " ".join(hashes["style"]) or "'none'",
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {rule}" for name, rule in rules.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(html, headers=headers)
