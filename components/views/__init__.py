"""Views of a search, one folder a family; `table_panel` lists them."""
