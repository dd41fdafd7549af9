"""Part 4 · Remote: a model behind a server that speaks OpenAI's API."""

import json
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from ruvon.client.conversation import Message
from ruvon.client.conversation import TooLong
from ruvon.client.conversation import room
from ruvon.client.events import EventReader
from ruvon.errors import RuvonError

# Seconds. A server may compute for long before it says something.
CONNECT, READ = 10.0, 300.0


class Remote:
    """A server, asked for one model. Raises RuvonError when it is not there, or lets nobody in.

    `fields` go into each request: max_tokens and the like. Without a model, the first one that
    the server lists is asked for.
    """

    def __init__(self, url: str, api_key: str | None, model: str | None, **fields: Any) -> None:
        self.url = address(url)
        self.fields = fields
        headers = {b"Authorization": f"Bearer {api_key}".encode()} if api_key else {}
        timeout = httpx2.Timeout(READ, connect=CONNECT)
        with self.in_words():
            self.client = httpx2.Client(base_url=self.url, headers=headers, timeout=timeout)
        listed = self.get("v1/models").get("data") or [{}]
        self.model = model or listed[0].get("id")
        named = [one for one in listed if one.get("id") == self.model]
        self.context: int | None = named[0].get("max_model_len") if named else None

    def answer(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The next message, as its pieces arrive. Closing it closes the connection."""
        asked = {"model": self.model, "messages": messages, "stream": True, **self.fields}
        reader = EventReader()
        with (
            self.in_words(),
            self.client.stream("POST", "v1/chat/completions", json=asked) as response,
        ):
            if response.status_code != 200:
                response.read()
                raise self.refusal(response)
            for piece in response.iter_bytes():
                for event in reader.feed(piece):
                    if event.data == "[DONE]":
                        return
                    yield from texts(event.data)
        raise RuvonError("the server broke off in the middle of its answer; its log may say why")

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether an answer has room. Only servers that count tokens and tell their context say."""
        if self.context is None:
            return True
        asked = {"prompt": "\n".join(message["content"] for message in messages)}
        with self.in_words():
            response = self.client.post("tokenize", json=asked)
        count = as_object(response).get("count")
        if response.status_code != 200 or not isinstance(count, int):
            return True
        return count + room(self.context, self.fields["max_tokens"]) <= self.context

    def get(self, path: str) -> dict[str, Any]:
        """What the server has there. Raises RuvonError."""
        with self.in_words():
            response = self.client.get(path)
        if response.status_code != 200:
            raise self.refusal(response)
        return as_object(response)

    def refusal(self, response: httpx2.Response) -> RuvonError:
        """The error that an answer is, in a sentence."""
        error = as_object(response).get("error")
        error = error if isinstance(error, dict) else {}
        said = error.get("message") or f"the server answers {response.status_code}"
        if response.status_code == 401:
            return RuvonError("this server wants a key: give the right one with --api-key")
        if error.get("code") == "context_length_exceeded":
            return TooLong(said)
        return RuvonError(said)

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Say what is wrong with the connection, and what to do."""
        try:
            yield
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise RuvonError(
                f"{self.url!r} is no address; one looks like http://127.0.0.1:8000"
            ) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise RuvonError(
                f"no server at {self.url}; `ruvon serve` (or `make run-api`) starts one"
            ) from None
        except httpx2.TimeoutException:
            raise RuvonError(f"the server at {self.url} says nothing; look at its log") from None
        except httpx2.HTTPError as error:
            raise RuvonError(f"the connection to {self.url} broke: {error}") from None


def address(url: str) -> str:
    """The address of a server, whether or not it is given with http:// and /v1."""
    whole = url if "://" in url else f"http://{url}"
    return whole.rstrip("/").removesuffix("/v1")


def texts(data: str) -> Iterator[str]:
    """The text in a chunk, if there is some. Raises RuvonError when the server failed."""
    try:
        chunk = json.loads(data)
        error = chunk.get("error")
        pieces = [choice["delta"].get("content") for choice in chunk.get("choices", ())]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise RuvonError(f"the server sent what is no chunk of a chat: {data[:80]!r}") from None
    if error:
        raise RuvonError(error["message"] if isinstance(error, dict) else str(error))
    yield from filter(None, pieces)


def as_object(response: httpx2.Response) -> dict[str, Any]:
    """The JSON of an answer, or an empty object when it has none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
