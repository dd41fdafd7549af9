"""Part 1 · The version of the package, where no import can disturb it."""

__version__ = "0.3.0"
