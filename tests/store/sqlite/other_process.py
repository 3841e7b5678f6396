"""A process that opens a store without the rights of root, which would let it write whatever files say."""

import asyncio
import ctypes
import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from eventmanager.blocks import Partition
from eventmanager.errors import StartError
from eventmanager.facts import NO_FACTS
from eventmanager.store.sqlite.store import SQLiteStore
from tests.store.made_facts import block_of, saying

_NOBODYS: Partition = Partition("nobody", datetime.date(2026, 11, 24), 0)


def open_without_rights(path: Path, partition: Partition = _NOBODYS) -> Any:
    """Open a store, commit twice, and return what came of it and which dates there are; or why it cannot be opened."""
    arguments = (str(path), partition.app, partition.date.isoformat(), str(partition.shard))
    output = subprocess.check_output(
        [sys.executable, "-m", __spec__.name, *arguments],
        preexec_fn=_drop_rights,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    return json.loads(output)


def _drop_rights() -> None:
    pr_capbset_drop, cap_dac_override = 24, 1
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0)


async def _open(path: str, app: str, date: str, shard: str) -> dict[str, Any]:
    partition = Partition(app, datetime.date.fromisoformat(date), int(shard))
    try:
        store = await SQLiteStore.open(Path(path))
    except StartError as error:
        return {"refusal": str(error)}
    outcomes = [
        outcome.value
        for name in ("new", "newer")
        for outcome in await store.commit([block_of(partition, name)], set(), saying(NO_FACTS))
    ]
    dates = [str(found) for found in await store.dates(app, datetime.date.min, datetime.date.max)]
    await store.close()
    return {"outcomes": outcomes, "dates": dates}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_open(*sys.argv[1:]))))
