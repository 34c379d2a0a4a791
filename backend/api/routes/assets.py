"""Plotly's own script, from the installed package: no foreign server, and the same version as
Python draws with."""

from __future__ import annotations

import gzip
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Response

CACHE = "public, max-age=86400"


class PlotlyScript:
    """Read and packed at the first request."""

    def __init__(self) -> None:
        self.etag = f'"plotly-{version("plotly")}"'

    @cached_property
    def raw(self) -> bytes:
        return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.raw, compresslevel=6, mtime=0)


def assets_router() -> APIRouter:
    """A router with a script of its own."""
    router = APIRouter(tags=["assets"])
    script = PlotlyScript()

    @router.get(
        "/assets/plotly.min.js",
        response_class=Response,
        responses={304: {"description": "Not changed"}},
    )
    def plotly(
        accept_encoding: Annotated[str, Header()] = "",
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The script of the installed plotly package, packed where the client takes that."""
        headers = {"ETag": script.etag, "Cache-Control": CACHE, "Vary": "Accept-Encoding"}
        if if_none_match == script.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in accept_encoding:
            return Response(
                script.packed,
                media_type="text/javascript",
                headers={**headers, "Content-Encoding": "gzip"},
            )
        return Response(script.raw, media_type="text/javascript", headers=headers)

    return router


__all__ = ["assets_router"]
