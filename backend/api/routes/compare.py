"""Two stored runs side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.deps import Needs
from backend.messages.compare import Divergence
from backend.service.divergence import find_divergence

router = APIRouter(tags=["compare"])


@router.get("/runs/{run_id}/divergence")
async def divergence(
    run_id: int, services: Needs, other: Annotated[int, Query(ge=0)]
) -> Divergence:
    """The first token in which run `other` differs from this one, nodes matched by their keys; both
    are over. Made for reruns of the same spec."""
    return await find_divergence(services, run_id, other)


__all__ = ["router"]
