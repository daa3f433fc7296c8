"""Makes the Delta logs of test/lake/checkpoints with the PyPI package deltalake, which also says
what is in them. Run by hand: python test/support/checkpoints.py test/lake/checkpoints"""

import json
import os
import shutil
import sys
import uuid

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

root = sys.argv[1]
shutil.rmtree(root, ignore_errors=True)


def log(name, *more):
    return os.path.join(root, name, "_delta_log", *more)


def commit_name(version):
    return f"{version:020d}.json"


def append(name, day, rows):
    table = pa.table({"ds": [day] * rows, "v": list(range(rows))})
    write_deltalake(os.path.join(root, name), table, mode="append", partition_by=["ds"])


def table(name):
    return DeltaTable(os.path.join(root, name))


def make(name, cleaned):
    """Six days, the second deleted, a checkpoint at commit 6, then two commits; some cleaned up."""
    for day in range(1, 7):
        append(name, f"2025-09-{day:02d}", 2 + day)
    table(name).delete("ds = '2025-09-02'")
    table(name).create_checkpoint()
    append(name, "2025-09-03", 100)
    table(name).delete("ds = '2025-09-05'")
    for version in range(cleaned):
        os.remove(log(name, commit_name(version)))


def checkpoint(name):
    return log(name, f"{6:020d}.checkpoint.parquet")


def last(name, **fields):
    with open(log(name, "_last_checkpoint"), "w") as file:
        json.dump({"version": 6, "size": 8, **fields}, file)


def split(actions, count):
    size = -(-actions.num_rows // count)
    return [actions.slice(at, size) for at in range(0, actions.num_rows, size)]


def in_parts(name):
    actions = pq.read_table(checkpoint(name))
    os.remove(checkpoint(name))
    parts = split(actions, 3)
    for at, part in enumerate(parts):
        file = f"{6:020d}.checkpoint.{at + 1:010d}.{len(parts):010d}.parquet"
        pq.write_table(part, log(name, file), compression="zstd")
    last(name, parts=len(parts))


def with_struct_stats(name):
    """Statistics as a structure only, as some writers keep them."""
    actions = pq.read_table(checkpoint(name))
    rows = actions.to_pylist()
    for row in rows:
        if row["add"] is not None:
            stats = json.loads(row["add"].pop("stats"))
            row["add"]["stats_parsed"] = {"numRecords": stats["numRecords"]}
    add = pa.struct(
        [field for field in actions.schema.field("add").type if field.name != "stats"]
        + [pa.field("stats_parsed", pa.struct([("numRecords", pa.int64())]))]
    )
    schema = pa.schema(
        [pa.field("add", add)] + [field for field in actions.schema if field.name != "add"]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), checkpoint(name), compression="gzip")


def plain(value):
    """A row of a checkpoint as a line of a commit has it."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    return value


def as_v2(name, manifest):
    """A manifest that names files of their own for what was added."""
    actions = pq.read_table(checkpoint(name))
    os.remove(checkpoint(name))
    os.mkdir(log(name, "_sidecars"))
    rows = actions.to_pylist()
    files = [row for row in rows if row["add"] is not None or row["remove"] is not None]
    sidecars = []
    for some in (files[: len(files) // 2], files[len(files) // 2 :]):
        file = f"{uuid.uuid4()}.parquet"
        schema = pa.schema([actions.schema.field("add"), actions.schema.field("remove")])
        pq.write_table(
            pa.Table.from_pylist([{k: row[k] for k in ("add", "remove")} for row in some], schema),
            log(name, "_sidecars", file),
        )
        size = os.path.getsize(log(name, "_sidecars", file))
        sidecars.append({"path": file, "sizeInBytes": size, "modificationTime": 1_759_000_000_000})
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["v2Checkpoint"],
        "writerFeatures": ["v2Checkpoint"],
    }
    metadata = next(plain(row["metaData"]) for row in rows if row["metaData"] is not None)
    metadata["configuration"] = {}
    metadata["format"]["options"] = {}
    top = [
        {"checkpointMetadata": {"version": 6}},
        {"protocol": protocol},
        {"metaData": metadata},
        *({"sidecar": sidecar} for sidecar in sidecars),
    ]
    file = log(name, f"{6:020d}.checkpoint.{uuid.uuid4()}.{manifest}")
    if manifest == "json":
        with open(file, "w") as out:
            out.writelines(json.dumps(action) + "\n" for action in top)
    else:
        maps = pa.map_(pa.string(), pa.string())
        format_type = pa.struct([("provider", pa.string()), ("options", maps)])
        schema = pa.schema(
            [
                ("checkpointMetadata", pa.struct([("version", pa.int64())])),
                actions.schema.field("protocol"),
                (
                    "metaData",
                    pa.struct(
                        [
                            ("id", pa.string()),
                            ("format", format_type),
                            ("schemaString", pa.string()),
                            ("partitionColumns", pa.list_(pa.string())),
                            ("configuration", maps),
                            ("createdTime", pa.int64()),
                        ]
                    ),
                ),
                (
                    "sidecar",
                    pa.struct(
                        [
                            ("path", pa.string()),
                            ("sizeInBytes", pa.int64()),
                            ("modificationTime", pa.int64()),
                        ]
                    ),
                ),
            ]
        )
        metadata["configuration"] = []
        metadata["format"]["options"] = []
        pq.write_table(pa.Table.from_pylist(top, schema), file)
    last(name)


def said(name):
    actions = pa.table(table(name).get_add_actions(flatten=True)).to_pylist()
    live = {}
    for action in actions:
        day = live.setdefault(action["partition.ds"], [0, 0, 0])
        day[0] += 1
        day[1] += action["num_records"]
        day[2] += action["size_bytes"]
    return {"version": table(name).version(), "live": dict(sorted(live.items()))}


make("single", cleaned=7)
make("with-earlier-commits", cleaned=4)
make("struct-stats", cleaned=7)
with_struct_stats("struct-stats")
make("several-parts", cleaned=7)
in_parts("several-parts")
make("v2-json", cleaned=7)
as_v2("v2-json", "json")
make("v2-parquet", cleaned=7)
as_v2("v2-parquet", "parquet")

expected = {"deltalake": deltalake.__version__, "tables": {}}
for name in sorted(os.listdir(root)):
    try:
        expected["tables"][name] = said(name)
    except Exception as error:
        print(name, "not read by deltalake:", error)
    for entry in os.listdir(os.path.join(root, name)):
        if entry != "_delta_log":
            shutil.rmtree(os.path.join(root, name, entry))
with open(os.path.join(root, "expected.json"), "w") as out:
    json.dump(expected, out, indent=2)
    out.write("\n")
