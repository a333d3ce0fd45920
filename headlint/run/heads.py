"""The heads of all models in some files: the last layers, what they give, and the losses that take it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from msgspec import Struct

from headlint.checks.diagnostic import Diagnostic
from headlint.checks.tensors import activation_site, short, source_tensor
from headlint.findings.finding import Place, Problem
from headlint.findings.heads import HeadLayer, HeadLoss, HeadPicture
from headlint.flow.values.conditions import Option
from headlint.flow.values.facts import Fact, Head, LossUse
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Constant, Site, TupleValue, Value
from headlint.flow.values.tensor_values import Domain, Tensor
from headlint.loading.loader import ProjectLoader
from headlint.run.analysis import diagnostics_and_facts, model_around, site_places, with_deep_stack
from headlint.settings import Settings

MEANINGS = {
    Domain.LINEAR: "raw scores (logits) or plain values",
    Domain.SOFTMAX: "probabilities that sum to 1",
    Domain.LOG_SOFTMAX: "log-probabilities",
    Domain.SIGMOID: "a probability for each output",
    Domain.LOG_SIGMOID: "logarithms of probabilities",
    Domain.RECTIFIED: "values of 0 and above",
    Domain.TANH: "values between -1 and 1",
    Domain.HARD: "decisions, without a gradient",
    Domain.UNKNOWN: "not known",
}

EXPECTED = {
    "logits": "raw scores (logits)",
    "probabilities": "probabilities",
    "log_probabilities": "log-probabilities",
    "values": "plain values",
}
"""What a loss wants to be given, in words."""

_LONGEST_WAY = 400
"""Steps back from a loss towards the input: what stands beyond them is not drawn."""

_TOLD_OPERATIONS = ("detach", "new tensor", "leaf", "concatenate", "compare")

_WEIGHTED = ("dense", "convolution", "bilinear", "recurrent", "embedding")


def find_heads(
    paths: Iterable[Path | str], settings: Settings | None = None
) -> tuple[tuple[HeadPicture, ...], tuple[Problem, ...]]:
    """A picture for each output of each model that the files build, and what could not be read."""
    from headlint.run.session import absolute, relevant_files
    from headlint.source.discovery import discover
    from headlint.source.project import Project

    settings = settings or Settings()
    discovery = discover([absolute(path) for path in paths], settings)
    loader = ProjectLoader(Project(settings.root), settings.cache)
    files, problems = relevant_files(discovery.files, loader)
    pictures: dict[tuple[str, Place], HeadPicture] = {}
    all_problems = [*discovery.problems, *problems]
    for file in files:
        facts, diagnostics, failed = diagnostics_and_facts(file, loader, settings)
        all_problems += failed
        for picture in with_deep_stack(partial(_pictures, facts, diagnostics, loader)):
            known = pictures.get((picture.model, picture.place))
            if known is None or len(picture.losses) > len(known.losses):
                pictures[picture.model, picture.place] = picture
    return tuple(sorted(pictures.values(), key=lambda one: (one.place, one.model))), tuple(all_problems)


class _Output(Struct, frozen=True):
    """One output of a model, known by the place of its last layer: a tensor that has it, the last layers in order, the
    losses that take it, and whether it is what the model itself gives."""

    key: Site
    tensor: Tensor
    layers: tuple[tuple[Site, Tensor, Layer], ...]
    uses: tuple[LossUse, ...]
    given: bool

    @property
    def taken(self) -> Tensor:
        """The tensor as the first loss takes it, or as the model gives it where none does."""
        return next((tensor for use in self.uses if (tensor := _prediction(use)) is not None), self.tensor)


def _pictures(facts: Sequence[Fact], diagnostics: Sequence[Diagnostic], loader: ProjectLoader) -> list[HeadPicture]:
    outputs = _outputs(facts)
    places = site_places([site for output in outputs for site in _sites(output)], loader)
    wrong = [(found.subject, found.code) for found in diagnostics if isinstance(found.subject, LossUse)]
    return [_picture(output, wrong, places, loader) for output in outputs if output.key in places]


def _outputs(facts: Sequence[Fact]) -> list[_Output]:
    given = [tensor for fact in facts if isinstance(fact, Head) for tensor in _tensors(fact.output)]
    uses = [fact for fact in facts if isinstance(fact, LossUse) and _prediction(fact) is not None]
    taken = [tensor for use in uses if (tensor := _prediction(use)) is not None]
    of_models = {layers[-1][0] for tensor in given if (layers := _layers(tensor))}
    tensors: dict[Site, Tensor] = {}
    for tensor in (*given, *taken):
        if layers := _layers(tensor):
            tensors.setdefault(layers[-1][0], tensor)
    return [
        _Output(
            key,
            tensor,
            tuple(_layers(tensor)),
            tuple(use for use in uses if (used := _prediction(use)) is not None and _last_site(used) == key),
            key in of_models,
        )
        for key, tensor in tensors.items()
    ]


def _prediction(use: LossUse) -> Tensor | None:
    return use.prediction if isinstance(use.prediction, Tensor) else None


def _sites(output: _Output) -> Iterator[Site]:
    """Every place that the picture of an output names."""
    yield from (site for site, _, _ in output.layers)
    yield from (use.site for use in output.uses)
    for site, part in _way(output.taken):
        yield site
        if part.origin.site is not None:
            yield part.origin.site


def _picture(
    output: _Output, wrong: Sequence[tuple[LossUse, str]], places: dict[Site, Place], loader: ProjectLoader
) -> HeadPicture:
    last = output.layers[-1][2]
    return HeadPicture(
        model_around(output.key, loader) or last.kind.short_name,
        places[output.key],
        last.kind.framework,
        tuple(_layer(places[site], part, layer) for site, part, layer in output.layers if site in places),
        MEANINGS.get(output.tensor.domain, output.tensor.domain.value),
        tuple(_losses(output.uses, wrong, places)),
        output.tensor.shape.units,
        output.tensor.shape.rank,
        output.given,
        tuple(_on_the_way(places[site], part, places) for site, part in _way(output.taken) if site in places),
    )


def _tensors(value: Value) -> list[Tensor]:
    match value:
        case Tensor():
            return [value]
        case TupleValue(items):
            return [tensor for item in items for tensor in _tensors(item)]
        case _ if hasattr(value, "options"):
            options: tuple[Option, ...] = value.options
            return [tensor for option in options for tensor in _tensors(option.value)]
        case _:
            return []


def _layers(tensor: Tensor) -> list[tuple[Site, Tensor, Layer]]:
    """The last two layers with weights and what stands behind them, in order."""
    found: list[tuple[Site, Tensor, Layer]] = []
    weighted = 0
    for _ in range(24):
        layer = tensor.origin.layer
        if layer is not None and tensor.origin.role in ("layer", "activation"):
            site = activation_site(tensor.origin) if tensor.origin.role == "activation" else layer.site
            if site is not None:
                found.append((site, tensor, layer))
            weighted += tensor.origin.role == "layer" and layer.kind.effect in _WEIGHTED
        if weighted == 2 or not tensor.inputs:
            break
        tensor = tensor.inputs[0]
    return found[::-1]


def _way(tensor: Tensor) -> list[tuple[Site, Tensor]]:
    """What makes a tensor of the input, in order; where ways come together, along the first of them."""
    found: list[tuple[Site, Tensor]] = []
    for _ in range(_LONGEST_WAY):
        site = _drawn_at(tensor)
        if site is not None:
            found.append((site, tensor))
        if not tensor.inputs:
            break
        tensor = tensor.inputs[0]
    return found[::-1]


def _drawn_at(tensor: Tensor) -> Site | None:
    """Where that stands which made a tensor, if it belongs into a picture."""
    origin = tensor.origin
    match origin.role:
        case "activation":
            return activation_site(origin)
        case "layer":
            return origin.layer.site if origin.layer is not None else None
        case "operation" if origin.note in _TOLD_OPERATIONS or tensor.domain is Domain.HARD:
            return origin.site
        case _:
            return None


def _on_the_way(place: Place, tensor: Tensor, places: Mapping[Site, Place]) -> HeadLayer:
    origin = tensor.origin
    if origin.role == "layer" and origin.layer is not None:
        shown = _layer(place, tensor, origin.layer)
    else:
        shown = HeadLayer(short(origin.name), place, tensor.shape.units, None, tensor.domain.value, origin.note)
    return replace(shown, role=origin.role, applied=places.get(origin.site) if origin.site is not None else None)


def _last_site(tensor: Tensor) -> Site | None:
    layers = _layers(source_tensor(tensor)) or _layers(tensor)
    return layers[-1][0] if layers else None


def _layer(place: Place, tensor: Tensor, layer: Layer) -> HeadLayer:
    if tensor.origin.role == "activation":
        return HeadLayer(
            tensor.origin.name.rsplit(".", 1)[-1], place, tensor.shape.units, None, tensor.domain.value, ""
        )
    bias: bool | None = None
    if layer.kind.bias:
        given = layer.arguments.get(layer.kind.bias, Constant(True))
        bias = bool(given.value) if isinstance(given, Constant) else None
    value = layer.constant(layer.kind.units) if layer.kind.units else None
    return HeadLayer(
        layer.kind.short_name, place, value if isinstance(value, int) else None, bias, "", tensor.origin.note
    )


def _losses(
    uses: Sequence[LossUse], wrong: Sequence[tuple[LossUse, str]], places: dict[Site, Place]
) -> Iterable[HeadLoss]:
    seen: set[Site] = set()
    for use in uses:
        if use.site in seen or use.site not in places:
            continue
        seen.add(use.site)
        here = [id(one) for one in uses if one.site == use.site]
        codes = sorted({code for subject, code in wrong if id(subject) in here})
        known = isinstance(use.prediction, Tensor) and use.prediction.domain is not Domain.UNKNOWN
        fits = False if codes else (True if known else None)
        name, kind = use.loss.short_name, use.loss.name
        expects = EXPECTED.get(_expected(use), "")
        yield HeadLoss(name, places[use.site], fits, ", ".join(codes), kind, use.from_logits, expects)


def _expected(use: LossUse) -> str:
    """What a loss wants to be given, as the tables call it; nothing where that is not known."""
    if use.loss.expects != "from_logits":
        return use.loss.expects
    return {True: "logits", False: "probabilities", None: ""}[use.from_logits]
