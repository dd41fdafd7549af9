"""Part 4 · Logs: lines for people, or one JSON object a line for programs."""

import copy
import json
import logging
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import Literal

from uvicorn.config import LOGGING_CONFIG

# What uvicorn says of an answer, in the order in which it says it.
ACCESS = ("client", "method", "path", "http", "status")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger and message; of an answer also who asked for what; of a failure all.

        The time is UTC, by ISO 8601.
        """
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.name == "uvicorn.access" and isinstance(record.args, tuple):
            told |= zip(ACCESS, record.args, strict=False)
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def log_config(format: Literal["text", "json"], level: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: uvicorn's settings, and the same for Ruvon's."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"]["ruvon"] = {
        "handlers": ["default"],
        "level": level.upper(),
        "propagate": False,
    }
    if format == "json":
        config["formatters"] = {key: {"()": JsonFormatter} for key in config["formatters"]}
    return config
