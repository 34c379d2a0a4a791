"""Which runs are there? Find, open, repeat, delete."""

from components.controls.run_picker import found_runs, run_actions, run_table, search_row
from components.service import connect, required

service = connect()
search = search_row(required(service.catalog, "The catalogue").strategies)
run_actions(service, run_table(found_runs(service, search)))
