"""What bench/serve shows: both servers side by side, and what handmill bears, as a table, a plot
and JSON."""

from dataclasses import asdict, dataclass, field

from compare_report import (BAR, BARS, BARS_END, MARGIN, TOP, VALUES, WIDTH, Spread, cell, head,
                            number, page, short_name, text, with_range)


class Row:
    """A measure of both servers, a value for each round that both did."""

    def __init__(self, file, scenario, measure, ours, peer):
        self.file, self.scenario, self.measure = file, scenario, measure
        self.ours, self.peer = Spread.of(ours), Spread.of(peer)
        self.ratio = Spread.of([a / b for a, b in zip(ours, peer) if b])

    @property
    def label(self):
        return f"{self.measure.title}, {self.measure.unit}"

    def as_json(self):
        return {"file": self.file, "scenario": self.scenario, "measure": self.measure.title,
                "unit": self.measure.unit, "less_is_better": self.measure.less_is_better,
                **{name: spread and asdict(spread) for name, spread in
                   (("handmill", self.ours), ("peer", self.peer), ("ratio", self.ratio))}}


@dataclass
class Report:
    rows: list
    endurance: dict  # {(file, test): {what: number}}
    cpu: str
    memory: str
    date: str
    versions: dict  # {the peer's name: …, "handmill": …}
    settings: dict
    sizes: dict
    rounds: int
    runs: list = field(default_factory=list)  # the generator's own figures

    @property
    def peer(self):
        return next(iter(self.versions))

    def as_json(self):
        kept = {key: value for key, value in vars(self).items() if key not in ("rows", "endurance")}
        tests = [{"file": file, "test": test, "found": found}
                 for (file, test), found in self.endurance.items()]
        return kept | {"rows": [row.as_json() for row in self.rows], "endurance": tests}


def summary(report):
    s, sizes = report.settings, report.sizes
    lines = [f"{report.cpu}, {report.memory} of memory; {report.date}.",
             "; ".join(f"{name} {version}" for name, version in report.versions.items()) + ".",
             f"{s['threads']} threads, {s['slots']} slots of {s['context']} tokens."]
    if report.rows:
        rounds = "1 round" if report.rounds == 1 else f"{report.rounds} rounds"
        lines.append(
            f"Prompts of {sizes['prompt']} tokens, answers of {sizes['output']}, greedy. {rounds} "
            "in which the two take turns, the order alternating, each time with a new server: "
            "medians, in brackets the lowest and the highest round. A ratio is the median of the "
            f"rounds' ratios, handmill / {report.peer}; of times, less is better.")
    return lines


def markdown(report):
    lines = summary(report)
    if report.rows:
        head = ["file", "scenario", "", report.peer, "handmill", "ratio"]
        lines += ["", f"| {' | '.join(map(cell, head))} |", "|---|---|---|---:|---:|---:|"]
    last = (None, None)
    for row in report.rows:
        file, scenario = cell(short_name(row.file)), cell(row.scenario)
        cells = ["" if file == last[0] else file, "" if (file, scenario) == last else scenario,
                 row.label, with_range(row.peer), with_range(row.ours),
                 with_range(row.ratio, ratio_words)]
        lines.append(f"| {' | '.join(cells)} |")
        last = (file, scenario)
    for (file, test), found in report.endurance.items():
        lines += ["", f"handmill, {short_name(file)}, {test}:", "", "| | |", "|---|---:|"]
        lines += [f"| {cell(what)} | {whole_or_not(value)} |" for what, value in found.items()]
    return "\n".join(lines) + "\n"


def ratio_words(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def whole_or_not(value):
    return f"{int(value):,}" if value == int(value) else number(value)


LINE, HEADING = 38, 30


def plot_bar(y, spread, style, scale):
    low, high, end = (f"{BARS + scale * value:.1f}"
                      for value in (spread.low, spread.high, spread.median))
    middle = y + BAR / 2
    return [f'<rect class="track" x="{BARS}" y="{y}" width="{BARS_END - BARS}" height="{BAR}"/>',
            f'<rect class="{style}" x="{BARS}" y="{y}" width="{float(end) - BARS:.1f}" '
            f'height="{BAR}"/>',
            f'<path class="whisker" d="M{low} {middle - 3}v6m0 -3H{high}m0 -3v6"/>',
            text(VALUES, y + BAR - 1.5, with_range(spread), "small")]


def plot_row(row, y):
    longest = max(spread.high for spread in (row.ours, row.peer))
    scale = (BARS_END - BARS) / longest if longest else 0
    out = [text(MARGIN, y + BAR + 5, row.label), *plot_bar(y, row.peer, "peer", scale),
           *plot_bar(y + BAR + 3, row.ours, "ours", scale)]
    if row.ratio:
        out.append(text(WIDTH - MARGIN, y + BAR + 6, f"{ratio_words(row.ratio.median)}×", "ratio",
                        end=True))
    return out


def svg(report):
    peer = report.peer
    body = head(f"handmill serve beside {peer}", summary(report)[0],
                "Every pair of bars has its own scale; whiskers: lowest and highest "
                "round. Of s and ms, less is better.", peer, report.versions)
    y, last = TOP, None
    for row in report.rows:
        if (row.file, row.scenario) != last:
            last = row.file, row.scenario
            body.append(text(MARGIN, y + 18, f"{short_name(row.file)}: {row.scenario}", "file"))
            y += HEADING
        body += plot_row(row, y)
        y += LINE
    return page(f"handmill serve beside {peer}", body, y + 8)
