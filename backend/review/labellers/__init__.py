"""What can judge the steps of a stored run. Importing this package registers all of them."""

from backend.core.registry import import_modules

READING_ORDER = ("exact",)
"""The order of the catalogue; a labeller that is not named here comes after these."""

import_modules(__name__, first=READING_ORDER)
