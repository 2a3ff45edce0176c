"""Named reports: a period against the one before it, as data or as a page to print or to mail."""
