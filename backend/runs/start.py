"""Where a fork begins: the path of a stored run up to one of its nodes, with what a person changed
in the last step.

The path is copied into the new run, so that its log tells the whole story by itself. Copied nodes
cost nothing and count nothing. Tokens and log-probabilities are kept where the same model goes on;
another model reads the texts in tokens of its own. The keys of all but the last node change, so
that no call of the fork is ever taken for one of the origin; the last keeps its own: with the
origin's seed, the same continuations are drawn from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from msgspec.structs import replace

from backend.core.errors import BadInput
from backend.core.keys import digest
from backend.core.ports import Engine, EngineInfo
from backend.core.spec import TokenEdit
from backend.core.splitting import Splitting
from backend.core.types import JSON, Finish, Kind, Node
from backend.runs.paid import Placed, RunStart

BY_HAND = "human"
"""The reason of injected nodes that a person wrote."""

WHOLE = (Finish.STEP, None)
"""How a step ends that another one may follow; imported ones do not say."""


def writer_of(described: JSON) -> dict[str, JSON]:
    """Whose tokens they are, from the description of a model in a manifest."""
    known: Mapping[str, JSON] = described if isinstance(described, Mapping) else {}
    return {name: known.get(name) for name in ("engine", "model", "hashes")}


async def settle_start(
    start: RunStart, engine: Engine, question: str, system: str | None, splitting: Splitting
) -> RunStart:
    """The path as the new run's model reads it, with the edit made; `splitting` says how a step
    ends. Raises `BadInput` where a token cannot be exchanged."""
    if start.settled:
        return start
    copies = _Copies(engine, same_tokens(start.writer, engine.info), splitting)
    prompt = await engine.prompt(question, system)
    node = replace(start.path[0].node, text=prompt.text, token_ids=prompt.token_ids)
    path = [start.path[0]._replace(node=node)]
    for place, given in enumerate(start.path[1:], 1):
        path[-1] = path[-1]._replace(
            node=replace(path[-1].node, key=digest("given", path[-1].node.key))
        )
        above, last = path[-1].node, place == len(start.path) - 1
        if not last or start.edit is None:
            path.append(given._replace(node=await copies.copy(given.node, above, last=last)))
        elif start.edit.text is not None:
            node = await copies.write_step(start.edit.text, above, whole=start.edit.whole)
            path.append(given._replace(node=node, reason=BY_HAND))
        else:
            assert start.edit.token is not None
            path += await copies.exchange_token(given, above, start.edit.token)
    return RunStart(tuple(path))


def same_tokens(writer: Mapping[str, JSON], info: EngineInfo) -> bool:
    """Whether the model that goes on is the one whose tokens are stored."""
    return writer_of(asdict(info)) == dict(writer)


class _Copies:
    """Nodes of an origin as nodes of a fork. `same`: tokens are those of the model that goes on."""

    def __init__(self, engine: Engine, same: bool, splitting: Splitting) -> None:
        self._engine, self._same, self._splitting = engine, same, splitting

    async def copy(self, origin: Node, above: Node, *, last: bool) -> Node:
        """The node below another parent. At the end of the path a text that was cut off or given up
        is half-written and may go on."""
        ended = origin.finish is Finish.END
        kind = Kind.STEP if origin.kind is Kind.ROLLOUT else origin.kind
        node = replace(
            origin,
            parent=above,
            depth=above.depth + 1,
            done=ended if last else origin.done and ended,
            kind=kind,
        )
        if self._same and origin.token_ids:
            return node
        text = (
            self._splitting.close(above.texts(), origin.text)
            if origin.kind is not Kind.INJECTED and origin.finish in WHOLE and not origin.done
            else origin.text
        )
        ids = await self._engine.encode(text)
        finish = None if ended else origin.finish  # a text that was read anew holds no end token
        return replace(
            node,
            text=text,
            token_ids=ids,
            logprobs=None,
            finish=finish,
            alternatives=(),
            done=node.done and last,
        )

    async def write_step(self, text: str, above: Node, *, whole: bool) -> Node:
        """A step that a person wrote."""
        text = self._splitting.close(above.texts(), text) if whole else text
        return self._inject(text, await self._engine.encode(text), above)

    async def exchange_token(self, given: Placed, above: Node, edit: TokenEdit) -> list[Placed]:
        """What stands before the token, and the token in its place: the step is cut there."""
        origin, at = given.node, edit.position
        if not self._same:
            raise BadInput(
                "token",
                given=at,
                accepted=(
                    "none: only the model that wrote the step can go on from its tokens; "
                    "change the text instead"
                ),
            )
        if at >= len(origin.token_ids):
            raise BadInput("position", given=at, accepted=f"0 to {len(origin.token_ids) - 1}")
        before = "".join(await self._engine.tokens(origin.token_ids[:at]))
        if not origin.text.startswith(before) or "\ufffd" in before:
            raise BadInput(
                "position", given=at, accepted="a token that does not begin within a character"
            )
        text, ids = await self._token(edit)
        placed: list[Placed] = []
        if at:
            logprobs = None if origin.logprobs is None else origin.logprobs[:at]
            above = replace(
                origin,
                text=before,
                token_ids=origin.token_ids[:at],
                logprobs=logprobs,
                parent=above,
                depth=above.depth + 1,
                done=False,
                finish=None,
                kind=Kind.STEP,
                key=digest("given", origin.key, at),
                alternatives=origin.alternatives[:at],
            )
            placed.append(given._replace(node=above))
        return [*placed, given._replace(node=self._inject(text, ids, above), reason=BY_HAND)]

    async def _token(self, edit: TokenEdit) -> tuple[str, tuple[int, ...]]:
        if edit.token_id is None:
            assert edit.text is not None
            return edit.text, await self._engine.encode(edit.text)
        [text] = await self._engine.tokens([edit.token_id])
        if await self._engine.encode(text) != (edit.token_id,):
            raise BadInput(
                "token",
                given=text,
                accepted="a token of text: this one ends the text, or is a part of a character",
            )
        return text, (edit.token_id,)

    def _inject(self, text: str, ids: tuple[int, ...], above: Node) -> Node:
        key = digest("given", above.key, BY_HAND, text)
        return Node(text, ids, None, above, above.depth + 1, kind=Kind.INJECTED, key=key)


__all__ = ["BY_HAND", "same_tokens", "settle_start", "writer_of"]
