"""The populations of particles that a log tells of, each kept apart: a pass is one of them, from
its first step below the problem to its end.

A search may move several populations: one after the other, side by side, or both. Every event names
its track ("iteration 2", "chain 1"), and on one track passes follow each other. A pass can hold a
slot to a trajectory that was drawn before, its reference; which slot that is follows from the
events `referenced` and from the tree. The effective sample size is 1 / sum of squared normalised
weights (Kong 1992): N when all particles weigh the same, 1 when one of them holds everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from backend.core.events import Referenced, Resampled, StepEnded, Swapped, Weighed
from backend.core.formulas.particles import effective_size, normalise
from backend.core.records import EventRecord
from backend.core.tree import TreeRow, up_to

INSIDE = ", "
"""Between the name of a part and the track inside it, as the log writes it."""


@dataclass(frozen=True)
class ParticleRound:
    """A round of a pass, counted from 0: the node in each slot, its normalised weight, what the
    round added to its log weight, the effective sample size, where the round resampled the slot
    that each slot continues, and the slot that follows the reference, if one does."""

    round: int
    particles: tuple[int, ...]
    weights: tuple[float, ...]
    increments: tuple[float, ...]
    ess: float
    ancestors: tuple[int, ...] | None = None
    scheme: str = ""
    held: int | None = None


@dataclass(frozen=True)
class DrawnTrajectory:
    """A trajectory drawn by weight at the end of a pass: its last node, its slot and its normalised
    weight."""

    node: int
    slot: int
    weight: float


@dataclass(frozen=True)
class Pass:
    """A population on its way: pass `number` (from 1) of its track, its rounds, and the trajectory
    that was drawn at its end, if one was."""

    track: str
    number: int
    rounds: tuple[ParticleRound, ...]
    drawn: DrawnTrajectory | None = None

    @property
    def reference(self) -> int | None:
        """The node that the held slot has come to, or None where no slot is held."""
        last = self.rounds[-1]
        return None if last.held is None else last.particles[last.held]

    @property
    def kept(self) -> bool | None:
        """Whether the trajectory drawn at the end is the reference itself; None where there was
        none, or nothing is drawn yet."""
        return (
            None
            if self.drawn is None or self.reference is None
            else self.drawn.node == self.reference
        )


def passes(
    rows: Sequence[TreeRow], events: Iterable[EventRecord], until: int | None = None
) -> list[Pass]:
    """The passes of the log up to event `until`, in order of their beginning. `rows` is the tree at
    that moment: it tells where a population starts again at the problem. Where a node is not in it,
    the population is taken to go on."""
    reader = _PassReader({row.id: row.parent for row in rows})
    for event in up_to(events, until):
        reader.read(event)
    return [Pass(one.track, one.number, tuple(one.rounds), one.drawn) for one in reader.found]


@dataclass
class _Growing:
    """A pass while the log is read."""

    track: str
    number: int
    rounds: list[ParticleRound] = field(default_factory=list)
    drawn: DrawnTrajectory | None = None


class _PassReader:
    """Reads a log event by event. `_line` gathers the nodes of all trajectories drawn so far: a
    free particle steps to a new node in every round, so one that steps along them is held."""

    def __init__(self, parents: Mapping[int, int | None]) -> None:
        self._parents = parents
        self._line: set[int] = set()
        self._latest: dict[str, _Growing] = {}
        self.found: list[_Growing] = []

    def read(self, event: EventRecord) -> None:
        match event.body:
            case Weighed() as note:
                self._read_weights(event.track, note)
            case Resampled() as note:
                self._read_resampling(event.track, note)
            case Referenced() as note:
                self._read_reference(event.track, note)

    def _read_weights(self, track: str, note: Weighed[int]) -> None:
        particles, weights = note.particles, tuple(normalise(note.log_weights))
        # A copy of a reference that is finished stands on its line as well; the slot that is held
        # is the last one.
        held = max(
            (slot for slot, node in enumerate(particles) if node in self._line), default=None
        )
        of = self._going(track, particles)
        of.rounds.append(
            ParticleRound(
                len(of.rounds),
                particles,
                weights,
                note.increments,
                effective_size(note.log_weights),
                held=held,
            )
        )
        of.drawn = None

    def _read_resampling(self, track: str, note: Resampled[int]) -> None:
        """A strategy may resample at the end of a round or at the beginning of the next: the event
        belongs to the round whose particles it names."""
        particles, weights = note.particles, tuple(normalise(note.log_weights))
        of = self._latest.get(track)
        if of is None or of.rounds[-1].particles != particles:
            of = self._going(track, particles)
            of.rounds.append(
                ParticleRound(len(of.rounds), particles, weights, tuple(0.0 for _ in weights), 0.0)
            )
        of.rounds[-1] = replace(
            of.rounds[-1],
            weights=weights,
            ess=note.ess,
            ancestors=note.ancestors,
            scheme=note.scheme,
        )

    def _read_reference(self, track: str, note: Referenced[int]) -> None:
        of = self._latest.get(track)
        if of is not None:
            of.drawn = DrawnTrajectory(note.node, note.slot, normalise(note.log_weights)[note.slot])
        at: int | None = note.node
        while (
            at is not None and (parent := self._parents.get(at)) is not None
        ):  # the root is where everybody comes from
            self._line.add(at)
            at = parent

    def _going(self, track: str, particles: Sequence[int]) -> _Growing:
        """The pass of the track that these particles go on with, or a new one."""
        of = self._latest.get(track)
        if of is None or not self._goes_on(of.rounds[-1], particles):
            of = self._latest[track] = _Growing(track, 1 if of is None else of.number + 1)
            self.found.append(of)
        return of

    def _goes_on(self, last: ParticleRound, particles: Sequence[int]) -> bool:
        """Whether each slot holds the particle that it continues, or a child of it."""
        if len(particles) != len(last.particles):
            return False
        origins = (
            [last.particles[slot] for slot in last.ancestors]
            if last.ancestors is not None
            else last.particles
        )
        return all(
            node == origin or self._parents.get(node, origin) == origin
            for node, origin in zip(particles, origins, strict=True)
        )


def temperatures(events: Iterable[EventRecord]) -> dict[str, float]:
    """The temperature of each track, where tracks differ in it, or propose to swap their
    references."""
    found: dict[str, float] = {}
    announced: dict[str, float] = {}
    for event in events:
        match event.body:
            case Swapped(chains=chains, temperatures=heats):
                found |= {
                    inside(event.track, chain): heat
                    for chain, heat in zip(chains, heats, strict=True)
                }
            case StepEnded(stats={"temperature": heat}):
                announced[event.track] = heat
    return found | announced if found or len(set(announced.values())) > 1 else {}


def threshold(events: Iterable[EventRecord], track: str) -> float | None:
    """The fraction of particles below which the method of a track resamples, as its steps tell it;
    None where they do not."""
    least = None
    for event in events:
        if event.track == track and isinstance(event.body, StepEnded):
            least = event.body.stats.get("ess_min", least)
    return least


def inside(track: str, part: str) -> str:
    """The track of a part of `track`."""
    return f"{track}{INSIDE}{part}" if track else part


def track_label(track: str, tracks: Iterable[str], heats: Mapping[str, float]) -> str:
    """A track in words: "iteration 2 of 3", "chain 1 of 3 at temperature 2"; `tracks` are all there
    are."""
    kin = len({other for other in tracks if _stem(other) == _stem(track)})
    heat = f" at temperature {heats[track]:.3g}" if track in heats else ""
    return (f"{track} of {kin}" if kin > 1 else track) + heat


def _stem(track: str) -> str:
    return track.rstrip("0123456789")


def pass_of(found: Sequence[Pass], node: int | None) -> Pass:
    """The pass to look at first: the latest that ended with `node`, the answer, among its
    particles; else the latest of all."""
    return next(
        (one for one in reversed(found) if node is not None and node in one.rounds[-1].particles),
        found[-1],
    )
