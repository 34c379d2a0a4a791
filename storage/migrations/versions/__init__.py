"""One file for every change of the tables. A file that was released is never edited."""
