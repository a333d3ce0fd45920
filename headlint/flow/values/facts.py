"""What the interpreter tells the rules: facts about losses, layers, activations, metrics and predictions.

A fact is established on a path: ``guards`` are the conditions of that path. ``alternatives`` tells how many other
values the decisive one could have had at that place.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from headlint.flow.values.assumptions import Assumption
from headlint.flow.values.conditions import Guard
from headlint.flow.values.library_values import Layer
from headlint.flow.values.python_values import Instance, Site, Value
from headlint.flow.values.tensor_values import Labels, Tensor
from headlint.flow.values.training_values import Loop, Round
from headlint.frameworks.kinds import LayerKind, LossKind


class Fact(Struct, frozen=True, kw_only=True, eq=False):
    """Something that was seen to happen at a site."""

    site: Site
    guards: tuple[Guard, ...] = ()
    certain: bool = True
    """False when the value could also be something that is not known or not wrong."""
    unseen: bool = False
    """Whether only callers who were not seen would come here: what sizes such a caller gives is not known either."""
    calls: tuple[Site, ...] = ()
    """The calls through which the interpreter came here, outermost first."""


class LossUse(Fact, frozen=True, kw_only=True):
    """A loss takes a prediction.

    ``from_logits`` is the argument of that name where the loss has one (None: not known). ``prediction_given`` and
    ``target_given`` are what stands at the two places, whatever it is.
    """

    loss: LossKind
    prediction: Value
    target: Value | None
    from_logits: bool | None = False
    options: tuple[tuple[str, Value], ...] = ()
    in_training: bool = True
    """False under ``no_grad`` or when it is known to be an evaluation."""
    loss_site: Site | None = None
    """Where the loss was built or named."""
    compiled: bool = False
    result: Tensor | None = None

    def option(self, name: str) -> Value | None:
        """An argument of the loss."""
        return dict(self.options).get(name)


class LabelsUse(Fact, frozen=True, kw_only=True):
    """``fit`` brings labels to a loss that ``compile`` took."""

    loss: LossKind
    prediction: Value
    labels: Labels
    target: Tensor
    from_logits: bool | None
    metrics: tuple[tuple[str, Site], ...] = ()


class Fed(Fact, frozen=True, kw_only=True):
    """``feed_dict`` brings numbers to a placeholder."""

    placeholder: Tensor
    value: Tensor


class Activation(Fact, frozen=True, kw_only=True):
    """An activation (or a logarithm) is applied."""

    effect: str
    input: Value
    output: Tensor
    axis_given: bool = False


class LayerBuilt(Fact, frozen=True, kw_only=True):
    """A layer is built."""

    layer: Layer


class LayerGivenTensor(Fact, frozen=True, kw_only=True):
    """A layer's constructor is given what the layer should be applied to, as its positional argument ``position``."""

    layer: LayerKind
    tensor: Tensor
    position: int
    assumptions: frozenset[Assumption] = frozenset()
    """The default that is called, where the constructor got none of another class."""


class NothingReturned(Fact, frozen=True, kw_only=True):
    """A module's ``forward`` or ``call`` computes something and gives nothing back, on any path."""

    method: str
    owner: str
    computed: Tensor


class LayerApplied(Fact, frozen=True, kw_only=True):
    """A layer is applied to a tensor."""

    layer: Layer
    input: Tensor
    output: Tensor
    in_container: bool = False
    """Whether it is applied as a member of a Sequential, so that no expression of its own applies it."""
    without_gradient: bool = False
    cut_at: Site | None = None
    """The ``with torch.no_grad():`` around it."""


class MixedIn(Fact, frozen=True, kw_only=True):
    """What a dense layer makes of probabilities is added to, multiplied with or put beside something else."""

    output: Tensor


class MetricUse(Fact, frozen=True, kw_only=True):
    """A model is compiled with a metric beside a loss."""

    metric: str
    loss: LossKind
    prediction: Value
    from_logits: bool | None = None
    arguments: tuple[tuple[str, Value], ...] = ()


class PredictionUse(Fact, frozen=True, kw_only=True):
    """What is done with a model's output outside the loss: ``argmax``, ``threshold`` (with the number), ``round``, or
    ``equality`` with data."""

    kind: str
    tensor: Tensor
    axis: int | None = None
    threshold: float | None = None


class RemovedCall(Fact, frozen=True, kw_only=True):
    """A method that the library no longer has is called on one of its models."""

    method: str
    output: Value


class UnknownString(Fact, frozen=True, kw_only=True):
    """A string that names no loss, activation or metric of Keras."""

    kind: str
    text: str


class HandWrittenLoss(Fact, frozen=True, kw_only=True):
    """A cross entropy written with sum or mean over labels times the logarithm of probabilities."""

    log: Tensor
    reduced: Tensor


class LossConstructorCall(Fact, frozen=True, kw_only=True):
    """A loss class is called with tensors where it takes options."""

    loss: LossKind
    tensors: int


class Backward(Fact, frozen=True, kw_only=True):
    """A loss is differentiated."""

    loss: Tensor
    in_torch: bool | None = None
    """Whether by PyTorch, or by a tape or an optimizer of TensorFlow; None: not known."""


class LossCopied(Fact, frozen=True, kw_only=True):
    """A loss is copied without its graph, and the copy is asked for a gradient of its own."""

    copied: Tensor
    by: str


class LabelsRescaled(Fact, frozen=True, kw_only=True):
    """Labels are divided as if they were pixels."""

    labels: Labels


class PartsKept(Fact, frozen=True, kw_only=True):
    """A PyTorch module keeps layers with weights in a list, dict or tuple of Python, under one of its attributes."""

    module: str
    attribute: str
    holder: str
    """``list``, ``dict`` or ``tuple``."""
    member: str
    """The class of one of the layers."""
    registered: bool
    """Whether they are parts of a module in another way, or the program takes care of each of them by hand."""
    plain: bool
    """Whether it holds nothing but modules, a dict under texts."""
    only_drops: bool = False
    """Whether none of them has weights, and they drop values in training mode."""


class ParameterLoose(Fact, frozen=True, kw_only=True):
    """A PyTorch module makes parameters under one of its attributes that are none of its own."""

    module: str
    attribute: str
    holder: str
    """``list`` or ``dict`` for what holds them, ``moved`` for one that was moved or converted as soon as it was made,
    ``leaf`` for a tensor that asks for a gradient and is no parameter."""


class DropoutCall(Fact, frozen=True, kw_only=True):
    """A module drops values by a function, without a word on whether it is in training."""

    name: str
    module: str


class DropoutByMode(Fact, frozen=True, kw_only=True):
    """A module drops values by a function that it gives its own mode."""

    module: Instance


class AxesReordered(Fact, frozen=True, kw_only=True):
    """A reshape names the axes of a tensor in another order than they have, which moves no number."""

    name: str
    input: Tensor
    order: tuple[int, ...]
    """The axes in the order in which they are named."""
    sizes: int
    """How many sizes the reshape is given."""
    by_part: bool = False
    """Whether only a factor of the axis stands before the one that it should be behind, as the heads of features."""
    of_torch: bool = True
    """Whether it is surely no array of NumPy."""


class RowsShifted(Fact, frozen=True, kw_only=True):
    """An end of what a reshape gave was cut off and the rest reshaped again, which shifts its rows on purpose."""

    reshaped_at: Site


class OwnLoss(Fact, frozen=True, kw_only=True):
    """A loss that a program wrote itself gives a number for what a compiled model gives, and is differentiated by ``fit``."""

    result: Tensor


class ShapeRestored(Fact, frozen=True, kw_only=True):
    """A reshape of something names all axes of another tensor, each at its own place."""

    of: Tensor


class MatricesOfShares(Fact, frozen=True, kw_only=True):
    """A product takes the first axis of a softmax's answer, along which it sums to one, for that of several matrices."""

    shares: Tensor


class CarriedOver(Fact, frozen=True, kw_only=True):
    """A round of a loop puts something else in the place of a tensor: later rounds, which nobody followed, read that."""

    first: Tensor
    any_round: bool = False
    """Whether what was followed is whichever round, which need not be the one that reads the first."""
    last: Tensor | None = None
    """What was put there, which later rounds read as well, where it is one tensor."""


class StepTaken(Fact, frozen=True, kw_only=True):
    """Of what a recurrent layer or a transformer gives, one step along an axis is taken, or the mean, or something of neighbours."""

    layer: Layer
    input: Tensor
    axis: int
    taken: str
    """``first``, ``last``, ``mean``, ``joined`` where all axes but the first become one, ``window`` where a layer looks at
    neighbours, or empty for another step."""
    taken_at: Site


class PaddedStepTaken(Fact, frozen=True, kw_only=True):
    """Of what ``pad_packed_sequence`` gives, one step along an axis is taken, or the mean."""

    input: Tensor
    batch_first: bool
    axis: int
    taken: str
    taken_at: Site


class StatesGiven(Fact, frozen=True, kw_only=True):
    """A recurrent layer is given states for as many samples as an axis of its input has."""

    layer: Layer
    input: Tensor
    axis: int
    made_at: Site


class SequencePacked(Fact, frozen=True, kw_only=True):
    """A batch of sequences is packed for a recurrent layer."""

    input: Tensor
    batch_first: bool


class ForwardDone(Fact, frozen=True, kw_only=True):
    """The ``forward`` of a module of the program gave something back."""

    module: Instance
    output: Value


class GradientCut(Fact, frozen=True, kw_only=True):
    """A ``forward`` cuts the gradient between layers that are trained and layers that then never are."""

    module: str
    by: str
    """``detach``, ``data``, ``no_grad`` …."""
    lost: tuple[Layer, ...]
    """The layers before the cut."""
    trained: Layer
    """One behind it."""
    beside: bool = False
    """Whether the layer that learns is not behind the cut, but gives another part of the answer."""


class LayerUnused(Fact, frozen=True, kw_only=True):
    """A module builds a layer with weights that nothing ever mentions again."""

    module: str
    attribute: str
    layer: str
    method: str
    """``forward`` or ``call``."""
    replaced: bool = False
    """Whether another layer takes its name before anything is applied."""


class BuiltInForward(Fact, frozen=True, kw_only=True):
    """A module's ``forward`` or ``call`` builds a layer and calls it, again each time it is called."""

    module: str
    layer: str
    framework: str
    drops: bool
    """Whether it is a dropout; else it has weights."""


class Head(Fact, frozen=True, kw_only=True):
    """What a model gives back in training."""

    output: Value
    is_whole: bool = True
    """Whether no other module asks for it, as one of its parts."""


class SeveralOutputs(Fact, frozen=True, kw_only=True):
    """A model is built that gives several values."""

    outputs: tuple[Tensor, ...]


class Event(Enum):
    """What can happen in a training loop."""

    CLEARED = "gradients are cleared"
    RECORDED = "a tape of TensorFlow begins to record"
    DIFFERENTIATED = "a loss is differentiated"
    UNSCALED = "gradients are scaled back"
    CLIPPED = "gradients are clipped"
    STEPPED = "parameters are changed"
    SCHEDULED = "the learning rate is changed"
    READ = "the program reads a gradient itself"
    WRITTEN = "the program writes a gradient itself"
    MODE_SET = "a model is put into training or evaluation mode"
    APPLIED = "a model is applied"
    COMPILED = "a Keras model is compiled"
    FITTED = "a Keras model is trained by fit"
    RESTORED = "a model gets weights that were saved"
    PREDICTED = "a Keras model predicts"
    TRAINABLE_SET = "a Keras layer or model is frozen or released"
    KEPT = "a value is added to a sum or a list that outlives the round of the loop"
    LET_GO = "a sum to which a round of a loop has added is begun anew in the same round"
    BUILT = "an optimizer is built"
    CUT_SHORT = "the program is not followed any further, because it takes too long"
    LEFT_OUT = "a call is not followed to its end, because it takes too long; the program goes on behind it"
    USED_BY_HAND = "the program uses a layer's weights itself"
    HANDED_OVER = "something is called that cannot be read"


class TrainingEvent(Fact, frozen=True, kw_only=True):
    """Something happens in a training loop. The order of these facts is the order in which the program does them."""

    event: Event
    subject: Value
    """What it happens to: an optimizer, a model, parameters, a loss."""
    by: Value | None = None
    """What does it, where that is not the subject: a scaler, or the object of a library that is not known."""
    given: tuple[Value, ...] = ()
    """The arguments of what cannot be read, or that change what is done."""
    rounds: tuple[Round, ...] = ()
    """The rounds of loops in which it happens, outermost first."""
    root: int = 0
    """The run it belongs to: the module, or a function that nothing calls."""
    broken: tuple[Loop, ...] = ()
    """Loops that are not followed to their end with what is cut short or left out."""
    without_gradient: bool = False
    in_comprehension: bool = False
    """Whether a comprehension does it again and again, and no loop inside of it."""
    frozen: bool = False
    """Of a step: whether none of the parameters that the optimizer holds gets a gradient."""
    missing: frozenset[Value] = frozenset()
    """Of a step: layers that a module got after the optimizer had taken its parameters."""
    by_tensorflow: bool = False
    """Of a loss that is differentiated: whether it belongs to a graph, or a tape, which holds nothing behind the batch."""
    training: bool = False
    """Of a model that is applied: whether the call says ``training=True``, and stands in no comprehension."""
    says_mode: bool = True
    """Of a model that is applied: whether the call may say in which mode, as Keras wants it."""
    within: Value | None = None
    """Of a model that is applied: the object whose method does it. Its callers may say in which mode."""
    stored: bool = False
    """Of a step, or what clears gradients: whether the optimizer is what another call was given, and an object has kept."""


class NothingDifferentiated(Fact, frozen=True, kw_only=True):
    """A program takes steps, and nothing in it mentions gradients but to clear them."""


class NothingCleared(Fact, frozen=True, kw_only=True):
    """A program differentiates losses, and nothing in it mentions that gradients are cleared."""


class NothingStepped(Fact, frozen=True, kw_only=True):
    """A program computes and clears gradients, and nothing in it mentions a step but that of a schedule."""


class OpenMethod(Fact, frozen=True, kw_only=True):
    """A method is run that nothing calls, and whose callers do the rest of a step: they are not seen."""

    root: int


class LoaderInOrder(Fact, frozen=True, kw_only=True):
    """A loader gives the samples of a folder in the order of their classes."""

    loader: Value


class UnreadAttribute(Fact, frozen=True, kw_only=True):
    """A program sets an attribute of a parameter or a module that the library never reads."""

    name: str
    meant: str
    harmless: bool = False
    """Whether the tensor is as the program wants it all the same: it never has a gradient."""


class Returned(Fact, frozen=True, kw_only=True):
    """What a module's ``forward`` or ``call`` gives back that nothing in the program calls."""

    output: Value
