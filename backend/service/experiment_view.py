"""What the results of an experiment say, computed when it is asked for and kept until the results
change. Everything here blocks for reading and computing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

from backend.core.errors import BadInput
from backend.experiments.analyses import AnalysisEntry, in_order, list_allowed, make
from backend.experiments.cells import Cells, Repeats, average, read_repeats
from backend.experiments.costs import AXES, FREE, Prices
from backend.experiments.material import ACCEPTED_FROM, Material
from backend.experiments.plan import size
from backend.experiments.read_material import read_material
from backend.experiments.shards import Folder
from backend.experiments.slices import ALL, THIRDS, narrow, of_kind, slices_of, thirds
from backend.experiments.spec import Experiment
from backend.messages import experiments as schemas
from backend.service.experiment_numbers import plain
from backend.service.result_cache import ResultCache

T = TypeVar("T")


class TaskCounts(NamedTuple):
    """Tasks that ended, and how many of them failed."""

    ended: int
    failed: int


class ReaderChoices(NamedTuple):
    """What a reader chooses for the analyses: the axis of costs, the slice of problems, the score
    from which a verifier accepts, and what a wrong accepted answer costs."""

    axis: str = "generated_tokens"
    slice: str = ALL
    threshold: float = ACCEPTED_FROM
    wrong_costs: float = 1.0


@dataclass(frozen=True)
class ExperimentView:
    """One experiment as its results stand now."""

    folder: Folder
    cache: ResultCache

    @cached_property
    def experiment(self) -> Experiment:
        return self.folder.experiment

    @cached_property
    def state(self) -> Hashable:
        """Which results there are: the files with their sizes and times of writing."""
        return self.folder.state_of_results()

    def cells_of(self, prices: Prices = FREE) -> Cells:
        """The cells; `prices` are those of the axis `money`."""
        return self._compute_once(("cells", prices), lambda: average(self.repeats_of(prices)))

    def repeats_of(self, prices: Prices = FREE) -> Repeats:
        """The cells of every repeat by itself."""
        return self._compute_once(
            ("repeats", prices), lambda: read_repeats(self.folder, self.experiment, prices)
        )

    def material_of(self, choices: ReaderChoices) -> Material:
        """What analyses are made from, of the problems of a slice. Raises `BadInput` for a slice or
        an axis that there is not."""
        if choices.axis not in AXES:
            raise BadInput("axis", given=choices.axis, accepted=", ".join(AXES))
        self.require_slice(choices.slice)
        kind = ALL if choices.slice in THIRDS else choices.slice
        whole = self._compute_once(
            ("material", kind),
            lambda: read_material(self.folder, slice=kind, repeats=self.repeats_of()),
        )
        chosen = replace(
            whole,
            axis=choices.axis,
            threshold=choices.threshold,
            wrong_costs=choices.wrong_costs,
        )
        if choices.slice not in THIRDS:
            return chosen
        return narrow(chosen, self.problems_by_difficulty()[choices.slice])

    def analyses_of(self, choices: ReaderChoices) -> schemas.Analyses:
        """All analyses as they travel. Raises as `material_of`."""
        material = self.material_of(choices)
        made = [self._make(entry, choices, material) for entry in in_order()]
        return schemas.Analyses(analyses=[one for one in made if one is not None])

    def analysis_of(self, choices: ReaderChoices, which: str) -> schemas.ShownAnalysis:
        """The analyses that there are by name, and one of them: `which`, or the first where there
        is none of that name. No other is carried out. Raises as `material_of`."""
        material = self.material_of(choices)
        allowed = {entry.name: entry for entry in list_allowed(material)}
        shown = allowed.get(which) or next(iter(allowed.values()), None)
        return schemas.ShownAnalysis(
            choices=[
                schemas.AnalysisName(name=each.name, title=each.title) for each in allowed.values()
            ],
            analysis=shown and self._make(shown, choices, material),
        )

    def _make(
        self, entry: AnalysisEntry, choices: ReaderChoices, material: Material
    ) -> schemas.Analysis | None:
        """One analysis, kept under those choices of the reader that it depends on."""
        read = tuple(getattr(choices, name) for name in entry.reads)

        def compute() -> schemas.Analysis | None:
            made = make(entry, material)
            return None if made is None else schemas.Analysis(**plain(asdict(made)))

        return self._compute_once(
            ("analysis", entry.name, choices.axis, choices.slice, read), compute
        )

    def problems_by_difficulty(self) -> Mapping[str, frozenset[str]]:
        """The problems of each third by how often samples of them are right."""
        pools = self.material_of(ReaderChoices()).pools
        third_of = thirds(pools, sorted(pools))
        return {
            third: frozenset(problem for problem, one in third_of.items() if one == third)
            for third in THIRDS
        }

    def members_of(self, slice: str) -> Callable[[str], bool]:
        """Whether a problem belongs to a slice. Raises `BadInput`."""
        self.require_slice(slice)
        if slice in THIRDS:
            return self.problems_by_difficulty()[slice].__contains__
        return lambda problem: of_kind(problem, slice)

    def require_slice(self, slice: str) -> None:
        """Raises `BadInput` for a slice that the experiment does not have."""
        if slice not in slices_of(self.experiment):
            raise BadInput("slice", given=slice, accepted=", ".join(slices_of(self.experiment)))

    def task_counts(self) -> TaskCounts:
        """How many tasks ended, and how many of them failed."""
        return self._compute_once(("task counts",), self._count_tasks)

    def task_count(self) -> int:
        """Tasks that the experiment takes."""
        return self.cache.answer(
            (self.folder.path, self.experiment.hash, "task count"), lambda: size(self.experiment)
        )

    def _count_tasks(self) -> TaskCounts:
        every = self.folder.read_done_keys()
        return TaskCounts(len(every), len(every - self.folder.read_done_keys(failed=False)))

    def _compute_once(self, question: Hashable, compute: Callable[[], T]) -> T:
        return self.cache.answer((self.folder.path, self.state, question), compute)


__all__ = ["ExperimentView", "ReaderChoices", "TaskCounts"]
