"""Which problems does an arm solve, and where do two arms part?"""

from components.experiments.matrix_panel import flips_panel, matrix_panel, runs_panel
from components.experiments.picker_form import choose_experiment
from components.frame.service import connect, require

service = connect()
name = choose_experiment(service)
info = require(lambda: service.experiments.info(name), f"Experiment {name}")
shown = matrix_panel(service, info)
flips_panel(service, info, shown)
runs_panel(service, info, shown)
