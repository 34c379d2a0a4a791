"""Which problems does an arm solve, and where do two arms part?"""

from components.controls.experiment_picker import chosen_experiment
from components.controls.matrix_controls import flips_panel, matrix_panel, runs_panel
from components.service import connect, required

service = connect()
name = chosen_experiment(service)
info = required(lambda: service.experiments.info(name), f"Experiment {name}")
shown = matrix_panel(service, info)
flips_panel(service, info, shown)
runs_panel(service, info, shown)
