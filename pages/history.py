"""Which runs are there? Find, open, repeat, delete; and take in those of a file."""

from components.frame.service import connect, require
from components.history.import_form import import_panel
from components.history.run_picker_form import found_runs, run_actions, run_table, search_row

service = connect()
catalog = require(service.catalog, "The catalogue")
import_panel(service)
search = search_row(catalog.strategies)
run_actions(service, run_table(found_runs(service, search)))
