"""skorch: a module class and a loss class are handed over, and the library builds and calls both.

Source: ``skorch/net.py`` (``NeuralNet.get_loss``) and ``skorch/classifier.py``, which takes the logarithm itself before
``NLLLoss``, so that a softmax in front of that loss is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headlint.flow.layers import losses
from headlint.flow.values.arguments import Arguments
from headlint.flow.values.python_values import Unknown, Value
from headlint.flow.values.tensor_values import Origin, Tensor

if TYPE_CHECKING:
    from headlint.flow.machine.machine import Machine


def build(machine: Machine, arguments: Arguments, at: int) -> Value:
    """``NeuralNetClassifier(Module, criterion=Loss)``."""
    bound = arguments.bind(("module", "criterion"))
    sites = arguments.sites_of(("module", "criterion"))
    module, criterion = bound.get("module"), bound.get("criterion")
    if module is None or criterion is None:
        return Unknown()
    known = losses.named(machine, criterion)
    if known is None or known[0].family == "nll":
        return Unknown()
    options = {
        name.removeprefix("module__"): value for name, value in arguments.named.items() if name.startswith("module__")
    }
    model = machine.call(module, Arguments((), options), at)
    output = machine.call(model, Arguments((Tensor(origin=Origin("input", "")),)), at)
    site = sites.get("criterion", machine.site(at))
    losses.take(machine, known[0], output, None, site, known[1], site)
    return Unknown()
