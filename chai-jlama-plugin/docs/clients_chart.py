#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws clients.svg from what `chai bench --clients ... --json` printed.

    python3 clients_chart.py Q4=q4.json BF16=bf16.json "llama.cpp Q4_0=1:31.1,4:43.2,8:48.8" > clients.svg

Each argument is a name and either such a file, or tokens a second by number of clients. No packages are needed.
"""
import json
import math
import sys
from xml.sax.saxutils import escape

COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#555555"]
WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 250, 58, 66, 74


def read(argument):
    """Returns a name, and for each chart a list of (clients, median or rate, 99th percentile or None)."""
    name, _, value = argument.partition("=")
    if ":" in value:
        return name, [[(int(c), float(rate), None) for c, rate in (pair.split(":") for pair in value.split(","))], [], []]
    rates, first, between = [], [], []
    with open(value, encoding="utf-8") as file:
        for each in json.load(file)["clients"]:
            clients = each["clients"]
            rates.append((clients, each["tokensPerSecondTogether"], None))
            for points, key, unit in ((first, "firstTokenMillis", 1000), (between, "betweenTokensMillis", 1)):
                points.append((clients, each[key]["median"] / unit, each[key]["percentile99"] / unit))
    return name, [rates, first, between]


def step(most):
    """Returns a distance of ticks, so that four or five of them reach the most."""
    rough = most / 4
    power = 10 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)


def chart(out, left, title, series, clients):
    most = max(value for _, points in series for point in points for value in point[1:] if value is not None)
    distance = step(most)
    top = math.ceil(most / distance) * distance
    places = {number: left + 16 + i * (WIDTH - 32) / (len(clients) - 1) for i, number in enumerate(clients)}

    def y(value):
        return TOP + HEIGHT * (1 - value / top)

    out.append(f'<text x="{left}" y="{TOP - 14}" class="title">{escape(title)}</text>')
    for i in range(round(top / distance) + 1):
        value = i * distance
        out.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}" class="grid"/>')
        out.append(f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for number, x in places.items():
        out.append(f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{number}</text>')
    out.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">clients</text>')
    for color, points in series:
        for of, dashes in ((1, ""), (2, ' stroke-dasharray="5 4"')):
            line = [(places[point[0]], y(point[of])) for point in points if point[of] is not None]
            if line:
                path = " ".join(f"{x:.1f},{at:.1f}" for x, at in line)
                out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>')
                out += [f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3" fill="{color}"/>' for x, at in line]


def main(arguments):
    arms = [read(each) for each in arguments]
    clients = sorted({point[0] for _, charts in arms for points in charts for point in points})
    titles = ["tokens a second, decoding", "time to the first token, s", "between tokens, ms"]
    width = 3 * WIDTH + 2 * GAP + LEFT + 16
    height = TOP + HEIGHT + 48
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           f'role="img" aria-label="{escape(", ".join(titles))}, by number of clients">',
           '<style>text{font:12px sans-serif;fill:#222}.title{font-weight:bold}.grid{stroke:#ddd}</style>',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    x = LEFT
    for i, (name, _) in enumerate(arms):
        out.append(f'<rect x="{x}" y="14" width="12" height="12" fill="{COLORS[i]}"/>')
        out.append(f'<text x="{x + 17}" y="24">{escape(name)}</text>')
        x += 44 + 7 * len(name)
    out.append(f'<text x="{x}" y="24">solid: median, dashed: 99th percentile</text>')
    for i, title in enumerate(titles):
        series = [(COLORS[arm], charts[i]) for arm, (_, charts) in enumerate(arms) if charts[i]]
        chart(out, LEFT + i * (WIDTH + GAP), title, series, clients)
    out.append("</svg>")
    print("\n".join(out))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
