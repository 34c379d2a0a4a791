"""The words and the seams that every other room uses: steps, records, ports, the specification of a
run, settings, errors. Imports no other room."""
