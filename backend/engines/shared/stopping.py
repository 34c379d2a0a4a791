"""Where a step ends, seen from the tokens: the same rule for every engine that samples its own
tokens."""

from __future__ import annotations


class Delimiters:
    """Counts step delimiters along a growing text, in one token or across several.

    Text that closed a step cannot open the next delimiter.
    """

    def __init__(self, delimiter: str) -> None:
        self._delimiter, self._tail = delimiter, ""

    def closes(self, text: str) -> bool:
        """Whether a delimiter is complete with this token's text."""
        joined = self._tail + text
        if self._delimiter in joined:
            self._tail = ""
            return True
        keep = len(self._delimiter) - 1
        self._tail = joined[-keep:] if keep else ""
        return False
