"""The widgets that pages place: forms, inspectors and tables. They read and write the address, the session and nothing else."""
