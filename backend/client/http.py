"""How requests reach a service: one connection, answers as models, refusals as errors.
`backend.client` asks its questions through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from backend.core.errors import ArboretumError
from backend.messages import runs as schemas

Model = TypeVar("Model", bound=BaseModel)
Query = Mapping[str, str | int | float | None]


class Refused(ArboretumError):
    """The service refused a request; `status` is the HTTP status, `given` and `accepted` say what
    was wrong."""

    def __init__(self, status: int, body: schemas.ErrorBody) -> None:
        super().__init__(body.error)
        self.status, self.given, self.accepted, self.remedy = (
            status,
            body.given,
            body.accepted,
            body.remedy,
        )


class Unreachable(ArboretumError):
    """Nobody answers at the address of the service."""


class SlowAnswer(Unreachable):
    """The service has not answered within the time that the client waits: it may be busy."""


def path_part(name: str) -> str:
    """A name as one part of a path, whatever stands in it."""
    return quote(name, safe="")


class Http:
    """Requests to the service at `url`. Safe to use from several threads."""

    def __init__(
        self, url: str, token: str | None, transport: httpx.BaseTransport | None, timeout_s: float
    ) -> None:
        self.url = url.rstrip("/")
        self.connection = httpx.Client(
            base_url=f"{self.url}/api",
            timeout=timeout_s,
            transport=transport,
            trust_env=False,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def close(self) -> None:
        self.connection.close()

    def get(
        self,
        path: str,
        model: type[Model],
        query: Query | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Model:
        params = {name: value for name, value in (query or {}).items() if value is not None}
        response = self.request("GET", path, params=params, timeout_s=timeout_s)
        return model.model_validate_json(response.content)

    def send(
        self,
        method: str,
        path: str,
        model: type[Model],
        body: BaseModel | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Model:
        content = None if body is None else body.model_dump_json().encode()
        headers = {"Content-Type": "application/json"}
        response = self.request(method, path, content=content, headers=headers, timeout_s=timeout_s)
        return model.model_validate_json(response.content)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | float] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> httpx.Response:
        patience = httpx.USE_CLIENT_DEFAULT if timeout_s is None else timeout_s
        try:
            response = self.connection.request(
                method, path, params=params, content=content, headers=headers, timeout=patience
            )
        except httpx.TimeoutException as error:
            waited = self.connection.timeout.read if timeout_s is None else timeout_s
            raise SlowAnswer(
                f"the service at {self.url} has not answered within {waited:g} s: it is busy, or "
                "what was asked takes longer; ask again in a moment"
            ) from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"the service at {self.url} does not answer ({type(error).__name__}): is "
                "it running?"
            ) from error
        return self.check(response)

    def check(self, response: httpx.Response) -> httpx.Response:
        if not response.is_error:
            return response
        try:
            body = schemas.ErrorBody.model_validate_json(response.content)
        except ValueError:
            body = schemas.ErrorBody(
                error=f"the service answered {response.status_code} {response.reason_phrase}"
            )
        raise Refused(response.status_code, body)


__all__ = ["Http", "Model", "Query", "Refused", "SlowAnswer", "Unreachable"]
