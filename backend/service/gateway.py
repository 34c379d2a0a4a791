"""A strategy as if it were a model: from a chat request to the run that answers it, and from the run
back to the answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.core.errors import BadInput, EngineFailure
from backend.core.registry import STRATEGIES
from backend.core.spec import RunSpec, SamplingSpec
from backend.core.types import Finish, Node
from backend.engines.entry import ENGINES
from backend.engines.models import Models
from backend.judging.scorers import VERIFIERS
from backend.messages.gateway import (
    ChatAnswer,
    ChatChoice,
    ChatRequest,
    ChosenText,
    GatewayMessage,
    RunLink,
    ServedModel,
    ServedModels,
    TokensUsed,
)
from backend.review.stored_run import StoredRun
from storage import RunRow


def list_names(models: Models) -> ServedModels:
    """The names that a request may give as `model`."""
    offered = [
        f"{engine}/{model}"
        for engine, available, _ in models.available()
        if available
        for model in models.offered(engine)
    ]
    return ServedModels(
        data=[
            ServedModel(id=name if model is None else f"{name}:{model}")
            for name in STRATEGIES
            for model in (None, *offered)
        ]
    )


def spec_of(request: ChatRequest, models: Models) -> RunSpec:
    """The run that answers a request. Raises `BadInput` for a strategy or a model that does not
    exist."""
    strategy, _, named = request.model.partition(":")
    engine, model = find_model(named, models)
    STRATEGIES[strategy]  # refuses a name that it does not know
    system = "\n\n".join(
        message.text for message in request.messages if message.role in ("system", "developer")
    )
    given = {
        "max_tokens": request.max_completion_tokens or request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    sampling = SamplingSpec.model_validate(
        {name: value for name, value in given.items() if value is not None}
    )
    return RunSpec(
        strategy=strategy,
        params=request.params,
        question=question_of(request.messages),
        answer=request.right_answer,
        seed=request.seed or 0,
        budget=request.budget,
        engine=engine,
        model=model,
        verifier=request.verifier or default_verifier(engine),
        verifier_params=request.verifier_params,
        selector=request.selector,
        selector_params=request.selector_params,
        sampling=sampling,
        system=system or None,
    )


def find_model(named: str, models: Models) -> tuple[str, str | None]:
    """Engine and model of a name such as `torch/classroom`, `classroom` or nothing (the defaults).
    Raises `BadInput` for a name that no engine or more than one offers."""
    if not named:
        default = RunSpec.model_fields["engine"].default
        return str(default), None
    engine, slash, model = named.partition("/")
    if slash and engine in ENGINES:
        return engine, model or None
    offering = [name for name in ENGINES if named in models.offered(name)]
    if len(offering) != 1:
        accepted = ", ".join(
            f"{name}/{model}" for name in ENGINES for model in models.offered(name)
        )
        raise BadInput("model", given=named, accepted=f"ENGINE/MODEL, such as {accepted}")
    return offering[0], named


def default_verifier(engine: str) -> str:
    """The verifier of a request that names none: that of every run where the engine has reward
    models, else the first that asks neither for one nor for the right answer."""
    if "reward" in ENGINES[engine].roles:
        return str(RunSpec.model_fields["verifier"].default)
    needless = (
        name
        for name, entry in VERIFIERS.items()
        if not (entry.needs_reward_model or entry.needs_known_answer)
    )
    return next(needless)


def question_of(messages: Sequence[GatewayMessage]) -> str:
    """What is asked: the last message, with what was said before it as lines above. Raises
    `BadInput` where the last message is not the user's."""
    spoken = [message for message in messages if message.role in ("user", "assistant")]
    if not spoken or spoken[-1].role != "user" or not spoken[-1].text.strip():
        given = [message.role for message in messages]
        raise BadInput("messages", given=given, accepted="a last message of the user, with text")
    before = "".join(f"{message.role}: {message.text}\n\n" for message in spoken[:-1])
    return before + spoken[-1].text


def link_of(run_id: int) -> RunLink:
    """Where a run can be watched."""
    return RunLink(run_id=run_id, url=f"/trace?run={run_id}")


def answer_of(request: ChatRequest, run: StoredRun, row: RunRow) -> ChatAnswer:
    """The chosen text of a run that is over. Raises `EngineFailure` for one that failed or was
    stopped, with the reason and the remedy."""
    if row.status != "finished":
        raise EngineFailure(
            f"run {row.id} {row.status}: {row.reason or row.error or 'no reason was stored'}",
            remedy=row.remedy or f"Look at /trace?run={row.id}",
        )
    node = None if row.chosen_node is None else run.trace.nodes[row.chosen_node]
    prompt, written = _count(row, "prompt_tokens"), _count(row, "generated_tokens")
    reason = None if node is not None else row.reason or "no text was finished"
    return ChatAnswer(
        id=f"run-{row.id}",
        created=int(row.created_at.timestamp()),
        model=request.model,
        choices=[
            ChatChoice(
                message=ChosenText(content="".join(texts_of(node))),
                finish_reason="stop"
                if node is not None and node.finish is Finish.END
                else "length",
            )
        ],
        usage=TokensUsed(
            prompt_tokens=prompt, completion_tokens=written, total_tokens=prompt + written
        ),
        arboretum=link_of(row.id).model_copy(
            update={"answer": row.answer, "correct": row.correct, "reason": reason}
        ),
    )


def _count(row: RunRow, axis: str) -> int:
    found = row.ledger[axis]
    assert isinstance(found, int | float), "every run that has finished has counted its tokens"
    return int(found)


def texts_of(node: Node | None) -> Iterable[str]:
    """The texts on the path to a node, without the prompt."""
    return () if node is None else (part.text for part in node.path()[1:])


__all__ = ["answer_of", "find_model", "link_of", "list_names", "question_of", "spec_of", "texts_of"]
