"""What bench/predictions shows: the errors of predictions as a table and a plot."""

import math
import statistics
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from compare_report import number


@dataclass
class Point:
    """One test: tokens a second of each round."""
    file: str
    kv: str
    phase: str
    depth: int
    measured: list = field(default_factory=list)
    predicted: list = field(default_factory=list)
    by_roofs: list = field(default_factory=list)

    @property
    def error(self):
        return error_of(self.predicted, self.measured)

    @property
    def error_by_roofs(self):
        return error_of(self.by_roofs, self.measured)


def error_of(predicted, measured):
    """The median round's: of the time, so that −0.5 says that it took twice as long."""
    return statistics.median(m / p - 1 for p, m in zip(predicted, measured))


def signed(share):
    return f"{100 * share:+.0f} %".replace("-", "\N{MINUS SIGN}")


def errors_told(points):
    """Median and worst of each phase, and of both."""
    rows = []
    for name, chosen in (("prefill", "prefill"), ("decode", "decode"), ("both", None)):
        of = [p for p in points if chosen in (None, p.phase)]
        if not of:
            continue
        cells = []
        for kind in ("error", "error_by_roofs"):
            errors = [abs(getattr(p, kind)) for p in of]
            cells += [f"{100 * statistics.median(errors):.1f} %", f"{100 * max(errors):.0f} %"]
        rows.append(f"| {name} | {len(of)} | {' | '.join(cells)} |")
    return rows


def markdown(points, told):
    lines = [f"{told['cpu']}, {told['memory']} of memory; {told['date']}; {told['version']}. Prompts "
             f"of {told['prompt']}, answers of {told['decode']}; medians of {told['rounds']} rounds.",
             "", "| | tests | error as predicted, median | worst | by the roofs, median | worst |",
             "|---|---:|---:|---:|---:|---:|", *errors_told(points), "",
             "| file | cache | test | depth | measured, tok/s | predicted | error | by the roofs | "
             "error |", "|---|---|---|---:|---:|---:|---:|---:|---:|"]
    for p in points:
        values = [statistics.median(v) for v in (p.measured, p.predicted, p.by_roofs)]
        lines.append(f"| {p.file} | {p.kv} | {p.phase} | {p.depth} | {number(values[0])} | "
                     f"{number(values[1])} | {signed(p.error)} | {number(values[2])} | "
                     f"{signed(p.error_by_roofs)} |")
    return "\n".join(lines) + "\n"


SIZE, LEFT, TOP, PLOT = 640, 70, 70, 520
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1c1c1e }
.page { fill: #ffffff } .title { font-size: 17px; font-weight: 600 }
.small { font-size: 11px; fill: #5c5c63 } .grid { stroke: #e2e4e9 } .equal { stroke: #1c1c1e }
.bar { fill: #8e97a6; fill-opacity: 0.18 } .prefill { fill: #c2571a } .decode { fill: #2b6cb0 }
@media (prefers-color-scheme: dark) {
  text { fill: #ececf0 } .page { fill: #17181b } .small { fill: #a4a6ae } .grid { stroke: #2c2f36 }
  .equal { stroke: #ececf0 } .prefill { fill: #ee8a4c } .decode { fill: #63a4e8 }
}
"""


def svg(points, told):
    """Logarithmic both ways; the band is ±15 %."""
    speeds = [s for p in points for s in (*p.measured, *p.by_roofs)]
    low, high = math.floor(math.log10(min(speeds))), math.ceil(math.log10(max(speeds)))
    high = max(high, low + 1)

    def at(speed):
        return PLOT * (math.log10(speed) - low) / (high - low)

    def x(speed):
        return LEFT + at(speed)

    def y(speed):
        return TOP + PLOT - at(speed)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img" '
           'aria-label="Predicted against measured speeds">', f"<style>{STYLE}</style>",
           f'<rect class="page" width="{SIZE}" height="{SIZE}"/>',
           f'<text class="title" x="{LEFT}" y="28">Predicted against measured</text>',
           f'<text class="small" x="{LEFT}" y="48">{escape(told["cpu"])}, {told["date"]}; by the '
           'roofs beside each run; the band is 15 % either way</text>']
    ends = (10.0 ** low, 10.0 ** high)
    band = [(ends[0], ends[0] * 1.15), (ends[1] / 1.15, ends[1]), (ends[1], ends[1]),
            (ends[1], ends[1] / 1.15), (ends[0] * 1.15, ends[0]), (ends[0], ends[0])]
    corners = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in band)
    out.append(f'<polygon class="bar" points="{corners}"/>')
    for power in range(low, high + 1):
        value = 10.0 ** power
        out += [f'<path class="grid" d="M{x(value):.1f} {TOP}V{TOP + PLOT}M{LEFT} {y(value):.1f}'
                f'H{LEFT + PLOT}"/>',
                f'<text class="small" x="{x(value):.1f}" y="{TOP + PLOT + 18}" '
                f'text-anchor="middle">{number(value)}</text>',
                f'<text class="small" x="{LEFT - 8}" y="{y(value) + 4:.1f}" '
                f'text-anchor="end">{number(value)}</text>']
    out += [f'<path class="equal" d="M{x(ends[0]):.1f} {y(ends[0]):.1f}L{x(ends[1]):.1f} '
            f'{y(ends[1]):.1f}"/>',
            f'<text x="{LEFT + PLOT / 2}" y="{TOP + PLOT + 38}" text-anchor="middle">measured, tokens '
            'a second</text>',
            f'<text transform="translate(18 {TOP + PLOT / 2}) rotate(-90)" '
            'text-anchor="middle">predicted</text>']
    for p in points:
        m, q = statistics.median(p.measured), statistics.median(p.by_roofs)
        label = escape(f"{p.file}, {p.kv}, {p.phase} at {p.depth}: {number(m)} measured, "
                       f"{number(q)} predicted")
        out.append(f'<circle class="{p.phase}" cx="{x(m):.1f}" cy="{y(q):.1f}" r="4.5"><title>'
                   f"{label}</title></circle>")
    for i, phase in enumerate(("prefill", "decode")):
        out += [f'<circle class="{phase}" cx="{LEFT + 14}" cy="{TOP + 16 + 20 * i}" r="4.5"/>',
                f'<text x="{LEFT + 26}" y="{TOP + 20 + 20 * i}">{phase}</text>']
    return "\n".join([*out, "</svg>"]) + "\n"
