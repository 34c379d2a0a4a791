"""Problems of one's own: files that users bring and remove."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request

from backend.api.bodies import read_file
from backend.api.deps import Needs
from backend.messages.problem_files import ProblemFile, ProblemFiles
from backend.problems.file import LARGEST_FILE_BYTES
from backend.service.problem_files import (
    list_problem_files,
    remove_problem_file,
    take_problem_file,
)

router = APIRouter(tags=["problems"])

PROBLEM_FILE_LIMIT_BYTES = LARGEST_FILE_BYTES
"""The largest body of an upload."""
CONTENT = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/problem-files")
async def problem_files(services: Needs) -> ProblemFiles:
    """The sets of problems from files."""
    return await asyncio.to_thread(list_problem_files, services)


@router.post("/problem-files", status_code=201, openapi_extra=CONTENT)
async def add_problem_file(
    request: Request,
    services: Needs,
    name: Annotated[str, Query(max_length=70)] = "",
    file: Annotated[str, Query(max_length=400)] = "",
) -> ProblemFile:
    """Take in a file of problems: JSON lines, a JSON array, CSV or Parquet. The set is called
    `file:NAME`, after the file's own name `file` where `name` is not given."""
    content = await read_file(request, "problem file", PROBLEM_FILE_LIMIT_BYTES)
    return await asyncio.to_thread(take_problem_file, services, content, name, file)


@router.delete("/problem-files/{name}", status_code=204)
async def delete_problem_file(name: str, services: Needs) -> None:
    """Remove a set that was brought; runs on its problems stay as they are."""
    await asyncio.to_thread(remove_problem_file, services, name)


__all__ = ["PROBLEM_FILE_LIMIT_BYTES", "router"]
