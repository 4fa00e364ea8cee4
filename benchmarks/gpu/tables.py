"""What was measured, as the tables of docs/kernels.md."""

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.gpu.goals import GOALS
from benchmarks.gpu.results import Record, failure
from benchmarks.gpu.speed import MATMUL, MATMULS, OURS

FIRST = (MATMULS, MATMUL, "softmax, written out", "ukan", "nn.Linear of the same width")  # what ours is divided by


def report(key: str, records: Mapping[str, Record], left: Sequence[str]) -> str:
    """All of it, the goals last."""
    parts = [key, *correctness(records), *races(records), *memory(records), *failures(records, left), goals(records)]
    return "\n\n".join(parts) + "\n"


def correctness(records: Mapping[str, Record]) -> Iterator[str]:
    """The largest error of each layer: one line of each in the numbers that it was run in."""
    lines = ["| layer, numbers | largest error | of | plain has | |", "|---|---:|---|---:|---|"]
    for name, record in _of("right", records):
        if "errors" in record:
            worst = max(record["errors"], key=record["errors"].get)
            state = "wrong" if failure(record) else "right, and the same bits again"
            lines.append(f"| {name} | {record['errors'][worst]:.1e} | {worst} | {record['plain'][worst]:.1e} | {state} |")
    if len(lines) > 2:
        yield "Errors over the largest value, against the definition in float64:\n\n" + "\n".join(lines)


def races(records: Mapping[str, Record]) -> Iterator[str]:
    """A table for each race."""
    for name, record in _of("speed", records):
        if failure(record) is None:
            rows = record["rows"]
            first = next((other for other in FIRST if "ms" in rows.get(other, {})), OURS)
            lines = [f"| {name} | ms | middle half | over {first} |", "|---|---:|---:|---:|"]
            for other, row in rows.items():
                if "ms" in row:
                    ratio = row["ms"] / rows[first]["ms"]
                    lines.append(f"| {other} | {row['ms']:.4g} | {row['spread']:.2g} | {ratio:.2f}x |")
                else:
                    lines.append(f"| {other} | {row['note']} | | |")
            yield "\n".join(lines)


def memory(records: Mapping[str, Record]) -> Iterator[str]:
    """One table of all."""
    lines = ["| a step of | saved MB | peak MB |", "|---|---:|---:|"]
    for name, record in _of("memory", records):
        for other, row in record.get("rows", {}).items():
            cells = [f"{row[number] / 1e6:.2f}" if number in row else row.get("note", "") for number in ("saved", "peak")]
            lines.append(f"| {name}: {other} | {' | '.join(cells)} |")
    if len(lines) > 2:
        yield "\n".join(lines)


def failures(records: Mapping[str, Record], left: Sequence[str]) -> Iterator[str]:
    """What failed and why, and what is left over."""
    failed = [f"- {name}: {why}" for name, record in records.items() if (why := failure(record)) is not None]
    if failed:
        yield "Failed (tried again by the next call):\n\n" + "\n".join(failed)
    if left:
        yield "Time ran out; call again, which goes on, for:\n\n" + "\n".join(f"- {name}" for name in left)


def goals(records: Mapping[str, Record]) -> str:
    """The verdict on each."""
    lines = ["| goal | | |", "|---|---|---|"]
    lines += [f"| {goal.what} | {' | '.join(goal.judge(records))} |" for goal in GOALS]
    return "\n".join(lines)


def _of(part: str, records: Mapping[str, Record]) -> Iterator[tuple[str, Record]]:
    for name, record in records.items():
        kind, _, what = name.partition(": ")
        if kind == part:
            yield what, record
