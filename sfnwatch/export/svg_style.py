"""What the pictures look like, by day and by night: the one place that has colours.

Colours are CSS variables, so that the reader's preference, or a page around, decides.
A viewer that knows no variables takes the plain colour written before each: daylight.
"""

import re

PALETTE = {
    "bg": ("#ffffff", "#0d1117"),
    "panel": ("#f6f8fa", "#151b23"),
    "raised": ("#ffffff", "#1c232d"),
    "line": ("#d1d9e0", "#343b45"),
    "hair": ("#e4e8ec", "#262d36"),
    "fg": ("#1f2328", "#e9eff6"),
    "dim": ("#59636e", "#9aa4af"),
    "good": ("#13722f", "#3fb950"),
    "bad": ("#c01c28", "#ff7b72"),
    "warn": ("#8a5a00", "#e3b341"),
    "amber": ("#d98e04", "#e3b341"),
    "busy": ("#0860c7", "#58a6ff"),
    "call": ("#7132c4", "#bc8cff"),
    "exact": ("#0a6a75", "#56d4dd"),
    "idle": ("#afb8c1", "#59636e"),
}
"""A colour's name to what it is by day and by night."""

_SANS = (
    "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',Arial,"
    "sans-serif"
)
_MONO = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"

_RULES = f"""
.sw text{{font:12.5px {_SANS};fill:fg;white-space:pre}}
.sw .mono{{font:11px {_MONO};fill:dim}}
.sw .tiny{{font-size:11px;fill:dim}}
.sw .head{{font-weight:600;font-size:13px}}
.sw .big{{font-weight:650;font-size:17px}}
.sw .over{{paint-order:stroke;stroke:bg;stroke-width:8px;stroke-linejoin:round}}
.sw .t-strong{{font-weight:600}}
.sw .t-dim{{fill:dim}}
.sw .t-good{{fill:good}}
.sw .t-bad{{fill:bad}}
.sw .t-warn,.sw .t-guess{{fill:warn}}
.sw .t-busy{{fill:busy}}
.sw .t-action{{fill:call}}
.sw .t-exact{{fill:exact}}
.sw .bg{{fill:bg}}
.sw .panel{{fill:panel}}
.sw .card{{fill:raised;stroke:line}}
.sw .hit{{fill:transparent}}
.sw .axis,.sw .life{{fill:none;stroke:line}}
.sw .hair{{fill:none;stroke:hair}}
.sw .pause{{fill:none;stroke:idle;stroke-width:1.5;stroke-dasharray:1 4}}
.sw .pause{{stroke-linecap:round}}
.sw .pill{{fill:panel;stroke:line}}
.sw .lead{{fill:none;stroke:idle;stroke-dasharray:1 3}}
.sw .asks{{fill:none;stroke:call;stroke-opacity:.4;stroke-dasharray:1 3}}
.sw .tie{{fill:none;stroke:call;stroke-width:1.4}}
.sw .tip{{fill:call}}
.sw .guess{{stroke:warn;stroke-dasharray:5 3}}
.sw .tip.guess{{fill:warn;stroke:none}}
.sw .refused{{stroke:bad}}
.sw .tip.refused{{fill:bad;stroke:none}}
.sw .around{{fill:hair;stroke:line}}
.sw .waiting{{fill:bg;stroke:idle}}
.sw .working{{fill:busy}}
.sw .noticing{{fill:amber}}
.sw .backing{{fill:none;stroke:amber;stroke-dasharray:2 2}}
.sw .lost{{fill:bad}}
.sw .unclear{{fill:idle}}
.sw .dot{{fill:call;stroke:bg;stroke-width:1.5}}
.sw .ring{{fill:bg;stroke:call;stroke-width:1.6}}
.sw .faint{{fill:idle}}
.sw .cross{{fill:none;stroke:bad;stroke-width:2.2;stroke-linecap:round}}
.sw .ask{{fill:bg;stroke:warn;stroke-width:1.4}}
.sw .tick{{fill:none;stroke:call;stroke-width:1.6;stroke-linecap:round}}
.sw .water{{fill:none;stroke:exact;stroke-width:1.4;stroke-dasharray:6 4}}
.sw .spark{{fill:bg;stroke:busy;stroke-width:2}}
"""
_PAINT = re.compile(r"\b(fill|stroke):(" + "|".join(PALETTE) + r")\b")


def _painted(match: re.Match[str]) -> str:
    what, name = match.groups()
    return f"{what}:{PALETTE[name][0]};{what}:var(--{name})"


RULES = _PAINT.sub(_painted, _RULES).replace("\n", "")
"""How the parts look; the variables are somebody else's."""


def variables(night: int) -> str:
    """Give the variables of day (0) or night (1)."""
    return "".join(f"--{name}:{pair[night]};" for name, pair in PALETTE.items())


ALONE = (
    f".sw{{{variables(0)}}}"
    f"@media (prefers-color-scheme:dark){{.sw{{{variables(1)}}}}}"
    f"@media print{{.sw{{{variables(0)}}}}}{RULES}"
)
"""The whole style of a picture that stands alone."""
