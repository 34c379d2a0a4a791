"""Traces of other programs become runs. One format is one file with a pure reader, bytes to
records, which it declares as `FORMAT`; nothing here writes to a store.

`base` says what a format is and what a reader makes; `formats` finds them all. They are not
imported here, because the store needs `base` alone.
"""
