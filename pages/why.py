"""Where did the right answer die, and what would have saved it? Over many runs, or step by step for one."""

from components.controls.why_else import why_else
from components.controls.why_lens import why_lens
from components.controls.why_many import many_runs
from components.controls.why_panel import what_if
from components.controls.why_run import why_run
from components.links import number_in_address
from components.service import connect, required

service = connect()
catalog = required(service.catalog, "The catalogue")
run_id = number_in_address("run")
if run_id is None:
    many_runs(service, catalog.strategies)
else:
    run = required(lambda: service.info(run_id), f"Run {run_id}")
    if why_run(service, run) is not None:
        why_else(service, catalog, run)
        what_if(service, run, catalog)
        why_lens(service, catalog, run)
