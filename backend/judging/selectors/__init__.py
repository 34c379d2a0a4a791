"""Rules that choose one node among finished candidates. Importing this package registers all of
them, in the order of the file names."""

from backend.core.registry import import_modules

import_modules(__name__)
