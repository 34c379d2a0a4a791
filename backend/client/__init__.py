"""The typed client of the service: what pages and notebooks talk through."""

from backend.client.client import Client, base_url, public_token, public_url
from backend.client.http import Refused, SlowAnswer, Unreachable
from backend.client.stream import Message, messages

__all__ = [
    "Client",
    "Message",
    "Refused",
    "SlowAnswer",
    "Unreachable",
    "base_url",
    "messages",
    "public_token",
    "public_url",
]
