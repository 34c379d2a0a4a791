"""What ended a node's line, the node and all that descends from it: the event, with its numbers,
after which the search could not come back to it, or the end of the log.

A line is *over* at the event that ended it. A node that was still open when the log ended is over
only then (`Notes.end`), whatever was preferred to it before: the search could have come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from backend.core.types import Finish, Kind, Node, ancestors
from backend.review.reselect import Ranked
from backend.review.stored_run import Trace
from backend.review.why.notes import Contest, Notes, place

LIMITS = ("step limit", "token limit", "cut off before its end")
"""Reasons for which strategies give up a node because it, or its path, is too long."""
WRITTEN = (Kind.STEP, Kind.INJECTED)
UNEXPANDED = "the search ended before it was expanded"
SCORE, SHARE = "score", "share of the weight"


class FateKind(StrEnum):
    """How a line ended: dropped by the search, cut off, gone on with, or finished."""

    DROPPED = "dropped"
    CUT_OFF = "cut off"
    CONTINUED = "continued"
    FINISHED = "finished"


class Fate(NamedTuple):
    """What ended a line. `note` is the kind of event, `seq` its number; `over` is when the line was
    over. `value` is what the node had, `cut` what it was measured against, both of the kind that
    `measure` names."""

    how: FateKind
    note: str
    seq: int
    over: int
    reason: str = ""
    value: float | None = None
    cut: float | None = None
    measure: str = SCORE


class Fates:
    """The fates of the nodes of one run. `pool` are the candidates of the end; `status` is how the
    run ended."""

    def __init__(self, trace: Trace, notes: Notes, pool: Sequence[Ranked], status: str) -> None:
        self._trace, self._notes, self._status = trace, notes, status
        self._pool = [one.value for one in pool if one.value is not None]
        lists = trace.lists()
        self._listed = {one.node for one in lists[-1]} if lists else set[Node]()
        self.children: dict[Node, list[Node]] = {}
        for node in trace.nodes:
            if node.parent is not None and node.kind in WRITTEN:
                self.children.setdefault(node.parent, []).append(node)

    def of(self, node: Node) -> Fate:
        """What ended the line of a node that is no candidate."""
        return self._first(
            node,
            (
                self._when_continued,
                self._when_stopped,
                self._when_pruned,
                self._when_not_drawn,
                self._waiting,
                self._when_finished,
            ),
        )

    def left_out(self, node: Node) -> Fate:
        """What kept a finished text from being a candidate."""
        return self._first(
            node,
            (
                self._when_tried_out,
                self._when_stopped,
                self._when_pruned,
                self._when_not_drawn,
                self._waiting,
                self._when_superseded,
            ),
        )

    def _first(self, node: Node, readers: Sequence[Callable[[Node, int], Fate | None]]) -> Fate:
        number_ = self._trace.ids[node]
        return next(
            (fate for read in readers if (fate := read(node, number_)) is not None), None
        ) or self._open(node, number_)

    def _when_continued(self, node: Node, number_: int) -> Fate | None:
        if node not in self.children:
            return None
        last = max(self._trace.seqs[self._trace.ids[child]] for child in self.children[node])
        count = len(self.children[node])
        return Fate(
            FateKind.CONTINUED,
            "node",
            last,
            last,
            f"{count} continuation{'s' if count > 1 else ''}",
        )

    def _when_tried_out(self, node: Node, number_: int) -> Fate | None:
        if node.kind is not Kind.ROLLOUT:
            return None
        event = self._notes.rollouts.get(number_)
        seq = self._trace.seqs[number_] if event is None else event.event.seq
        return Fate(
            FateKind.DROPPED,
            "rolled",
            seq,
            seq,
            "a rollout only tries out a step and is never a candidate",
            event.worth if event else None,
        )

    def _when_stopped(self, node: Node, number_: int) -> Fate | None:
        seq, last = self._trace.seqs[number_], self._notes.last_step
        if node.finish is Finish.BUDGET:
            return self._at_end() or Fate(
                FateKind.CUT_OFF, "node", seq, self._notes.end, "generated_tokens"
            )
        if node.finish is not Finish.ABORTED:
            return None
        end = self._at_end()
        return (
            end
            if end is not None and (last is None or last.seq < seq)
            else Fate(FateKind.DROPPED, "node", seq, seq, "stopped, others had finished")
        )

    def _when_pruned(self, node: Node, number_: int) -> Fate | None:
        note = self._notes.pruned.get(number_)
        if note is None:
            return None
        event, why, cut = note.event, note.body.reason, note.body.cut
        if why in LIMITS:
            return Fate(FateKind.CUT_OFF, "pruned", event.seq, event.seq, why)
        tried, granted, kept = (
            self._notes.tried.get(number_),
            self._notes.granted.get(place(event), {}),
            self._notes.kept.get(place(event), ()),
        )
        value = self._trace.score(node) if tried is None else tried.worth
        known = [worth for worth in kept if worth is not None]
        return Fate(
            FateKind.DROPPED,
            "allocated" if granted.get(number_) == 0 else "pruned",
            event.seq,
            event.seq,
            why,
            value,
            min(known, default=None) if cut is None and value is not None else cut,
        )

    def _when_not_drawn(self, node: Node, number_: int) -> Fate | None:
        draw = self._notes.resampled.get(number_)
        if draw is None or draw.drawn:
            return None
        return Fate(
            FateKind.DROPPED,
            "resampled",
            draw.event.seq,
            draw.event.seq,
            "not drawn",
            draw.share,
            measure=SHARE,
        )

    def _waiting(self, node: Node, number_: int) -> Fate | None:
        pushed = self._notes.pushed.get(number_)
        if pushed is None or number_ in self._notes.popped:
            return None
        if (end := self._at_end()) is not None:
            return end
        popped = self._notes.last_popped or pushed
        return Fate(
            FateKind.DROPPED,
            "pushed",
            popped.seq,
            self._notes.end,
            "still waiting in the frontier",
            pushed.body.g + pushed.body.h,
            popped.body.g + popped.body.h,
            "f = g + h",
        )

    def _when_finished(self, node: Node, number_: int) -> Fate | None:
        if not node.done:
            return None
        seq = self._trace.seqs[number_]
        if node.finish is Finish.LENGTH:
            return Fate(FateKind.CUT_OFF, "node", seq, seq, "length limit of the text")
        return Fate(FateKind.FINISHED, "node", seq, seq)

    def _when_superseded(self, node: Node, number_: int) -> Fate | None:
        seq = self._trace.seqs[number_]
        later = [
            note for note in self._notes.references if note.seq > seq and note.body.node != number_
        ]
        if not later or number_ not in self._notes.shares:
            return None
        seq = later[0].seq
        return Fate(
            FateKind.DROPPED,
            "referenced",
            seq,
            seq,
            "another one was kept as reference",
            self._notes.shares[number_],
            measure=SHARE,
        )

    def _at_end(self) -> Fate | None:
        """The spent budget or the end of a run that did not come to its own end."""
        limit, end = self._notes.limit, self._notes.end
        if limit is not None:
            return Fate(FateKind.CUT_OFF, "limit", limit.seq, end, limit.body.axis)
        if self._status != "finished":
            return Fate(FateKind.CUT_OFF, "status", end - 1, end, self._status)
        return None

    def _open(self, node: Node, number_: int) -> Fate:
        """A node that nothing had ended before the log did."""
        end = self._notes.end
        if (cut := self._at_end()) is not None:
            return cut
        last = self._notes.last_step
        seq = end - 1 if last is None else last.seq
        if node in self._listed and not node.done:
            return Fate(FateKind.CUT_OFF, "step", seq, end, "step limit")
        mean = self._notes.means.get(number_)
        if node.done and mean is not None:
            return Fate(
                FateKind.DROPPED,
                "backed",
                mean.event.seq,
                end,
                "not the text that answers",
                mean.worth,
                measure="mean of what was backed up",
            )
        if (contest := self._find_contest(node, number_)) is not None:
            return Fate(
                FateKind.DROPPED,
                "selected",
                contest.event.seq,
                end,
                "not returned to",
                contest.worth,
                contest.winning,
                f"value of {contest.formula}",
            )
        if (jumped := self._notes.jumped) is not None:
            return Fate(
                FateKind.DROPPED,
                "jumped",
                jumped.seq,
                end,
                UNEXPANDED if jumped.body.node == number_ else "the search went on elsewhere",
            )
        why = "not among the candidates of the end" if node.done else UNEXPANDED
        return Fate(
            FateKind.DROPPED,
            "step",
            seq,
            end,
            why,
            self._trace.score(node),
            max(self._pool, default=None),
        )

    def _find_contest(self, node: Node, number_: int) -> Contest | None:
        """Return the last walk that passed over the node, or a node above it."""
        seq = self._trace.seqs[number_]
        contests = (
            self._notes.contested.get(self._trace.ids[each]) for each in (node, *ancestors(node))
        )
        return max(
            (one for one in contests if one is not None and one.event.seq > seq),
            key=lambda one: one.event.seq,
            default=None,
        )
