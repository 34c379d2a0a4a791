"""What a route may ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from backend.service.assembly import Services


def services(request: Request) -> Services:
    """The services that the composition root put into the application's state."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


Needs = Annotated[Services, Depends(services)]

__all__ = ["Needs", "services"]
