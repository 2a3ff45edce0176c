"""A flow's checkpoint: how far it has come, and that it belongs to the tables it writes.

Beside Spark's own files lies `web-analytics.json`: the checkpoint's generation (part of the
transaction id of every write, so a new checkpoint is never mistaken for an old one), the last
batch written to each table, and the table's version that this made. `check_flow` compares them with
the tables and refuses what would lose or double data silently.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming.delta_log import Position
from streaming.files import list_names, read_text, write_text

_STATE_FILE = "web-analytics.json"


class CheckpointError(Exception):
    """Checkpoints and tables do not belong together; the message says which and the remedy."""


@dataclass(frozen=True)
class FlowState:
    """What `web-analytics.json` holds.

    announced: the tables in which this process has left its transaction id as Delta knows it;
    not kept.
    """

    generation: str
    written: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    announced: set[str] = field(default_factory=set, compare=False)


def read_state(checkpoint: str) -> FlowState | None:
    """The state kept in a flow's checkpoint, None where there is no checkpoint."""
    text = read_text(f"{checkpoint}/{_STATE_FILE}")
    return FlowState(**json.loads(text)) if text is not None else None


def write_state(checkpoint: str, state: FlowState) -> None:
    content = {
        "generation": state.generation,
        "written": state.written,
        "versions": state.versions,
    }
    write_text(f"{checkpoint}/{_STATE_FILE}", json.dumps(content))


def new_state() -> FlowState:
    return FlowState(generation=uuid.uuid4().hex)


def transaction_id(flow: str, state: FlowState) -> str:
    """Names a flow's writes: as `txnAppId`, and in what its commits say (`WRITTEN_BY`)."""
    return f"{flow}:{state.generation}"


def latest_batch(checkpoint: str, log: str) -> int | None:
    """The newest batch in `offsets` (planned) or `commits` (done)."""
    batches = [int(name) for name in list_names(f"{checkpoint}/{log}") if name.isdigit()]
    return max(batches, default=None)


def read_offsets(checkpoint: str, batch_id: int) -> tuple[dict[str, Any], list[Any]]:
    """A planned batch: Spark's metadata (`batchWatermarkMs`, ...) and the sources' end offsets."""
    text = read_text(f"{checkpoint}/offsets/{batch_id}")
    if text is None:
        raise CheckpointError(f"{checkpoint}/offsets/{batch_id} is not there")
    _, metadata, *sources = text.splitlines()
    return json.loads(metadata), [None if line == "-" else json.loads(line) for line in sources]


def delta_position(offset: Mapping[str, Any] | None) -> Position:
    """The position in a Delta table that an end offset of Spark's Delta source means."""
    if offset is None:
        return Position(version=0, index=-1)
    return Position(version=int(offset["reservoirVersion"]), index=int(offset["index"]))


def read_span(checkpoint: str, batch_id: int, source: int = 0) -> tuple[Position, Position]:
    """From where to where a batch reads its Delta source (by number in the plan)."""
    _, ends = read_offsets(checkpoint, batch_id)
    if ends[source] and ends[source]["isStartingVersion"]:
        raise CheckpointError(
            f"batch {batch_id} of {checkpoint} starts from a snapshot of a table that had data "
            "before the flow did. Move lake and checkpoints away together to begin from Kafka."
        )
    starts = read_offsets(checkpoint, batch_id - 1)[1] if batch_id > 0 else [None] * len(ends)
    return delta_position(starts[source]), delta_position(ends[source])


def check_flow(
    flow: str,
    checkpoint: str,
    state: FlowState | None,
    tables: Mapping[str, Mapping[str, int]],
) -> FlowState:
    """Refuse to start a flow whose checkpoint and tables do not belong together.

    tables: for each table the flow writes, the last version of every transaction id in it; empty
    for a table that nothing was written to. Returns the state to go on with.
    Raises CheckpointError.
    """
    planned = latest_batch(checkpoint, "offsets")
    if state is None:
        _require_unwritten(flow, checkpoint, tables, planned)
        return new_state()
    for table, transactions in tables.items():
        own = transaction_id(flow, state)
        if any(name.startswith(f"{flow}:") and name != own for name in transactions):
            raise CheckpointError(
                f"{table} has data that flow '{flow}' wrote with another checkpoint than "
                f"{checkpoint}: going on would write it twice. "
                "Restore table and checkpoints from the same backup."
            )
        seen = transactions.get(own, -1)
        expected = state.written.get(table, -1)
        if seen < expected:
            raise CheckpointError(
                f"{table} is older than the checkpoint of flow '{flow}' ({checkpoint}): the table "
                f"has its batch {seen}, the checkpoint has written batch {expected}. "
                "Restore table and checkpoints from the same backup."
            )
        if seen > (-1 if planned is None else planned):
            raise CheckpointError(
                f"the checkpoint of flow '{flow}' ({checkpoint}) is older than {table}: the table "
                f"has its batch {seen}, the checkpoint knows batches up to {planned}. "
                "Going on would lose data silently. "
                "Restore table and checkpoints from the same backup."
            )
    return state


def _require_unwritten(
    flow: str, checkpoint: str, tables: Mapping[str, Mapping[str, int]], planned: int | None
) -> None:
    if planned is not None:
        raise CheckpointError(
            f"{checkpoint} has batches of flow '{flow}' but not its {_STATE_FILE}. "
            "Restore lake and checkpoints from the same backup."
        )
    for table, transactions in tables.items():
        if any(name.startswith(f"{flow}:") for name in transactions):
            raise CheckpointError(
                f"{table} has data of flow '{flow}', but its checkpoint {checkpoint} is gone: "
                "starting anew would write everything twice. Restore the checkpoint, or move lake "
                "and checkpoints away together to begin again from Kafka."
            )
