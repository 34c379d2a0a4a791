"""Where did the right answer die, and what would have saved it? Over many runs, or step by step for
one."""

from functools import partial

from components.frame.address import number_in_address
from components.frame.service import connect, require
from components.why.foreign_panel import is_foreign, why_foreign
from components.why.lens_panel import why_lens
from components.why.many_panel import many_runs
from components.why.other_settings_panel import why_else
from components.why.run_panel import why_run
from components.why.what_if_panel import what_if

service = connect()
catalog = require(service.catalog, "The catalogue")
run_id = number_in_address("run")
if run_id is None:
    many_runs(service, catalog.strategies)
else:
    run = require(partial(service.info, run_id), f"Run {run_id}")
    if is_foreign(run):
        why_foreign(service, run)
    elif why_run(service, catalog, run) is not None:
        why_else(service, catalog, run)
        what_if(service, run, catalog)
        why_lens(service, catalog, run)
