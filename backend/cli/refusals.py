"""What is said of a command line that cannot be read: how it is used, what was given, and what is
accepted."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from typer import TyperException


def refusal(error: TyperException) -> str:
    """Two lines for standard error."""
    context: Any = getattr(error, "ctx", None)
    sentence = error.format_message().rstrip(".")
    if context is None:
        return f"error: {sentence}"
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        given = repr(cause.errors()[0]["input"])
        sentence = sentence.replace("Value error, ", "")
        sentence += "" if given in sentence else f", got {given}"
    if accepted := _list_accepted(error, context.command):
        sentence = f"{sentence}; accepted: {', '.join(accepted)}"
    usage: str = context.get_usage()
    return f"{usage.replace('Usage:', 'usage:', 1)}\nerror: {sentence}"


def _list_accepted(error: TyperException, command: Any) -> list[str]:
    """What may stand in place of a word that is no command and no option; empty for another
    mistake."""
    commands: dict[str, object] = getattr(command, "commands", {})
    if commands:
        return list(commands)
    if getattr(error, "option_name", None) is None:
        return []
    return [name for each in command.params for name in each.opts if name.startswith("-")]


__all__ = ["refusal"]
