"""A job of somebody else: writes one day of its output with the `deltalake` package.

usage: delta_job.py LAKE MODE TABLE DAY, the mode named by the config: writes, fails, silent, hangs
"""

import os
import sys
import time

lake, config, table, day = sys.argv[1:5]
kind = config.split(".")[1].split("__")[0]
print(f"{config} for {day}", flush=True)

if kind == "fails":
    print("no space left in the warehouse", file=sys.stderr)
    sys.exit(1)
if kind == "hangs":
    time.sleep(3600)
if kind == "writes":
    from arro3.core import Array, DataType, Table
    from deltalake import write_deltalake

    rows = Table.from_pydict(
        {
            "ds": Array([day, day], DataType.utf8()),
            "amount": Array([1, 2], DataType.int64()),
        }
    )
    path = os.path.join(lake, *table.split(".", 1))
    os.makedirs(path, exist_ok=True)
    write_deltalake(path, rows, mode="append", partition_by=["ds"])
