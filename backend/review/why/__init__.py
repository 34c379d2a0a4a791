"""Why a search went right or wrong, read off its stored log alone: no model is asked, and what a
model wrote is never evaluated.

`death` says where the right answer died, `what_if` what other settings would have chosen, `lens`
how two series of scores differ, `steps` which step of a solution is the first wrong one. Reading
order for `death`: `notes` (what the log says of a node), `fate` (what ended a node), `evidence`
(which nodes had the right answer in reach), `chosen` (by what a rule preferred another), `words`.
"""
