"""Values for parameters that nothing in the program gives: a guess by name, annotation and use.

Counts are distinct primes, so that a shape in a result tells which guess it came from. A guess is always marked and
never decides a verdict about what it set.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

from ..measuring.specs import FEATURES
from .settings import is_group, is_read_as_group, setting

CLASSES = 7
HIDDEN = 32
VOCABULARY = 101

BY_NAME: tuple[tuple[str, Any], ...] = (
    (r"(^|_)(dir|directory|folder|path)$|^(path|dir)_", ""),
    (
        r"^(in_?ch|in_?channels?|input_channels?|channels?|n_?channels|num_?channels|img_channels|nc|in_c|inchannels?|input_nc|in_chans|c_in|channels_in)$",
        3,
    ),
    (
        r"(vocab|n_?tokens?$|num_?embeddings|n_?words|dict_size|src_size|n_?items|n_?users|num_?nodes|n_?entities|voc_size)",
        VOCABULARY,
    ),
    (
        r"(class|n_?labels?|num_?labels|out_?dim|out_?features|output_?(size|dim)|n_?out(puts?)?$|out_?size|num_?outputs|tagset|n_?actions|action_?(dim|size)|out_?channels?|num_?targets|^out$)",
        CLASSES,
    ),
    (r"(max_?len|seq_?len|block_size|context_?(len|size)|max_?position|n_?positions|time_?steps|window)", 24),
    (
        r"(img|image|input|crop)_?(size|res|resolution|shape|side|height|width)$|^(height|width|size|resolution|im_?size|h|w)$",
        32,
    ),
    (r"patch", 8),
    (r"(growth)", 8),
    (r"(drop(?!_?last)|^p$|_p$|prob|rate$)", 0.1),
    (r"(momentum)", 0.9),
    (r"(ratio|reduction|mult|factor)", 4),
    (r"(^lr$|learning_?rate|eps|alpha|beta|gamma|lambda|weight_?decay|scale|temperature|slope)", 0.01),
    (r"(kernel|filter_size|ksize|^k$)", 3),
    (r"^pool(ing)?_?(size|length|window)?$|pool_size", 2),
    (r"(stride|dilation|groups|expansion|padding_idx)", 1),
    (r"(padding|^pad$)", 1),
    (r"(heads?$|n_?heads?)", 2),
    (r"(layers|depth|blocks|n_?layers?|num_?blocks|levels|stages|repeats|units?_?count)", 2),
    (r"(batch)", 5),
    (
        r"(input|in|feature|state|obs)_?(dim|size|features|shape|width|dims)s?$|^(n_?features|in_?features|nin|n_?in|dim_in|d_?in|n_?feats?|features|obs)$",
        16,
    ),
    (
        r"(hidden|embed|emb|d_?model|dim|width|size|units|filters|planes|neurons|nhid|latent|rank|features|channel|^nf|_nf|ngf|ndf|nz|chn|ch$|inner|ff|mlp|normalized)",
        HIDDEN,
    ),
    (
        r"^(is_|use_|has_|with_)|(bias|bidirectional|pretrained|training|freeze|verbose|bilinear|residual|shortcut|bn|norm$|batch_first|flag|cuda|gpu)",
        False,
    ),
    (r"device", "cpu"),
    (r"(norm|normalization)_?(type|name|kind)$", "BN"),
    (r"(name|mode(?!l)|type|path|file)", ""),
    (r"(mean|std)", 0.5),
    (r"^(n|m|num|count|n_.*|num_.*|nb_.*)$", CLASSES),
)
"""First match decides."""

CONFIGURATIONS = re.compile(
    r"^(.*_)?(args?|config|configs|cfg|conf|opts?|options|hparams|params|param|hyper_?parameters|settings)$|^c$", re.I
)
OBJECTS = re.compile(
    r"model|net|backbone|encoder|decoder|module|layer|fn|func|act|loss|criterion|optim|operator|matrix|vectors|"
    r"weights?$|data|loader|tokenizer|transform|callback|generator|discriminator|logger|dict|graph|adj|list|cell|head$"
    r"|cls$|class$|block$",
    re.I,
)
"""Parameters for which a number is no guess."""
KERAS_NAMES = {"activation": "relu", "act": "relu", "optimizer": "adam", "optim": "adam", "loss": "mse"}
KERAS_SHAPES = re.compile(r"shape$|(image|img)_?(size|dims?)$", re.I)
OF_NOISE = re.compile(r"latent|noise|^z_|code|embed|label|cond", re.I)
"""Shapes of what is no image."""

SHAPES = re.compile(r"(input|image|img|obs|state)_?(shape|size|dims?)$", re.I)


UNWRITTEN = frozenset({"_empty", "<class 'inspect._empty'>", "Callable", "Module", "nn.Module", "Type", "type", "Any"})
"""Annotations that say nothing, or that any layer fits."""


class Unguessable(Exception):
    """No value is likely for a parameter."""


class GuessedConfiguration:
    """An object or mapping of options: those of ``known`` where it has them, every other one what the program's own settings
    say, else the first of the ``words`` that the program compares it with, else a guess by its name. ``path`` are the names
    that lead to it: ``config.model`` is reached by ``("model",)``."""

    def __init__(self, known: Any = None, words: dict[str, str] | None = None, path: tuple[str, ...] = ()) -> None:
        self.known = known
        self.words = words or {}
        self.path = path
        self.given: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if not isinstance(name, str):
            raise KeyError(name)
        if hasattr(self.known, name):
            return getattr(self.known, name)
        if name not in self.given:
            self.given[name] = self.likely(name)
        return self.given[name]

    def likely(self, name: str) -> Any:
        """What an option probably is."""
        if is_read_as_group(name):
            return GuessedConfiguration(words=self.words, path=(*self.path, name))
        written = setting((*self.path, name))
        if written is not None:
            return written
        if name in self.words:
            return self.words[name]
        if is_group(name):
            return GuessedConfiguration(words=self.words, path=(*self.path, name))
        return guess_option(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The default where the program gives one."""
        return self[name] if default is None or hasattr(self.known, name) else default

    def __contains__(self, name: str) -> bool:
        return hasattr(self.known, name)

    def __enter__(self) -> GuessedConfiguration:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def keys(self) -> list[str]:
        """The names of the options that are known."""
        return list(getattr(self.known, "__dict__", {}))

    def items(self) -> list[tuple[str, Any]]:
        """The options that are known."""
        return [(name, getattr(self.known, name)) for name in self.keys()]

    def with_given(self, given: dict[str, Any]) -> GuessedConfiguration:
        """The same with other guesses."""
        other = GuessedConfiguration(self.known, self.words, self.path)
        other.given = dict(given)
        return other

    def __repr__(self) -> str:
        known = [type(self.known).__name__] if self.known is not None else []
        return f"options({', '.join([*known, *(f'{key}={value!r}' for key, value in self.given.items())])})"


class CompletedMapping(dict[str, Any]):
    """A dictionary of options with a guess for every key that it lacks."""

    def __init__(self, known: Any = ()) -> None:
        super().__init__(known)
        self.__dict__["known"] = frozenset(self)

    def __missing__(self, name: str) -> Any:
        if isinstance(name, str) and is_read_as_group(name):
            self[name] = CompletedMapping()
            return self[name]
        if not isinstance(name, str):  # no name tells what a place or a pair of numbers stands for
            self[name] = HIDDEN
            return HIDDEN
        written = setting((name,))
        self[name] = guess_option(name) if written is None else written
        return self[name]

    def guessed(self) -> dict[str, Any]:
        """The guesses that have a name."""
        known = self.__dict__["known"]
        return {key: value for key, value in self.items() if isinstance(key, str) and key not in known}

    def with_guessed(self, guessed: dict[str, Any]) -> CompletedMapping:
        """The same with other guesses."""
        other = CompletedMapping({key: value for key, value in self.items() if key in self.__dict__["known"]})
        other.update(guessed)
        return other

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


def completed(options: Any) -> Any:
    """Options that also answer for what only the script around the model would have set; None for what is no options."""
    match options:
        case GuessedConfiguration() | CompletedMapping():
            return None
        case dict():
            return CompletedMapping(options) if all(isinstance(key, str) for key in options) else None
        case type() if hasattr(options, "forward") or hasattr(options, "call"):
            return None
        case type() | ModuleType() | SimpleNamespace() | argparse.Namespace():
            return GuessedConfiguration(options)
    return GuessedConfiguration(options) if dataclasses.is_dataclass(options) else None


TABLE = re.compile(
    r"(emb(ed|eddings?)?|words?|vec(tors?)?|pretrained|glove|w2v|weights?)_(matrix|mat|weights?|vectors?|vecs?|table|emb(eddings?)?)$"
    r"|^(glove|w2v|word2vec|pretrained_embeddings?|embeddings_index)$",
    re.I,
)
"""Parameters that hold the rows of an embedding."""

ROWS_OF_WORDS = re.compile(r"emb|vec|glove|word|vocab", re.I)
"""Parameters whose rows stand for words."""

WORDS = re.compile(
    r"vocab|tokenizer|dictionary|^(lang|alphabet)$|word2i(dx|nd)|_lang$|(_to_|2)(index|idx|ix|ind|ids?)$", re.I
)
"""Parameters that may hold words with their numbers."""


class GuessedVocabulary:
    """Words with their numbers, as objects of many kinds hold them: as long as a guess, every word known, no vectors."""

    def __len__(self) -> int:
        return VOCABULARY

    def __getitem__(self, word: Any) -> Any:
        return 1

    def __contains__(self, word: object) -> bool:
        return True

    def __call__(self, *words: Any, **options: Any) -> int:
        """The number of a word."""
        return 1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if re.search(r"vectors|embeddings?$|weights?$", name):
            return None
        if re.search(r"pad|unk|[bes]os|cls|sep|mask|blank", name):
            return 1
        return VOCABULARY if re.search(r"size|^n_|num|count|^len|total", name) else self


SEARCHED = re.compile(r"^(hp|hps|trial|hyper_?parameters)$")
"""Parameters through which a search over hyperparameters (KerasTuner, Optuna) gives its choices."""


class FirstOfEach:
    """A trial of such a search: of each range the lowest number, of several choices the first, nothing switched on."""

    def chosen(self, name: str, *choices: Any, **options: Any) -> Any:
        """One choice."""
        first = next(
            (options[key] for key in ("values", "choices", "value", "min_value", "low") if key in options), None
        )
        first = choices[0] if first is None and choices else first
        return next(iter(first), None) if isinstance(first, (list, tuple)) else first

    Int = Float = Choice = Fixed = chosen
    suggest_int = suggest_float = suggest_categorical = suggest_uniform = suggest_loguniform = chosen
    suggest_discrete_uniform = chosen

    def Boolean(self, name: str, default: bool = False, **options: Any) -> bool:
        """Off, where the program does not say on."""
        return default

    def conditional_scope(self, *names: Any) -> FirstOfEach:
        """The scope: itself."""
        return self

    def __enter__(self) -> FirstOfEach:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def __repr__(self) -> str:
        return "the first of each choice"


WORLD = re.compile(r"^(.*_)?(envs?|environment)$", re.I)
"""Parameters that hold an environment of reinforcement learning."""


def table(rows: int = VOCABULARY, width: int = HIDDEN) -> Any:
    """Weights of an embedding: a tensor where torch is loaded, else an array."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and "keras" not in sys.modules:
        return torch.zeros(rows, width) + 0.01
    return numpy.full((rows, width), 0.01, dtype="float32") if numpy is not None else None


PARTS: tuple[tuple[str, str], ...] = (
    (r"^(act|activation|activ|nonlinearity|non_linearity|act_fn|activation_(fn|func|function)|act_func|af)$", "ReLU()"),
    (r"^(act|activation)_(layer|cls|class|type)$", "ReLU"),
    (r"^(norm|norm_layer|normalization|norm_(cls|class|fn|type)|bn_layer)$", "BatchNorm2d"),
    (r"^(conv|conv_layer|conv_(cls|class|fn))$", "Conv2d"),
    (r"^(criterion|loss|loss_fn|loss_func|loss_function)$", "CrossEntropyLoss()"),
)
"""What is given for the layers and losses that a parameter asks for by its name."""


def part(name: str) -> Any:
    """A layer of torch, its class, or a loss, by the name of a parameter; None where the name asks for none."""
    torch = sys.modules.get("torch")
    if torch is None or "keras" in sys.modules:
        return None
    wanted = next((made for pattern, made in PARTS if re.search(pattern, spread(name))), "")
    if not wanted:
        return None
    kind = getattr(torch.nn, wanted.removesuffix("()"))
    return kind() if wanted.endswith("()") else kind


WHOLE = re.compile(r"(model|net|network|backbone|encoder|decoder|module|extractor|body|head|base|trunk)$", re.I)
"""Parameters that ask for a model."""


ROWS = 64
LABELS = re.compile(r"(^|_)(y|labels?|targets?)(_|$)", re.I)


def rows_of_data(name: str) -> Any:
    """Data that a caller would give to learn from: rows of features, or a number for each; None without numpy."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    return numpy.arange(ROWS) % 2.0 if LABELS.search(name) else numpy.full((ROWS, FEATURES), 0.5, dtype="float32")


SEVERAL = re.compile(r"(models|nets|networks|backbones|encoders|modules|experts|branches)$", re.I)
"""Parameters that ask for several models."""


def last_resort(name: str) -> Any:
    """What is given where nothing is likely: for a model one that gives what it is given, in Keras one layer of rows, else
    a number, which what the constructor raises may change."""
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if torch is not None and keras is None and SEVERAL.search(name):
        return [passing(torch), passing(torch)]
    if not WHOLE.search(name):
        return HIDDEN
    if keras is not None:
        rows = keras.Input((HIDDEN,))
        return keras.Model(rows, keras.layers.Dense(HIDDEN)(rows))
    return passing(torch) if torch is not None else HIDDEN


def layer_called(name: str) -> Any:
    """A layer to call: an embedding by its name, else one that gives what it is given; None without a framework."""
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")
    if keras is not None:
        return keras.layers.Embedding(VOCABULARY, HIDDEN) if "emb" in name.lower() else keras.layers.Dense(HIDDEN)
    if torch is not None:
        return torch.nn.Embedding(VOCABULARY, HIDDEN) if "emb" in name.lower() else passing(torch)
    return None


def passing(torch: Any) -> Any:
    """A layer that gives the first of what it is given."""

    class Passing(torch.nn.Identity):
        def forward(self, values: Any, *others: Any, **options: Any) -> Any:
            return values

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                if (asked := asked_of_a_part(name, torch)) is None:
                    raise
                return asked

        def __repr__(self) -> str:
            return "Identity()"

    return Passing()


WIDTHS = re.compile(
    r"^(in_|out_|input_|output_|hidden_|num_|n_|d_)?(embed(ding)?_?|feat(ure)?s?_?|model_?)?"
    r"(dims?|sizes?|channels?|features?|width|planes|chans)$"
)
"""What a part is asked for that tells how wide it is."""

HEADS = re.compile(r"^(fc|classifier|head|last_linear|heads)$")


def asked_of_a_part(name: str, torch: Any) -> Any:
    """What a part handed in says of itself, as ``encoder.output_dim`` or ``backbone.fc.in_features``; None for anything
    else."""
    if WIDTHS.search(name):
        return HIDDEN
    if HEADS.search(name):
        return torch.nn.Linear(HIDDEN, HIDDEN)
    return GuessedConfiguration() if CONFIGURATIONS.match(name) else None


def world() -> SimpleNamespace:
    """An environment with numbers as observations and a few actions."""
    seen = SimpleNamespace(shape=(16,), low=-1.0, high=1.0, n=16, dtype="float32")
    done = SimpleNamespace(shape=(CLASSES,), low=-1.0, high=1.0, n=CLASSES, nvec=[CLASSES], dtype="float32")
    spaces = {
        "observation_space": seen,
        "single_observation_space": seen,
        "action_space": done,
        "single_action_space": done,
    }
    return SimpleNamespace(**spaces, num_envs=1, envs=[], unwrapped=None, spec=SimpleNamespace(id="guess"))


def guess_option(name: str) -> Any:
    """A value for an option, whatever its name."""
    try:
        return guess(name)
    except Unguessable:
        return HIDDEN


def guess(name: str, annotation: Any = inspect.Parameter.empty) -> Any:
    """A likely value for a parameter.

    Raises:
        Unguessable: neither the name nor the annotation says anything.
    """
    written = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if KERAS_SHAPES.search(name) and written != "int" and "keras" in sys.modules:
        return (HIDDEN,) if OF_NOISE.search(name) else (32, 32, 3)  # without the batch, channels last
    if "keras" in sys.modules and name in KERAS_NAMES:
        return KERAS_NAMES[name]
    if (
        (written == "Tensor" or written.endswith(".Tensor"))
        and not ROWS_OF_WORDS.search(name)
        and "torch" in sys.modules
    ):
        return sys.modules["torch"].full((HIDDEN,) if "bias" in name else (HIDDEN, HIDDEN), 0.01)
    if TABLE.search(spread(name)) and (rows := table()) is not None:
        return rows
    if WORLD.search(spread(name)):
        return world()
    if SEARCHED.search(name):
        return FirstOfEach()
    if written in UNWRITTEN and (made := part(name)) is not None:
        return made
    by_name = guess_by_name(name)
    match written:
        case "bool":
            return False
        case "int" if not isinstance(by_name, int) or isinstance(by_name, bool):
            return HIDDEN
        case "float" if not isinstance(by_name, float):
            return 0.1
        case "str" if not isinstance(by_name, str):
            raise Unguessable(name)
    if re.search(r"^typing\.(List|Sequence)\[int\]|^(list|List|Sequence|Iterable)(\[int\])?$", written):
        return [HIDDEN, HIDDEN]
    if re.search(r"[Tt]uple\[int", written):
        return (3, 32, 32) if SHAPES.search(name) else (HIDDEN, HIDDEN)
    if re.search(r"^(typing\.)?([Dd]ict|Mapping)\b", written):
        return CompletedMapping()
    if CONFIGURATIONS.match(name):
        return GuessedConfiguration()
    if by_name is not None:
        return by_name
    if OBJECTS.search(name):
        raise Unguessable(name)
    return HIDDEN


def guess_by_name(name: str) -> Any:
    """The first row of the table that the name matches, or None."""
    return next((value for pattern, value in BY_NAME if re.search(pattern, spread(name))), None)


def spread(name: str) -> str:
    """``gpt_config`` for ``GPTConfig``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
