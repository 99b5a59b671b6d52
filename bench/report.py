"""The measured series as Markdown tables, the ratios, and the aims with what was reached."""

import datetime
import os
import platform
import re
import statistics
from pathlib import Path

# Two parts, so that one can be measured again without the other: beside other clients, and the daemon.
PARTS = ("clients", "daemon")
MIB = 24


def scaled(row, value, base):
    """What was measured of n, for all that were wanted: a fixed part and one for each, if the fixed part is known."""
    if row.n == row.full:
        return value
    if row.base:
        return base + max(0.0, value - base) * (row.full - 1) / (row.n - 1)
    return value * row.full / row.n


def walls(row):
    return sorted(scaled(row, sample.wall, row.base.wall if row.base else 0) for sample in row.samples)


def wall(row):
    return statistics.median(walls(row))


def seconds(value):
    if value < 0.1:
        return f"{value:.4f}"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def wall_text(row):
    times = walls(row)
    text = seconds(statistics.median(times))
    return f"{text} ({seconds(times[0])}-{seconds(times[-1])})" if len(times) > 1 else text


def peak(row):
    return max(sample.peak for sample in row.samples)


def line(row, own, per):
    if not row.samples:
        return f"| {row.client} | failed | | | | |" + (" |" if per else "")
    measured = f"{len(row.samples)} of {row.n}" if row.n < row.full else str(len(row.samples))
    cpu = statistics.median(scaled(row, sample.cpu, row.base.cpu if row.base else 0) for sample in row.samples)
    ratio = "" if own is None or row is own else f"{wall(row) / wall(own):.1f}"
    rate = f" {row.full / wall(row):.1f} |" if per else ""
    return f"| {row.client} | {measured} | {wall_text(row)} |{rate} {ratio} | {seconds(cpu)} | {peak(row):.1f} |"


def table(title, rows):
    per = "certificates" in title and "pass" not in title
    own = next((row for row in rows if row.client == "everleaf" and row.samples), None)
    head = f"| client | runs | wall s |{' certificates/s |' if per else ''} times Everleaf | CPU s | peak MiB |"
    lines = [f"### {title[0].upper()}{title[1:]}", "", head, "|" + "---|" * (head.count("|") - 1)]
    lines += [line(row, own, per) for row in rows]
    fewer = [f"{row.client} {row.n}{' and 1' if row.base else ''}" for row in rows if row.n != row.full]
    if fewer:
        lines += ["", f"Measured with fewer than {rows[0].full} and scaled, since each takes as long as the one before: "
                  + ", ".join(fewer) + "."]
    ways = [f"{row.client} {row.how}" for row in rows if row.how and "in one command" in title]
    if ways:
        lines += ["", "In one command: " + "; ".join(ways) + "."]
    return lines + [""]


def aims(series):
    """(what, aim, reached, met) for each aim that was measured."""
    own = {title: next((row for row in rows if row.client == "everleaf" and row.samples), None)
           for title, rows in series.items()}
    result = []
    for title, limit in (("one certificate", 0.06), ("100 names in one certificate", 1.0),
                         ("100 names in one certificate, 50 ms round trip", 3.0),
                         ("pass over 5000 certificates, none due", 0.1), ("start-up (--version)", 0.010)):
        if own.get(title):
            result.append((title, f"below {limit:g} s", f"{seconds(wall(own[title]))} s", wall(own[title]) < limit))
    for title in ("100 certificates in one command", "1000 certificates in one command"):
        if own.get(title):
            rate = own[title].full / wall(own[title])
            result.append((title, "above 100 a second", f"{rate:.0f} a second", rate > 100))
    title = "50 names by dns-01 (RFC 2136, BIND)"
    lego = next((row for row in series.get(title, []) if row.client == "lego" and row.samples), None)
    if own.get(title) and lego:
        times = wall(lego) / wall(own[title])
        result.append((title, "ten times faster than lego", f"{times:.0f} times", times > 10))
    peaks = [peak(row) for rows in series.values() for row in rows if row.client.startswith("everleaf") and row.samples]
    if peaks:
        result.append(("peak memory, in all of them", f"below {MIB} MiB", f"{max(peaks):.1f} MiB", max(peaks) < MIB))
    return result


def plain_table(one):
    lines = [f"### {one.title}", "", f"| {' | '.join(one.head)} |", "|" + "---|" * len(one.head)]
    lines += [f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in cells)} |" for cells in one.lines]
    return lines + (["", *one.notes] if one.notes else []) + [""]


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) / 1048576
    release = Path("/etc/debian_version").read_text().strip()
    return (f"{cpu[1] if cpu else platform.machine()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, "
            f"Linux {platform.release()}, Debian {release}")


def begin(part):
    return f"<!-- {part}: begin, written by bench/run -->"


def end(part):
    return f"<!-- {part}: end -->"


def markdown(bench, quick, took_s):
    """A text for each part that something was measured of."""
    all_aims = {"clients": aims(bench.series), "daemon": [aim for one in bench.tables for aim in one.aims]}
    tables = {"clients": [table(title, rows) for title, rows in bench.series.items()],
              "daemon": [plain_table(one) for one in bench.tables]}
    return {part: part_text(bench, part, all_aims[part], tables[part], quick, took_s) for part in PARTS if tables[part]}


def part_text(bench, part, its_aims, tables, quick, took_s):
    versions = ", ".join(f"{name} {version}" for name, version in sorted(bench.versions.items(), key=lambda v: v[0].lower()))
    load = os.getloadavg()[2]
    lines = [begin(part), "", f"Measured {datetime.date.today().isoformat()} in a run of {took_s:.0f} s on {machine()}. "
             f"Load of the last 15 minutes {load:.1f}.", "", f"Versions: {versions}.", ""]
    if quick:
        lines += ["**A quick run: few rounds, much scaled. Not for comparing.**", ""]
    if its_aims:
        lines += ["| aim | wanted | reached | met |", "|---|---|---|---|"]
        lines += [f"| {what} | {want} | {got} | {'yes' if met else '**no**'} |" for what, want, got, met in its_aims] + [""]
    for one in tables:
        lines += one
    lines += [f"* {note}" for note in bench.notes] + ([""] if bench.notes else [])
    return "\n".join([*lines, end(part)])


def write(file, texts):
    """Puts each part between its marks; the other part, and what is written by hand around them, stays."""
    text = file.read_text() if file.exists() else "# Performance\n\n" + "\n\n".join(begin(part) + end(part) for part in PARTS) + "\n"
    for part, new in texts.items():
        head, rest = text.split(begin(part), 1)
        text = head + new + rest.split(end(part), 1)[1]
    file.write_text(text)
