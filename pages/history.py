"""Which runs are there? Find, open, repeat, delete; and take in those of a file."""

from components.controls.run_import import import_panel
from components.controls.run_picker import found_runs, run_actions, run_table, search_row
from components.service import connect, required

service = connect()
catalog = required(service.catalog, "The catalogue")
import_panel(service)
search = search_row(catalog.strategies)
run_actions(service, run_table(found_runs(service, search)))
