"""What many labels say together: the queue of an author, agreement of two, counts, and the
codebook. Everything here blocks for reading."""

from __future__ import annotations

from dataclasses import asdict

from backend.core.errors import BadInput
from backend.core.grades import grade_state
from backend.messages import annotations as schemas
from backend.messages.why import Cause
from backend.review.annotate.agreement import Kappa, agreement
from backend.review.annotate.codebook import MARKS, Category
from backend.review.annotate.counts import count_labels
from backend.review.annotate.labels import author_name
from backend.service.annotating import change_messages
from backend.service.assembly import Services
from backend.service.why import cause_of_death
from storage import WaitingRun

LOOKED_AT = 200
"""Runs whose cause is worked out for one request, the newest first."""


def queue(
    services: Services,
    author: str,
    strategy: str | None,
    problem: str | None,
    text: str | None,
    answer: schemas.Verdict | None,
    cause: Cause | None,
    standing: schemas.Standing,
    blind: bool,
) -> schemas.Queue:
    """The runs to label. Raises `BadInput` for a blind queue by verdict or cause: its filter would
    say what is hidden."""
    name = author_name(author)
    if blind and (answer is not None or cause is not None):
        raise BadInput(
            "filter of a blind queue",
            given=answer or cause,
            accepted="strategy, problem, text, standing: the verdict is hidden",
        )
    found = services.store.annotations.waiting(strategy, problem, text)
    if answer is not None:
        found = [
            run
            for run in found
            if grade_state(run.correct, known=run.right_answer is not None) == answer
        ]
    if cause is not None:
        found = [run for run in found[:LOOKED_AT] if cause_of(services, run) == cause]
    labelled = services.store.annotations.count_labels()
    runs = [_waiting(run, labelled.get(run.id, {}), name) for run in found]
    wanted = [run for run in runs if _stands(run, standing)]
    return schemas.Queue(runs=wanted, total=len(runs), done=sum(run.mine > 0 for run in runs))


def cause_of(services: Services, run: WaitingRun) -> str:
    return cause_of_death(services, services.store.run(run.id)).cause.value


def _waiting(run: WaitingRun, labels: dict[str, int], author: str) -> schemas.Waiting:
    others = len(labels.keys() - {author})
    return schemas.Waiting(
        id=run.id,
        strategy=run.strategy,
        problem_id=run.problem_id,
        mine=labels.get(author, 0),
        others=others,
    )


def _stands(run: schemas.Waiting, standing: schemas.Standing) -> bool:
    return {
        "any": True,
        "unlabelled by me": not run.mine,
        "labelled by me": bool(run.mine),
        "labelled by another": bool(run.others),
    }[standing]


def compare_authors(
    services: Services,
    one: str,
    other: str,
    strategy: str | None,
    problem: str | None,
    blind_only: bool,
) -> schemas.AgreementShown:
    """Two authors compared. Raises `BadInput` that names who there is."""
    known = services.store.annotations.authors()
    for name in (one, other):
        if name not in known:
            raise BadInput(
                "author", given=name, accepted=", ".join(known) or "nobody: there are no labels yet"
            )
    if one == other:
        raise BadInput("authors", given=one, accepted="two different ones")
    rows = services.store.annotations.find(strategy=strategy, problem=problem)
    keys = [category.key for category in services.store.annotations.codebook()]
    found = agreement(rows, one, other, categories=keys, blind_only=blind_only)
    firsts = found.first_errors
    return schemas.AgreementShown(
        one=one,
        other=other,
        runs=found.runs,
        verdicts=kappa_message(found.verdicts),
        first_errors=kappa_message(firsts.kappa),
        by_verdict={label: kappa_message(each) for label, each in found.by_verdict.items()},
        first_error_exact=firsts.exact,
        first_error_within_one=firsts.within_one,
        categories=kappa_message(found.categories),
        by_category={key: kappa_message(each) for key, each in found.by_category.items()},
    )


def kappa_message(found: Kappa) -> schemas.KappaShown:
    numbers = {
        name: None if value is None else float(value)
        for name, value in (
            ("observed", found.observed),
            ("expected", found.expected),
            ("kappa", found.kappa),
        )
    }
    return schemas.KappaShown(
        labels=list(found.labels),
        table=[list(row) for row in found.table],
        units=found.units,
        **numbers,
    )


def counts(
    services: Services, author: str | None, strategy: str | None, problem: str | None
) -> schemas.CountsShown:
    """Counts by strategy and category, of all authors or of one."""
    found = count_labels(
        services.store.annotations.find(author=author, strategy=strategy, problem=problem)
    )
    return schemas.CountsShown(
        labelled=found.labelled,
        cells=[schemas.CategoryCount(**asdict(cell)) for cell in found.cells],
    )


def codebook(services: Services) -> schemas.Codebook:
    book = [
        schemas.CategoryShown(**asdict(category))
        for category in services.store.annotations.codebook()
    ]
    return schemas.Codebook(
        categories=book,
        marks=MARKS,
        history=change_messages(services.store.annotations.codebook_history()),
    )


def keep_category(services: Services, ask: schemas.CategoryAsk) -> schemas.CategoryShown:
    """Add or change a category. Raises `NotFound` and `BadInput`."""
    given = Category(
        ask.key, ask.name.strip(), ask.description.strip(), ask.mark, ask.position, ask.retired
    )
    return schemas.CategoryShown(
        **asdict(services.store.annotations.keep_category(given, author_name(ask.author)))
    )


__all__ = ["codebook", "compare_authors", "counts", "keep_category", "queue"]
