"""Ready-made models of torchvision, timm, transformers and others: their body is unknown, their head can be replaced."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from headlint.flow.machine.state import join
from headlint.flow.values.arguments import NO_ARGUMENTS, Arguments
from headlint.flow.values.facts import Event
from headlint.flow.values.library_values import Backbone, Part
from headlint.flow.values.python_values import Constant, DictValue, FrameworkName, Unknown, Value
from headlint.flow.values.tensor_values import ANY_SHAPE, Domain, Origin, Shape, Tensor
from headlint.frameworks import torch

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine

IMAGENET_CLASSES = 1000
KINETICS_CLASSES = 400

_OF_VIDEOS = ("r3d_", "mc3_", "r2plus1d_", "mvit_", "s3d", "swin3d_")
_OF_TORCHVISION = (
    *("alexnet", "convnext_", "densenet", "efficientnet_", "googlenet", "inception_v3", "maxvit_", "mnasnet"),
    *("mobilenet_", "regnet_", "resnet", "resnext", "shufflenet_", "squeezenet", "swin_", "vgg", "vit_"),
    *("wide_resnet", "get_model", "unknown_model", *_OF_VIDEOS),
)
"""How the functions that build a model of torchvision begin. Source: ``list_models()`` of torchvision 0.29."""


def torchvision(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """``torchvision.models.resnet18(…)``."""
    name = path.rsplit(".", 1)[-1]
    if name.startswith("_") or name[:1].isupper() or name in ("get_weight", "list_models"):
        return Unknown()
    if name.startswith(("deeplabv3_", "fcn_", "lraspp_")):
        return _of_pixels(machine, path, arguments, at)
    if any(part in name for part in ("rcnn", "retinanet", "ssd", "fcos", "deeplab", "fcn_", "lraspp", "raft")):
        return Unknown()
    if not name.startswith(_OF_TORCHVISION) or name.endswith("_backbone"):
        return Unknown()  # a function that its models are made with: ``resnet.conv3x3``
    classes = KINETICS_CLASSES if name.startswith(_OF_VIDEOS) else IMAGENET_CLASSES
    width = units(arguments.get("num_classes"), classes)
    return _with_weights(machine, Backbone(path, machine.site(at), width, torch.BACKBONE_HEADS), arguments)


def _of_pixels(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """``torchvision.models.segmentation.fcn_resnet50(…)``: its answer holds the scores of each pixel as ``out``."""
    backbone = Backbone(path, machine.site(at), None, ("classifier",))
    origin = Origin("layer", path, backbone.site, backbone.site)
    width = units(arguments.get("num_classes"), None)
    scores = Tensor(Domain.LINEAR, Shape((None, width, None, None)), origin, axis=1)
    backbone.slots[("output",)] = DictValue({"out": scores}, complete=False)
    return backbone


def _with_weights(machine: Machine, backbone: Backbone, arguments: Arguments) -> Backbone:
    """Note that a model comes with weights that were trained."""
    flag = arguments.get("pretrained", "weights")
    flag = arguments.positional[0] if flag is None and arguments.positional else flag
    match flag:
        case Constant(True | str()) | FrameworkName():
            machine.note_event(Event.RESTORED, backbone.site, backbone)
    return backbone


def timm(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """``timm.create_model(name, num_classes=…)``."""
    width = units(arguments.get("num_classes"), IMAGENET_CLASSES)
    backbone = Backbone(path, machine.site(at), width, torch.BACKBONE_HEADS)
    return _with_weights(machine, backbone, Arguments((), arguments.named))


def efficientnet(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """``EfficientNet.from_pretrained(name, num_classes=…)`` of efficientnet_pytorch."""
    return Backbone(path, machine.site(at), units(arguments.get("num_classes"), IMAGENET_CLASSES), torch.BACKBONE_HEADS)


def hub(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """``torch.hub.load(…)``: nothing is known but that heads may be replaced."""
    return Backbone(path, machine.site(at), None, torch.BACKBONE_HEADS)


def classifier(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """``AutoModelFor…Classification.from_pretrained(…, num_labels=…)``: its output holds ``logits``."""
    return Backbone(path, machine.site(at), units(arguments.get("num_labels"), None), ("classifier", "score"))


def is_of_keras(backbone: Backbone) -> bool:
    """Whether a ready-made model is one of Keras, as are those of transformers whose names begin with TF."""
    return backbone.name.startswith(("keras.", "transformers.TF"))


def segmentation(machine: Machine, path: str, arguments: Arguments, at: int) -> Value:
    """A model of segmentation_models_pytorch, whose ``activation`` says what it gives."""
    backbone = Backbone(path, machine.site(at), None, ())
    origin = Origin("layer", path, backbone.site, backbone.site)
    match arguments.get("activation"):
        case None | Constant(None | "identity"):
            domain = Domain.LINEAR
        case Constant("softmax" | "softmax2d"):
            domain = Domain.SOFTMAX
        case Constant("sigmoid"):
            domain = Domain.SIGMOID
        case _:
            domain = Domain.UNKNOWN
    width = units(arguments.get("classes"), 1)
    backbone.slots[("output",)] = Tensor(domain, Shape((None, width, None, None)), origin, axis=1)
    return backbone


def units(value: Value | None, default: int | None) -> int | None:
    """The width of a head, given its argument; one of 0 is left out, and what is left gives features of some width."""
    match value:
        case None:
            return default
        case Constant(int() as number) if number > 0:
            return number
        case _:
            return None


def apply(machine: Machine, backbone: Backbone, value: Value, at: int, arguments: Arguments = NO_ARGUMENTS) -> Value:
    """Call a ready-made model."""
    known = machine.read(backbone, ("output",))
    if known is not None:
        return known if not _has_another_head(backbone) else Unknown()
    return machine.state.distribute(
        [_replaced_head(machine, backbone), value],
        lambda head, given: _through(machine, backbone, head, given, at, arguments),
    )


def _has_another_head(backbone: Backbone) -> bool:
    """Whether anything was put where a ready-made model keeps its head."""
    return any(isinstance(key, tuple) and key and key[0] in backbone.head_names for key in backbone.slots)


def _through(machine: Machine, backbone: Backbone, head: Value, given: Value, at: int, arguments: Arguments) -> Value:
    """What a ready-made model makes of a tensor with one head."""
    origin = Origin("layer", backbone.name, backbone.site, backbone.site)
    inputs = (given,) if isinstance(given, Tensor) else ()
    if not isinstance(head, Part):
        features = Tensor(Domain.UNKNOWN, Shape((None, None)), origin, inputs)
        output = machine.call(head, Arguments((features,)), at)
    elif backbone.units is None or backbone.name.startswith("torch.hub"):
        output = Tensor(Domain.UNKNOWN, ANY_SHAPE, origin, inputs)
    else:
        learns = not machine.without_gradient
        output = Tensor(Domain.LINEAR, Shape((None, backbone.units)), origin, inputs, attached=learns)
    if backbone.name.startswith("transformers.") and "timm" not in backbone.name:
        named: dict[Hashable, Value] = {"logits": output, **_own_loss(machine, backbone, output, at)}
        return DictValue({**named, **_by_number(named, arguments)}, complete=False)
    return output


def _by_number(named: dict[Hashable, Value], arguments: Arguments) -> dict[Hashable, Value]:
    """The same by numbers: the loss comes first where labels are given, or else the scores do."""
    if arguments.complete and len(arguments.positional) < MOST_INPUTS and arguments.get("labels") is None:
        return {0: named["logits"]}
    labelled = isinstance(arguments.get("labels"), Tensor) and "loss" in named
    return {0: named["loss"], 1: named["logits"]} if labelled else {}


MOST_INPUTS = 3
"""So many arguments in order are surely inputs, not yet the labels."""


def _own_loss(machine: Machine, backbone: Backbone, output: Value, at: int) -> dict[Hashable, Value]:
    """The loss that a model with a head of transformers computes from the labels that it is given."""
    if "For" not in backbone.name or not isinstance(output, Tensor):
        return {}
    origin = Origin("operation", "loss", machine.site(at), note="own loss")
    return {"loss": output.derive(domain=Domain.LOSS, shape=Shape(()), origin=origin)}


def _replaced_head(machine: Machine, backbone: Backbone) -> Value:
    """The last thing that was put where a ready-made model keeps its head, or the part of its own that stands there."""
    found: Value = Part(backbone, ())
    for key in backbone.slots:
        if isinstance(key, tuple) and key and key[0] in backbone.head_names:
            here = machine.read(backbone, key)
            found = found if here is None else machine.state.distribute([found, here], _later)
    return _without_what_is_left(machine, found)


def _without_what_is_left(machine: Machine, head: Value) -> Value:
    """The heads that several branches put there, each for another model; one that none of them knows is not meant."""
    options = machine.state.alternatives(head)
    put = [(option.guards, option.value) for option in options if not isinstance(option.value, Part)]
    return join(put) if 1 < len(put) < len(options) else head


def _later(before: Value, here: Value) -> Value:
    return before if isinstance(here, Part) else here
