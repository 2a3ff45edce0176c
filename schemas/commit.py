"""What the app's commits say of themselves, as Delta's user metadata: read by app and API."""

from __future__ import annotations

# Of an append: the transaction id of the flow ("flow:generation"), and the number of its batch.
WRITTEN_BY = "written_by"
# True in a commit that only put the merge of partials in their place: no answer changes by it.
FOLDED = "folded"
