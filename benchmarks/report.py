"""The figures as a table, as JSON, and as a chart of cost against rows."""

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gmpy2
import matplotlib as mpl
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

SVG = {"svg.hashsalt": "veilmart", "svg.fonttype": "none"}
"""The same figures give the same file, with text as text."""
_THOUSAND = 1000
MAX_SHARE, MAX_GCD = 0.05, 1.0
"""Of a provider's checks in a job's CPU time; CPU seconds for the gcd of 10,000 ciphertexts."""


def machine() -> dict[str, str]:
    """Give what the figures depend on."""
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": f"{len(model)} × {model[0]}",
        "python": platform.python_version(),
        "gmp": gmpy2.mp_version(),
    }


def show(ratios: Sequence[tuple[str, int, str, float, float | None]], figures: dict[str, Any]) -> None:
    """Print every ratio beside what it has to be, and the figures that are no ratio to a peer."""
    table = Table(title="CPU time of the peer ÷ CPU time of Veilmart, for the same work", title_justify="left")
    for name in ("work", "bits", "peer", "times", "at least"):
        table.add_column(name, justify="left" if name in {"work", "peer"} else "right")
    for work, bits, peer, ratio, required in ratios:
        missed = required is not None and ratio < required
        found = f"[red]{ratio:.2f}[/]" if missed else f"{ratio:.2f}"
        table.add_row(work, str(bits), peer, found, "" if required is None else f"{required:g}")
    many = figures["scoring_many"]
    others = Table(title="Other figures", title_justify="left")
    for name in ("figure", "found", "at most"):
        others.add_column(name, justify="left" if name == "figure" else "right")
    kernels = [*figures["scoring"], *figures["histogram"], many]
    for record in kernels:
        what = f"{record['work']}, {record['rows']:,} rows, {record['bits']} bits: kernel ÷"
        others.add_row(f"{what} its modular products", f"{record['kernel_over_products']:.2f}", "1.15")
        others.add_row(f"{what} its products at their lengths", f"{record['kernel_over_floor']:.2f}", "")
    for record in figures["bands"]:
        what = f"banded answer, {record['values']} values, {record['bits']} bits:"
        others.add_row(f"{what} tests ÷ as many r^n", f"{record['tests_over_floor']:.2f}", "0.4")
        for side, cost in record["cpu_ms_per_row"].items():
            others.add_row(f"{what} {side}, CPU ms a row", f"{cost:.0f}", "")
    others.add_row(
        f"{many['rows']:,} rows: seconds on {many['processes']} processes", f"{many['wall_seconds']:.1f}", "75"
    )
    others.add_row(f"{many['rows']:,} rows: peak memory of all processes, MiB", f"{many['peak_mib']:.0f}", "1024")
    console = Console(width=120)
    console.print(table)
    console.print(others)
    show_enrolment(figures["key_enrolment"])
    show_joint(figures["joint"])
    show_desk(figures["model_desk"])
    show_checks(figures["checks"])
    show_log(figures["log"])
    show_search(figures["search"])
    show_users(figures["users"])


def show_joint(figures: dict[str, Any]) -> None:
    """Print everything of joint statistics."""
    show_joint_statistics(figures["statistics"])
    show_alphabet_proofs(figures["alphabet_proofs"])
    show_alignment(figures["alignment"])
    show_disclosure(figures["disclosure"])


def show_enrolment(figures: dict[str, Any]) -> None:
    """Print what it takes to enrol a key, in seconds and in r^n at the key's length."""
    table = Table(title="Enrolling a key, CPU time on one core", title_justify="left")
    for name in ("work", "bits", "seconds", "÷ one r^n", "seconds at most"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for record in figures["works"]:
        at_most = record["at_most"]
        missed = at_most is not None and record["cpu_seconds"] > at_most
        seconds = f"{record['cpu_seconds']:.3f}"
        table.add_row(
            record["work"],
            str(record["bits"]),
            f"[red]{seconds}[/]" if missed else seconds,
            f"{record['powers']:.1f}",
            "" if at_most is None else f"{at_most:g}",
        )
    made = figures["parameters_cpu_seconds"]
    table.add_row("parameters of 3072 bits, made once: mean", "", f"{made['mean']:.1f}", "", "")
    table.add_row("  the slowest", "", f"{made['most']:.1f}", "", "")
    Console(width=120).print(table)


def show_disclosure(records: Sequence[dict[str, Any]]) -> None:
    """Print what disclosure control takes of a question, in seconds."""
    table = Table(
        title=f"Disclosure control, {records[0]['rows']:,} rows, CPU time on one core", title_justify="left"
    )
    for name in ("work", "seconds", "seconds at most"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for record in records:
        at_most = record["at_most"]
        missed = at_most is not None and record["cpu_seconds"] > at_most
        seconds = f"{record['cpu_seconds']:.3f}"
        shown = f"[red]{seconds}[/]" if missed else seconds
        table.add_row(record["work"], shown, "" if at_most is None else f"{at_most:g}")
    Console(width=120).print(table)


def show_joint_statistics(figures: dict[str, Any]) -> None:
    """Print what WOE and IV of many columns take, beside peers, and what a row takes as rows become many."""
    compared, many = figures["compared"], figures["many"]
    work = f"{compared['rows']:,} rows × {compared['columns']} columns, {compared['bits']} bits"
    title = f"WOE and IV of {work}, one process"
    ours = Table(title=title, title_justify="left")
    for name in ("work", "CPU seconds"):
        ours.add_column(name, justify="left" if name == "work" else "right")
    for part, seconds in compared["parts"].items():
        ours.add_row(f"  {part}", f"{seconds:.3f}")
    ours.add_row("all of it", f"{compared['cpu_seconds']:.2f}")
    peers = Table(title="The same, CPU time of the peer ÷ CPU time of Veilmart", title_justify="left")
    for name in ("peer", "labels", "rows timed", "CPU seconds", "times", "at least"):
        peers.add_column(name, justify="left" if name in {"peer", "labels"} else "right")
    for labels, times in compared["times"].items():
        for peer, ratio in times.items():
            required = compared["required"].get(peer)
            shown = f"[red]{ratio:.2f}[/]" if required is not None and ratio < required else f"{ratio:.2f}"
            peers.add_row(
                peer,
                labels,
                f"{compared['timed_rows'][peer]:,}",
                f"{compared['peers_cpu_seconds'][labels][peer]:.1f}",
                shown,
                "" if required is None else f"{required:g}",
            )
    grown = Table(title="CPU ms of a row", title_justify="left")
    for name in ("rows", *figures["curve"][0]["cpu_ms_per_row"]):
        grown.add_column(name, justify="right")
    for record in figures["curve"]:
        grown.add_row(f"{record['rows']:,}", *(f"{cost:.3f}" for cost in record["cpu_ms_per_row"].values()))
    wall, at_most = many["wall_seconds"], many["at_most"]
    missed = at_most is not None and wall > at_most
    shown = f"[red]{wall:.1f}[/]" if missed else f"{wall:.1f}"
    limit = "" if at_most is None else f", at most {at_most:g}"
    console = Console(width=120)
    for table in (ours, peers, grown):
        console.print(table)
    console.print(f"{many['rows']:,} rows, proof and all: {shown} s on {many['processes']} processes{limit}\n")


def show_alphabet_proofs(records: Sequence[dict[str, Any]]) -> None:
    """Print what each row of a label vector costs, in milliseconds and in r^n at the key's length."""
    table = Table(title="Label vectors, CPU time of one row on one core", title_justify="left")
    for name in ("work", "bits", "classes", "rows", "ms", "÷ one r^n", "ms at most", "bytes of proof"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for record in records:
        at_most = record["at_most"]
        missed = at_most is not None and record["cpu_ms_per_row"] > at_most
        milliseconds = f"{record['cpu_ms_per_row']:.3f}"
        table.add_row(
            record["work"],
            str(record["bits"]),
            str(record["classes"]),
            f"{record['rows']:,}",
            f"[red]{milliseconds}[/]" if missed else milliseconds,
            f"{record['powers']:.3f}",
            "" if at_most is None else f"{at_most:g}",
            f"{record['proof_bytes_per_row']:.0f}",
        )
    Console(width=120).print(table)


def show_alignment(figures: dict[str, Any]) -> None:
    """Print what it takes to align a cohort with a table, step by step, beside the multiplications alone."""
    rows = f"{figures['rows']:,}"
    title = f"Aligning {rows} × {rows} ids, {figures['shared']:,} shared, {figures['processes']} processes"
    table = Table(title=title, title_justify="left")
    for name in ("work", "seconds", "seconds at most"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for name, seconds in figures["steps"].items():
        table.add_row(f"  {name}", f"{seconds:.2f}", "")
    wall, at_most = figures["wall_seconds"], figures["at_most"]
    missed = at_most is not None and wall > at_most
    shown = f"[red]{wall:.2f}[/]" if missed else f"{wall:.2f}"
    table.add_row("all of it, wall", shown, "" if at_most is None else f"{at_most:g}")
    table.add_row("all of it, CPU", f"{figures['cpu_seconds']:.2f}", "")
    table.add_row("floor: X25519 exchanges alone, CPU", f"{figures['floor_cpu_seconds']:.2f}", "")
    table.add_row("CPU ÷ floor", f"{figures['over_floor']:.2f}", "")
    Console(width=120).print(table)


def show_desk(figures: dict[str, Any]) -> None:
    """Print what a review of one model takes, in seconds and beside the encryptions that it must make anew."""
    title = f"The model desk: {figures['bins']} bins at {figures['bits']} bits, CPU time on one core"
    table = Table(title=title, title_justify="left")
    for name in ("work", "seconds", f"÷ {figures['bins']} r^n", "seconds at most"):
        table.add_column(name, justify="left" if name == "work" else "right")
    floor = f"{figures['bins']} encryptions, with the r that the bank chose"
    table.add_row(floor, f"{figures['floor_cpu_seconds']:.3f}", "1", "")
    for record in figures["works"]:
        at_most = record["at_most"]
        missed = at_most is not None and record["cpu_seconds"] > at_most
        seconds = f"{record['cpu_seconds']:.3f}"
        table.add_row(
            record["work"],
            f"[red]{seconds}[/]" if missed else seconds,
            f"{record['over_floor']:.2f}",
            "" if at_most is None else f"{at_most:g}",
        )
    Console(width=120).print(table)


def show_checks(figures: Sequence[dict[str, Any]]) -> None:
    """Print what a provider's checks of a job take, part by part, and what share of the job that is."""
    for record in figures:
        title = f"A provider's checks of {record['rows']:,} rows, {record['bits']} bits"
        table = Table(title=title, title_justify="left")
        for name in ("figure", "found", "has to be"):
            table.add_column(name, justify="left" if name == "figure" else "right")
        for part, seconds in record["cpu_seconds"].items():
            table.add_row(f"{part}: CPU ms", f"{1000 * seconds:,.0f}", "")
        missed = record["share"] > MAX_SHARE
        share = f"{100 * record['share']:.1f}"
        table.add_row("share of the job: %", f"[red]{share}[/]" if missed else share, f"≤ {100 * MAX_SHARE:g}")
        table.add_row("share of the provider's time: %", f"{100 * record['share_of_provider']:.1f}", "")
        what = f"range and gcd of {record['ciphertexts']:,} ciphertexts: CPU s"
        table.add_row(what, f"{record['gcd_seconds']:.2f}", f"≤ {MAX_GCD:g}")
        Console(width=120).print(table)


def show_log(figures: dict[str, Any]) -> None:
    """Print what the audit log does, beside what it has to, and what others publish of theirs."""
    table = Table(title="The audit log, on SQLite; the load generator shares the machine", title_justify="left")
    for name in ("figure", "found", "has to be"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    single, batched, embedded = figures["single"], figures["batched"], figures["embedded"]
    verified = figures["verified"]
    proofs = verified["proofs"]
    entries = f"{verified['entries']:,} entries"
    rows: list[tuple[str, float, str]] = [
        ("durable events/s over HTTPS, one a request, 16 writers", single["events_per_second"], "≥ 400"),
        ("  its disk: fsyncs/s of 4 KiB, one after the other", single["syncs_per_second"], ""),
        ("  its server: CPU ms a request", single["server_cpu_ms_per_request"], ""),
        ("  its server: resident MiB, all processes", single["server_mib"], ""),
        ("durable events/s over HTTPS, 20 a request, 16 writers", batched["events_per_second"], "≥ 2,500"),
        ("  its server: CPU ms a request", batched["server_cpu_ms_per_request"], ""),
        ("durable events/s embedded, groups of 1,000", embedded["events_per_second"], "≥ 20,000"),
        ("  its disk: fsyncs/s of 4 KiB, one after the other", embedded["syncs_per_second"], ""),
        (f"receipt of one of {entries}, embedded: p95 ms", proofs["embedded"]["p95_ms"], "≤ 5"),
        (f"receipt of one of {entries}, over HTTPS: p95 ms", proofs["https"]["p95_ms"], "≤ 5"),
        (f"verification of {entries}, the tree: seconds", verified["tree_seconds"], "≤ 60"),
        (f"verification of {entries}, signatures too: seconds", verified["seconds"], "≤ 180"),
        ("  its memory, all processes: MB", verified["megabytes"], ""),
    ]
    for name, found, required in rows:
        table.add_row(name, f"{found:,.4g}" if found < _THOUSAND else f"{found:,.0f}", required)
    for name, rate in figures["published"].items():
        table.add_row(f"published, not measured here: {name}", rate, "")
    Console(width=120).print(table)


def show_search(figures: dict[str, Any]) -> None:
    """Print what finding products takes, by class of query and database."""
    at_most = figures["at_most_ms"]
    for database, found in figures["databases"].items():
        title = f"Finding among {figures['products']:,} products over HTTPS, with facets, on {database}: ms"
        table = Table(title=title, title_justify="left")
        for name in ("query", "p50", "p95", "max", "p95 at most"):
            table.add_column(name, justify="left" if name == "query" else "right")
        for query, took in found["ms"].items():
            p95 = f"[red]{took['p95']:.1f}[/]" if took["p95"] > at_most else f"{took['p95']:.1f}"
            table.add_row(query, f"{took['p50']:.1f}", p95, f"{took['max']:.1f}", f"{at_most:g}")
        for wanted, took in found["matches_ms"].items():
            table.add_row(wanted, *(f"{took[each]:.1f}" for each in ("p50", "p95", "max")))
        Console(width=120).print(table)


def show_users(figures: dict[str, Any]) -> None:
    """Print how long fifty users waited, by endpoint, beside what it has to be, and every error."""
    for name in ("with pauses", "without pauses"):
        found = figures[name]
        title = (
            f"{found['users']} users {name}, {found['seconds']:.0f} s, PostgreSQL: "
            f"{found['requests_per_second']:.0f} requests/s, "
            f"{found['server_cpu_ms_per_request']:.1f} ms of the server's CPU each"
        )
        table = Table(title=title, title_justify="left")
        for column in ("endpoint", "requests", "p50 ms", "p95 ms", "max ms"):
            table.add_column(column, justify="left" if column == "endpoint" else "right")
        for endpoint, times in [*found["endpoints"].items(), ("all", found["all"])]:
            table.add_row(
                endpoint, str(times["requests"]), *(f"{times[each]:.0f}" for each in ("p50", "p95", "max"))
            )
        Console(width=120).print(table)
        for error, count in found["errors"].items():
            Console(width=120).print(f"[red]{count} × {error}[/]")
    Console(width=120).print(f"with pauses, p95 of all: at most {figures['at_most_ms']:.0f} ms")


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the figures, rounded to what is worth telling."""
    path.write_text(json.dumps(_rounded(content), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def draw(
    path: Path, title: str, rows: Sequence[int], ours: dict[str, Sequence[float]], peers: dict[str, float]
) -> None:
    """Draw the CPU milliseconds per row against the number of rows; a peer's do not depend on it."""
    with mpl.rc_context(SVG):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for name, costs in ours.items():
            axes.loglog(rows, costs, marker="o", label=name)
        for name, cost in peers.items():
            axes.loglog(rows, [cost] * len(rows), linestyle="--", label=name)
        axes.set_xlabel("rows")
        axes.set_ylabel("CPU ms per row")
        axes.set_title(title, loc="left")
        axes.grid(visible=True, which="major", alpha=0.3)
        figure.legend(loc="outside lower center", ncols=3)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {name: _rounded(each) for name, each in value.items()}
        case list():
            return [_rounded(each) for each in value]
    return value
