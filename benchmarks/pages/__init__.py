"""How long a viewer of the pages waits: for a page, for a count, for a cancel."""
