"""What bench/compare shows: the median and spread of its rounds, as a table, a plot and JSON."""

import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass
class Spread:
    median: float
    low: float
    high: float
    rounds: list

    @classmethod
    def of(cls, values):
        values = list(values)
        return cls(statistics.median(values), min(values), max(values), values) if values else None


class Row:
    """One measure of both programs on one file: {round: value} of each, {round: Roof} of those that
    have one, and {program: why it was given up}."""

    def __init__(self, file, title, unit, ours, peer, roofs, why):
        self.file, self.title, self.unit, self.why = file, title, unit, why
        self.ours, self.peer = Spread.of(ours.values()), Spread.of(peer.values())
        # Only what was measured in the same round is worth something beside one another.
        self.ratio = Spread.of([ours[n] / peer[n] for n in ours if n in peer])
        self.roof = Spread.of([roof.tok_s for roof in roofs.values()])
        self.ours_of_roof = Spread.of([ours[n] / roofs[n].tok_s for n in roofs])
        self.peer_of_roof = Spread.of([peer[n] / roofs[n].tok_s for n in roofs if n in peer])
        bounds = [roof.bound for roof in roofs.values()]
        self.bound = max(bounds, key=bounds.count) if bounds else None
        self.read_bytes_s = Spread.of([roof.read_bytes_s for roof in roofs.values()])
        self.int8_ops_s = Spread.of([roof.int8_ops_s for roof in roofs.values()])

    @property
    def label(self):
        return self.title if self.unit == "tok/s" else f"{self.title}, {self.unit}"

    def as_json(self):
        spreads = {name: getattr(self, name) and asdict(getattr(self, name))
                   for name in ("ours", "peer", "ratio", "roof", "ours_of_roof", "peer_of_roof",
                                "read_bytes_s", "int8_ops_s")}
        return {"file": self.file, "test": self.title, "unit": self.unit,
                "handmill": spreads.pop("ours"), "handmill_of_roof": spreads.pop("ours_of_roof"),
                "bound": self.bound, "failures": self.why, **spreads}


@dataclass
class Report:
    rows: list
    cpu: str
    memory: str
    date: str
    threads: int
    kv: str
    rounds: int
    repeats: int
    versions: dict  # {the peer's name: …, "handmill": …}
    prompt_tokens: dict  # of each file's start; empty where no start was measured
    start_context: int

    @property
    def peer(self):
        return next(iter(self.versions))

    def as_json(self):
        kept = {key: value for key, value in vars(self).items() if key != "rows"}
        return kept | {"rows": [row.as_json() for row in self.rows]}


def number(value):
    """Three digits, or all before the point."""
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2 if value >= 0.9995 else 3
    return f"{value:,.{digits}f}"


def with_range(spread, form=number):
    if spread is None:
        return "–"
    text = form(spread.median)
    low, high = form(spread.low), form(spread.high)
    return text if low == high else f"{text} ({low}–{high})"


def per_cent(value):
    return f"{100 * value:.0f} %"


def short_name(file):
    """A file's name as text that any of our formats can hold."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in Path(file).stem)


def counted(n, thing):
    return f"{n} {thing}" + ("s" if n != 1 else "")


def summary(report):
    """The sentences that stand over the table."""
    lines = [f"{report.cpu}, {counted(report.threads, 'thread')}, {report.memory} of memory; "
             f"{report.date}.",
             "; ".join(f"{name} {version}" for name, version in report.versions.items()) + ".",
             f"Key/value cache {report.kv}, or as a row says. {counted(report.rounds, 'round')} of "
             f"{counted(report.repeats, 'repeat')}, in which the two take turns, the order "
             "alternating: medians, in brackets the lowest and the highest round. A ratio is the "
             f"median of the rounds' ratios, handmill / {report.peer}."]
    lines += roofs_told(report)
    if report.prompt_tokens:
        counts = " or ".join(map(str, sorted(set(report.prompt_tokens.values()))))
        lines.append("The start is from process start to the first token of the answer to "
                     f"{counts} tokens, with the file in the page cache and room for "
                     f"{report.start_context} tokens; there, and of memory, less is better.")
    return lines


def roofs_told(report):
    """What the machine could do in all the rounds of all the tests."""
    def over_all(name, form):
        rounds = [value / 1e9 for row in report.rows if getattr(row, name)
                  for value in getattr(row, name).rounds]
        return with_range(Spread.of(rounds), form.format)
    if not any(row.roof for row in report.rows):
        return []
    return [f"Beside handmill's tests the machine read {over_all('read_bytes_s', '{:.1f}')} GB/s "
            f"and did {over_all('int8_ops_s', '{:,.0f}')} GOP/s of int8 products. A roof is the "
            "speed that the first of these allows a decode, the second a prefill, and the nearer "
            "a batch."]


def cell(text):
    return text.replace("\\", "\\\\").replace("|", "\\|")


def markdown(report):
    peer, with_roofs = report.peer, any(row.roof for row in report.rows)
    head = ["file", "test", peer, "handmill", "ratio"]
    if with_roofs:
        head += ["roof", f"{peer} of it", "handmill of it"]
    lines = [*summary(report), "Speeds are in tokens per second, of all sequences together.", "",
             f"| {' | '.join(map(cell, head))} |", "|---|---|" + "---:|" * (len(head) - 2)]
    last, notes = None, []
    for row in report.rows:
        cells = [cell(short_name(row.file)) if row.file != last else "", row.label,
                 value_or_note(row.peer, row.why.get(peer), notes),
                 value_or_note(row.ours, row.why.get("handmill"), notes),
                 with_range(row.ratio, "{:.2f}".format)]
        if with_roofs:
            cells += [with_range(row.roof) + (f" {row.bound}" if row.roof else ""),
                      with_range(row.peer_of_roof, per_cent),
                      with_range(row.ours_of_roof, per_cent)]
        lines.append(f"| {' | '.join(cells)} |")
        last = row.file
    if notes:
        lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))]
    return "\n".join(lines) + "\n"


def value_or_note(spread, failure, notes):
    """A failure is a number of the list below the table; the same one has the same number."""
    if failure is None:
        return with_range(spread)
    words = "; ".join(line.strip() for line in failure.splitlines()
                      if not line.strip().startswith("the command: "))
    note = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    if note not in notes:
        notes.append(note)
    return f"{with_range(spread)} (note {notes.index(note) + 1})"


# The plot: a row has its label, two bars, two values and the ratio, from left to right.
WIDTH, MARGIN, BARS, BARS_END, VALUES = 860, 20, 250, 560, 572
BAR, ROW, HEADING, TOP = 11, 38, 34, 112

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c1c1e }
.page { fill: #ffffff }
.title { font-size: 17px; font-weight: 600 }
.file, .ratio { font-weight: 600 }
.small { font-size: 11px; fill: #5c5c63 }
.peer { fill: #8e97a6 }
.ours { fill: #c2571a }
.track { fill: #eef0f3 }
.whisker { stroke: #1c1c1e; stroke-width: 1.2; fill: none }
.roof { stroke: #5c5c63; stroke-width: 1.5; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #ececf0 }
  .page { fill: #17181b }
  .small { fill: #a4a6ae }
  .peer { fill: #7c8595 }
  .ours { fill: #ee8a4c }
  .track { fill: #24262b }
  .whisker { stroke: #ececf0 }
  .roof { stroke: #a4a6ae }
}
"""


def text(x, y, words, style="", end=False):
    anchor = ' text-anchor="end"' if end else ""
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}"{kind}{anchor}>{escape(words)}</text>'


def bar(y, spread, of_roof, bound, style, scale):
    """A bar, its whisker from the lowest to the highest round, and its value."""
    out = [f'<rect class="track" x="{BARS}" y="{y}" width="{BARS_END - BARS}" height="{BAR}"/>']
    if spread:
        low, high = (f"{BARS + scale * value:.1f}" for value in (spread.low, spread.high))
        middle = y + BAR / 2
        out += [f'<rect class="{style}" x="{BARS}" y="{y}" width="{scale * spread.median:.1f}" '
                f'height="{BAR}"/>',
                f'<path class="whisker" d="M{low} {middle - 3}v6m0 -3H{high}m0 -3v6"/>']
    words = with_range(spread)
    words += f", {per_cent(of_roof.median)} of the {bound} roof" if of_roof else ""
    out.append(text(VALUES, y + BAR - 1.5, words, "small"))
    return out


def plot_row(row, y):
    """Every row has its own scale: tokens of prefill and of decode have no common one."""
    longest = [spread.high for spread in (row.ours, row.peer, row.roof) if spread]
    scale = (BARS_END - BARS) / max(longest, default=1)
    out = [text(MARGIN, y + BAR + 5, row.label),
           *bar(y, row.peer, row.peer_of_roof, row.bound, "peer", scale),
           *bar(y + BAR + 3, row.ours, row.ours_of_roof, row.bound, "ours", scale)]
    if row.roof:
        x = f"{BARS + scale * row.roof.median:.1f}"
        out.append(f'<line class="roof" x1="{x}" x2="{x}" y1="{y - 3}" y2="{y + 2 * BAR + 6}"/>')
    if row.ratio:
        out.append(text(WIDTH - MARGIN, y + BAR + 6, f"{row.ratio.median:.2f}×", "ratio", end=True))
    return out


def head(title, first, second, peer, versions):
    """Title, two lines of notes, and what the bars are."""
    return [text(MARGIN, 32, title, "title"),
            text(MARGIN, 52, first, "small"),
            text(MARGIN, 68, second, "small"),
            f'<rect class="peer" x="{MARGIN}" y="82" width="{BAR}" height="{BAR}"/>',
            text(MARGIN + 17, 92, f"{peer} {versions[peer]}"),
            f'<rect class="ours" x="{WIDTH // 2}" y="82" width="{BAR}" height="{BAR}"/>',
            text(WIDTH // 2 + 17, 92, f"handmill {versions['handmill']}"),
            text(WIDTH - MARGIN, 92, "ratio", "small", end=True)]


def page(title, body, height):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">', f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>", f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        *body, "</svg>", ""])


def svg(report):
    peer = report.peer
    note = "Every pair of bars has its own scale; whiskers: lowest and highest round"
    note += "; dashed: the roof." if any(row.roof for row in report.rows) else "."
    body = head(f"handmill beside {peer}",
                f"{summary(report)[0]} Speeds in tokens per second.", note, peer, report.versions)
    y, last = TOP, None
    for row in report.rows:
        if row.file != last:
            body.append(text(MARGIN, y + 18, short_name(row.file), "file"))
            y, last = y + HEADING, row.file
        body += plot_row(row, y)
        y += ROW
    return page(f"handmill beside {peer}", body, y + 8)
