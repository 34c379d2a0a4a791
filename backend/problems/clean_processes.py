"""How worker processes are started: from a new interpreter, and without this one's main script.

`multiprocessing` runs the main script again in every process that it spawns, in case what it sends
is defined there. Under Streamlit the main script is the page that somebody looks at, so each worker
would draw that page before its work.
"""

from __future__ import annotations

import io
import os
from multiprocessing import popen_spawn_posix, reduction, resource_tracker, spawn, util
from multiprocessing.context import SpawnContext, SpawnProcess, set_spawning_popen
from multiprocessing.process import BaseProcess

MAIN_SCRIPT = ("init_main_from_name", "init_main_from_path")


class CleanStart(popen_spawn_posix.Popen):
    """A started process. What this class overrides is private to the standard library and follows
    its version of Python 3.11, the one that the project runs on."""

    _fds: list[int]

    def _launch(self, process_obj: BaseProcess) -> None:
        """Start an interpreter and send it the process's target, as the class above does."""
        tracker = resource_tracker.getfd()
        assert tracker is not None
        prepared = spawn.get_preparation_data(process_obj.name)
        sent = io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump({key: prepared[key] for key in prepared.keys() - MAIN_SCRIPT}, sent)
            reduction.dump(process_obj, sent)
        finally:
            set_spawning_popen(None)
        (self.sentinel, child_lives), (child_reads, writes) = os.pipe(), os.pipe()
        self.finalizer = util.Finalize(self, close_all, (self.sentinel, writes))
        self._fds += [tracker, child_lives, child_reads]
        command = spawn.get_command_line(tracker_fd=tracker, pipe_handle=child_reads)
        try:
            python = os.fsencode(spawn.get_executable())
            self.pid = util.spawnv_passfds(python, command, self._fds)
            with open(writes, "wb", closefd=False) as stream:
                stream.write(sent.getbuffer())
        finally:
            close_all(child_lives, child_reads)


def close_all(*descriptors: int) -> None:
    """Close files by their descriptors."""
    for each in descriptors:
        os.close(each)


class CleanProcess(SpawnProcess):
    """A process that `CleanStart` starts."""

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> CleanStart:  # noqa: N802  (the name of the class above)
        return CleanStart(process_obj)


class CleanContext(SpawnContext):
    """What a pool asks for processes and pipes."""

    Process = CleanProcess


__all__ = ["CleanContext"]
