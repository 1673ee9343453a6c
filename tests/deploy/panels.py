"""Draws the dashboard's panels from Prometheus's answers, for where there is no Grafana: a picture of what its queries give, not of how Grafana shows it."""
import html
import re
import time

WIDTH, HEIGHT, COLUMNS = 400, 210, 3
COLOURS = ["#3274d9", "#e0752d", "#299c46", "#b877d9", "#c4162a", "#8f8f3f", "#1f9e9e", "#7f7f7f", "#d683ce", "#5a5ac8"]
LEGEND = 6


def legend(target, labels):
    text = target.get("legendFormat") or ""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda match: labels.get(match[1], ""), text) or ", ".join(sorted(labels.values()))


def readable(value, unit):
    if unit == "s":
        return "%.3g ms" % (1000 * value) if value < 1 else "%.3g s" % value
    return "%.3g" % value


def panel_svg(panel, series, begin, end):
    """`series`: (legend, [(time, value)])."""
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
    left, right, top, bottom = 52, WIDTH - 12, 30, HEIGHT - 44
    most = max((value for _, points in series for _, value in points), default=0) or 1
    out = ['<rect width="%d" height="%d" rx="3" fill="#fff" stroke="#ddd"/>' % (WIDTH - 6, HEIGHT - 6),
           '<text x="10" y="19" font-weight="600">%s</text>' % html.escape(panel["title"])]
    for share in (0, 0.5, 1):
        y = bottom - share * (bottom - top)
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#eee"/><text x="%d" y="%.1f" text-anchor="end" fill="#666">%s</text>' % (
            left, right, y, y, left - 4, y + 4, readable(share * most, unit)))
    for number, (_, points) in enumerate(series):
        line = " ".join("%.1f,%.1f" % (left + (at - begin) / (end - begin) * (right - left), bottom - value / most * (bottom - top)) for at, value in points)
        out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.4"/>' % (line, COLOURS[number % len(COLOURS)]))
    x, y = left, bottom + 14
    for number, (name, _) in enumerate(series[:LEGEND]):
        name = name if len(name) <= 26 else name[:25] + "…"
        if x + 6 * len(name) + 20 > right:
            x, y = left, y + 12
        out.append('<rect x="%d" y="%d" width="8" height="3" fill="%s"/><text x="%d" y="%d" fill="#444">%s</text>' % (
            x, y - 4, COLOURS[number % len(COLOURS)], x + 11, y, html.escape(name)))
        x += 6 * len(name) + 22
    if len(series) > LEGEND:
        out.append('<text x="%d" y="%d" fill="#444">and %d more</text>' % (x, y, len(series) - LEGEND))
    return "".join(out)


def draw(dashboard, query_range, seconds):
    """SVG of all panels over the last `seconds`. query_range(expression, begin, end, step_s) gives Prometheus's result."""
    end = time.time()
    begin = end - seconds
    rows = -(-len(dashboard["panels"]) // COLUMNS)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="10.5"><rect width="100%%" height="100%%" fill="#f4f5f5"/>' % (
        COLUMNS * WIDTH + 6, rows * HEIGHT + 6)]
    for number, panel in enumerate(dashboard["panels"]):
        series = []
        for target in panel["targets"]:
            for found in query_range(target["expr"].replace("$__rate_interval", "1m").replace("$namespace", ".*"), begin, end, 5):
                points = [(at, float(value)) for at, value in found["values"] if value not in ("NaN", "+Inf", "-Inf")]
                if points:
                    series.append((legend(target, found["metric"]), points))
        series.sort(key=lambda one: -max(value for _, value in one[1]))
        out.append('<g transform="translate(%d,%d)">%s</g>' % (6 + number % COLUMNS * WIDTH, 6 + number // COLUMNS * HEIGHT, panel_svg(panel, series, begin, end)))
    return "\n".join(out) + "\n</svg>\n"
