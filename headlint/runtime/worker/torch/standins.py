"""What keeps a program from downloading: pretrained weights are left out, and told. Also what
many programs take from Lightning and timm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from ..program.guessing import CompletedMapping, GuessedConfiguration
from ..program.standins import REPLACEMENTS, MissingData, find_stand_in
from ..reasons import Unmeasurable

WEIGHTS_LEFT_OUT = "pretrained weights were not loaded"


def cut_off_downloads(stubs: list[str]) -> None:
    """Replaces what reads weights from the network or from files, at every name that it already has."""

    def no_weights(*arguments: Any, **keywords: Any) -> MissingData:
        if WEIGHTS_LEFT_OUT not in stubs:
            stubs.append(WEIGHTS_LEFT_OUT)
        return MissingData()

    ordinary = nn.Module.load_state_dict

    def load_state_dict(model: Any, state: Any, *arguments: Any, **keywords: Any) -> Any:
        if WEIGHTS_LEFT_OUT not in stubs and find_stand_in(state) is None:
            return ordinary(model, state, *arguments, **keywords)
        return SimpleNamespace(missing_keys=[], unexpected_keys=[])

    def no_model(*arguments: Any, **keywords: Any) -> Any:
        raise Unmeasurable("data", "torch.hub.load downloads the model and its code")

    nn.Module.load_state_dict = load_state_dict
    for original in (torch.load, torch.hub.load_state_dict_from_url):
        replace_everywhere(original, no_weights)
    replace_everywhere(torch.hub.load, no_model)
    replace_everywhere(torch.hub.download_url_to_file, lambda *arguments, **keywords: None)


def replace_everywhere(original: Callable[..., Any], replacement: Callable[..., Any]) -> None:
    """Binds the replacement to every name of a loaded module that the original is bound to."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict) and getattr(module, "__name__", "") != __name__:
            for name, value in list(names.items()):
                if value is original:
                    names[name] = replacement


def without_cuda() -> None:
    """Lets ``torch.cuda.FloatTensor`` and its like make ordinary tensors where there is no such device."""
    for name in ("FloatTensor", "LongTensor", "IntTensor", "BoolTensor", "ByteTensor", "DoubleTensor", "HalfTensor"):
        setattr(torch.cuda, name, getattr(torch, name))


def accept_old_layers() -> None:
    """Lets ``nn.Conv1d`` take images where its kernel has two axes, as in PyTorch before 1.11, and parts be called
    ``norm.1``, as before 0.4."""
    ordinary = nn.Conv1d._conv_forward

    def conv_forward(layer: Any, values: Any, weight: Any, bias: Any) -> Any:
        if values.dim() != 4 or weight.dim() != 4 or layer.padding_mode != "zeros":
            return ordinary(layer, values, weight, bias)
        sizes = (layer.stride[0], layer.padding[0], layer.dilation[0])
        return nn.functional.conv2d(values, weight, bias, *sizes, layer.groups)

    nn.Conv1d._conv_forward = conv_forward
    add_module = nn.Module.add_module

    def add_named(self: Any, name: str, module: Any) -> None:
        add_module(self, name.replace(".", "_") if isinstance(name, str) else name, module)

    nn.Module.add_module = add_named


class Options(dict[str, Any]):
    """Hyperparameters, by key and by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def options_of(value: Any) -> Any:
    """What an object or dictionary holds, as Lightning keeps it; a guess as it is, since it has what it is asked for."""
    if isinstance(value, (GuessedConfiguration, CompletedMapping)):
        return value
    return Options(value if isinstance(value, dict) else vars(value))


class HyperparametersMixin:
    """Stands for what keeps a constructor's arguments in Lightning, where that is not installed."""

    @property
    def hparams(self) -> Any:
        """What ``save_hyperparameters`` kept."""
        return self.__dict__.setdefault("_options", Options())

    @hparams.setter
    def hparams(self, value: Any) -> None:
        self.__dict__["_options"] = options_of(value)

    def save_hyperparameters(self, *names: Any, ignore: Any = (), frame: Any = None, logger: bool = True) -> None:
        """Keeps the arguments of the constructor that calls it, or those named, or the fields of an object given."""
        given = {key: value for key, value in sys._getframe(1).f_locals.items() if key not in ("self", "__class__")}
        extra = given.pop("kwargs", {})
        given |= extra if isinstance(extra, dict) else {}
        if names and not isinstance(names[0], str):
            given = options_of(names[0])
            if not isinstance(given, dict):
                self.__dict__["_options"] = given
                return
        elif names:
            given = {name: given[name] for name in names if name in given}
        left_out = (ignore,) if isinstance(ignore, str) else ignore or ()
        self.hparams.update({key: value for key, value in given.items() if key not in left_out})


class LightningModule(HyperparametersMixin, nn.Module):
    """Stands for Lightning's base class where that is not installed: an ordinary module that takes the calls."""

    trainer: Any = None
    logger: Any = None
    current_epoch = 0
    global_step = 0
    automatic_optimization = True
    example_input_array: Any = None

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__()

    @property
    def device(self) -> Any:
        """Where the parameters are."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    def log(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing."""

    def log_dict(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing."""

    def print(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing."""

    def freeze(self) -> None:
        """No parameter is trained."""
        self.requires_grad_(False)


for package in ("pytorch_lightning", "lightning", "lightning_fabric"):
    REPLACEMENTS[package, "LightningModule"] = LightningModule
    REPLACEMENTS[package, "HyperparametersMixin"] = HyperparametersMixin


class DropPath(nn.Module):
    """Stands for timm's: leaves out a whole residual branch of some samples while training, by chance."""

    def __init__(self, drop_prob: float | None = 0.0, scale_by_keep: bool = True) -> None:
        super().__init__()
        self.drop_prob = drop_prob or 0.0

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The values, those of some samples zero."""
        if not self.training or not self.drop_prob:
            return values
        kept = torch.rand((values.shape[0],) + (1,) * (values.dim() - 1), device=values.device) >= self.drop_prob
        return values * kept / (1 - self.drop_prob)


def to_2tuple(value: Any) -> tuple[Any, ...]:
    """Stands for timm's: a number twice, anything else as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


for name, replacement in (("DropPath", DropPath), ("to_2tuple", to_2tuple), ("trunc_normal_", nn.init.trunc_normal_)):
    REPLACEMENTS["timm", name] = replacement
