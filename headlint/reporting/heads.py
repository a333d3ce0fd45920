"""Pictures of heads, in text and JSON: the last layers, what they give, and the losses that take it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from headlint.findings.finding import Place
from headlint.findings.heads import HeadLayer, HeadPicture
from headlint.reporting.concise import position
from headlint.reporting.context import Context

_VERDICTS = {True: "✓ fits", False: "✗ does not fit", None: "? not known"}


def render_text(pictures: Sequence[HeadPicture], context: Context) -> str:
    """The pictures for people."""
    return "\n".join(_picture(picture, context) for picture in pictures)


def _picture(picture: HeadPicture, context: Context) -> str:
    rows = [(_layer_text(layer), position(layer.place, context)) for layer in picture.layers]
    width = max(len(text) for text, _ in rows)
    lines = [f"{picture.model} ({picture.framework})"]
    lines += [f"  │ {text:<{width}}   {where}" for text, where in rows]
    lines.append(f"  ▼ {picture.meaning}")
    for loss in picture.losses:
        note = f" ({loss.note})" if loss.note else ""
        lines.append(f"  └─▶ {loss.name}  {_VERDICTS[loss.fits]}{note}   {position(loss.place, context)}")
    if not picture.losses:
        lines.append("  └─▶ no loss was seen to take it")
    return "\n".join(lines) + "\n"


def _layer_text(layer: HeadLayer) -> str:
    parts = [layer.name]
    if layer.units is not None and not layer.activation:
        parts.append(f"{layer.units} unit{'' if layer.units == 1 else 's'}")
    if layer.bias is False:
        parts.append("no bias")
    return ", ".join(parts)


def render_json(pictures: Sequence[HeadPicture], context: Context) -> str:
    """The pictures as JSON."""
    content = [
        {
            "model": picture.model,
            "framework": picture.framework,
            **_place(picture.place, context),
            "layers": [
                {
                    "name": layer.name,
                    "units": layer.units,
                    "bias": layer.bias,
                    "activation": layer.activation,
                    **_place(layer.place, context),
                }
                for layer in picture.layers
            ],
            "meaning": picture.meaning,
            "losses": [
                {"name": loss.name, "fits": loss.fits, "note": loss.note, **_place(loss.place, context)}
                for loss in picture.losses
            ],
        }
        for picture in pictures
    ]
    return json.dumps({"version": 1, "heads": content}, indent=2, ensure_ascii=False) + "\n"


def _place(place: Place, context: Context) -> dict[str, object]:
    return {"path": context.shown(place.path), "cell": place.cell, "line": place.line, "column": place.column}
