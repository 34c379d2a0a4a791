"""Going on from what a run has: forks, continued runs, nodes expanded by hand.

>>> run_id = client.forks.start(
...     3, 17, text="So far 19 + 25 = 44.", strategy="particle_filter",
...     budget={"generated_tokens": 2000})
>>> run_id = client.forks.start(3, 17, token=(4, "19"))
>>> client.forks.of(run_id).origins[0].node
17
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from backend.client.http import Http
from backend.messages import forks as schemas_fork
from backend.messages import runs as schemas

EXPAND_TIMEOUT_S = 600.0
"""The run may have a long model call under way."""


class ForksClient:
    """`client.forks`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def start(
        self,
        run_id: int,
        node: int,
        *,
        text: str | None = None,
        whole: bool = True,
        token: tuple[int, int | str] | None = None,
        **settings: JsonValue,
    ) -> int:
        """Go on from a node of a run; the new run's id. `settings` are fields of a `RunSpec` that
        are to be different.

        `text` takes the place of the node's text (`whole`: it is a whole step). `token` is a
        position in it, from 0, with what is to stand there: the id of a stored alternative, or a
        text; the step is cut there.
        """
        edit = None
        if text is not None or token is not None:
            edit = schemas_fork.TextEdit(
                text=text, whole=whole, token=None if token is None else token_edit(*token)
            )
        return self.ask(run_id, schemas_fork.Fork(node=node, edit=edit, settings=settings))

    def ask(self, run_id: int, fork: schemas_fork.Fork) -> int:
        """The same with everything in one value."""
        return self._http.send("POST", f"/runs/{run_id}/forks", schemas.Submitted, fork).run_id

    def continued(self, run_id: int, budget: Mapping[str, float]) -> int:
        """Go on where the budget ended a run, with a larger one; the new run's id. An axis that
        `budget` leaves out has no limit."""
        return self._http.send(
            "POST",
            f"/runs/{run_id}/continued",
            schemas.Submitted,
            schemas_fork.ContinueAsk(budget=dict(budget)),
        ).run_id

    def expand(self, run_id: int, node: int, n: int = 1) -> list[int]:
        """Up to `n` more children of a node of a paused run, now; their ids."""
        content = schemas_fork.ExpandAsk(n=n).model_dump_json().encode()
        headers = {"Content-Type": "application/json"}
        response = self._http.request(
            "POST",
            f"/runs/{run_id}/nodes/{node}/expand",
            content=content,
            headers=headers,
            timeout_s=EXPAND_TIMEOUT_S,
        )
        return schemas_fork.Expanded.model_validate_json(response.content).nodes

    def of(self, run_id: int) -> schemas_fork.Kin:
        """Whom a run comes from, and what comes from it."""
        return self._http.get(f"/runs/{run_id}/forks", schemas_fork.Kin)


def token_edit(position: int, token: int | str) -> schemas_fork.TokenEdit:
    """A token by its id or its text."""
    if isinstance(token, int):
        return schemas_fork.TokenEdit(position=position, token_id=token)
    return schemas_fork.TokenEdit(position=position, text=token)


__all__ = ["ForksClient", "token_edit"]
