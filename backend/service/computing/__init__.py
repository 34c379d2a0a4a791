"""Heavy questions, computed in processes of their own: each once for all who ask it, given up when
nobody waits any more, and kept. Pages, streams and searches never wait for them."""

from backend.service.computing.desk import ComputeDesk, ComputeWorker
from backend.service.computing.process import ProcessWorker
from backend.service.computing.question import ComputeQuestion

__all__ = ["ComputeDesk", "ComputeQuestion", "ComputeWorker", "ProcessWorker"]
