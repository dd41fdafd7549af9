"""Part 1 · Errors that a user can act on: what was found, what was expected, what to do."""


class RuvonError(ValueError):
    """Input from outside that Ruvon cannot take. The command line prints its message alone."""
