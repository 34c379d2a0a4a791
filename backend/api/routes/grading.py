"""Grading an answer against the right one."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from backend.api.deps import Needs
from backend.messages import grading as schemas
from backend.service.grading import grade_ask

router = APIRouter(tags=["grading"])


@router.post("/grade")
async def grade(ask: schemas.Ask, services: Needs) -> schemas.Graded:
    """Whether an answer, or the answer that is read from a text, means the same as the right
    one."""
    return await asyncio.to_thread(grade_ask, ask, services.library)


__all__ = ["router"]
