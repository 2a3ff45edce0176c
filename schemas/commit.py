"""What the app's commits say of themselves, as Delta's user metadata: read by app and API."""

from __future__ import annotations

# Of an append: the transaction id of the flow ("flow:generation"), and the number of its batch.
WRITTEN_BY = "written_by"
