"""The command line: one file a command, `options` the words that they take."""
