"""Jobs: accept a run, let it wait its turn, run it, and write down how it ended.

`Jobs` is the only place that owns the tasks of runs, and the only place that catches every
exception: whatever ends a run is recorded with a reason and a remedy.
"""

from backend.service.jobs.admission import OWN, Admission
from backend.service.jobs.failure import Failure, failure
from backend.service.jobs.jobs import Jobs, ModelHost, RunStatus

__all__ = ["OWN", "Admission", "Failure", "Jobs", "ModelHost", "RunStatus", "failure"]
