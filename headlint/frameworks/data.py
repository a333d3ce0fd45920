"""Data sets, and what NumPy, pandas and scikit-learn do to labels."""

from __future__ import annotations

from headlint.frameworks.kinds import OperationKind

CLASS_AFTER_CLASS = frozenset(
    {"ImageFolder", "DatasetFolder", "Caltech101", "Caltech256", "Country211", "EuroSAT", "ImageNet", "Imagenette"}
)
"""Data sets of torchvision that go through one class after the other, as their folders do."""

TORCHVISION_CLASSES = {
    "MNIST": 10,
    "FashionMNIST": 10,
    "KMNIST": 10,
    "QMNIST": 10,
    "CIFAR10": 10,
    "CIFAR100": 100,
    "STL10": 10,
    "SVHN": 10,
    "Food101": 101,
    "OxfordIIITPet": 37,
    "GTSRB": 43,
    "DTD": 47,
    "Flowers102": 102,
    "Caltech101": 101,
    "Caltech256": 257,
    "EuroSAT": 10,
    "FGVCAircraft": 100,
    "USPS": 10,
    "Imagenette": 10,
    "Places365": 365,
    "StanfordCars": 196,
    "SUN397": 397,
    "Country211": 211,
    "PCAM": 2,
    "RenderedSST2": 2,
    "FER2013": 7,
    "SEMEION": 10,
    "ImageNet": 1000,
}
"""``torchvision.datasets``: how many classes each gives one integer label of."""

EMNIST_CLASSES = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10}
"""``torchvision.datasets.EMNIST``: how many class numbers each split needs; its letters are counted from 1."""

TORCHTEXT_CLASSES = {
    "AG_NEWS": 4,
    "SogouNews": 5,
    "DBpedia": 14,
    "YelpReviewPolarity": 2,
    "YelpReviewFull": 5,
    "YahooAnswers": 10,
    "AmazonReviewPolarity": 2,
    "AmazonReviewFull": 5,
}
"""``torchtext.datasets``: how many classes each has; they are counted from 1."""

TFDS_CLASSES = {
    **dict.fromkeys(
        ("mnist", "fashion_mnist", "kmnist", "cifar10", "svhn_cropped", "imagenette", "stl10", "eurosat"), 10
    ),
    **dict.fromkeys(("cats_vs_dogs", "horses_or_humans", "malaria", "imdb_reviews", "yelp_polarity_reviews"), 2),
    **dict.fromkeys(("patch_camelyon", "glue/sst2", "glue/cola", "titanic"), 2),
    **dict.fromkeys(("iris", "rock_paper_scissors", "beans"), 3),
    **dict.fromkeys(("tf_flowers", "cassava"), 5),
    "cifar100": 100,
    "ag_news_subset": 4,
    "citrus_leaves": 4,
    "colorectal_histology": 8,
    "deep_weeds": 9,
    "uc_merced": 21,
    "oxford_iiit_pet": 37,
    "plant_village": 38,
    "resisc45": 45,
    "dtd": 47,
    "food101": 101,
    "oxford_flowers102": 102,
    "caltech101": 102,
    "stanford_dogs": 120,
    "imagenet2012": 1000,
}
"""TensorFlow's catalogue of data sets, by name: how many classes each has."""

HUGGING_FACE_CLASSES = {
    **dict.fromkeys(("imdb", "rotten_tomatoes", "yelp_polarity", "amazon_polarity", "glue/sst2"), ("label", 2)),
    **dict.fromkeys(("glue/cola", "glue/mrpc", "glue/qqp", "glue/qnli", "glue/rte", "glue/wnli"), ("label", 2)),
    **dict.fromkeys(("glue/mnli", "snli"), ("label", 3)),
    **dict.fromkeys(("mnist", "fashion_mnist", "cifar10"), ("label", 10)),
    "ag_news": ("label", 4),
    "emotion": ("label", 6),
    "yelp_review_full": ("label", 5),
    "dbpedia_14": ("label", 14),
    "banking77": ("label", 77),
    "cifar100": ("fine_label", 100),
    "food101": ("label", 101),
    "beans": ("labels", 3),
    "cats_vs_dogs": ("labels", 2),
}
"""Hugging Face's data sets, by name and configuration: the column of class numbers, and how many classes there are."""

HUGGING_FACE_NAMES = frozenset({"datasets.load_dataset"})

SKLEARN_CLASSES = {
    "load_iris": 3,
    "load_digits": 10,
    "load_wine": 3,
    "load_breast_cancer": 2,
    "fetch_olivetti_faces": 40,
    "fetch_covtype": 7,
    "fetch_20newsgroups": 20,
    "fetch_20newsgroups_vectorized": 20,
}
OPENML_CLASSES = {
    **dict.fromkeys(("mnist_784", "Fashion-MNIST", "Kuzushiji-MNIST", "CIFAR_10", "SVHN", "USPS"), 10),
    **dict.fromkeys(("optdigits", "pendigits"), 10),
    **dict.fromkeys(("letter", "isolet"), 26),
    **dict.fromkeys(("titanic", "adult", "credit-g", "spambase"), 2),
    "iris": 3,
    "EMNIST_Balanced": 47,
}
"""How many classes the best known data sets of OpenML have, by the names that ``fetch_openml`` takes."""

SKLEARN_REGRESSION: dict[str, tuple[float | None, float | None]] = {
    "load_diabetes": (25, 346),
    "fetch_california_housing": (0.15, 5),
    "load_boston": (5, 50),
    "load_linnerud": (31, 247),
    "make_regression": (-20, 20),
    "make_friedman1": (2, 25),
    "make_friedman2": (10, 1500),
    "make_friedman3": (0.1, 1.5),
    "make_sparse_uncorrelated": (-2, 2),
    "make_s_curve": (-4, 4),
    "make_swiss_roll": (5, 14),
}
"""scikit-learn's data of amounts, and how far these reach (for the generators: at least, with the usual arguments)."""

SKLEARN_GENERATORS = {
    "make_classification": ("n_classes", 2),
    "make_blobs": ("centers", 3),
    "make_moons": ("", 2),
    "make_circles": ("", 2),
    "make_gaussian_quantiles": ("n_classes", 3),
}
"""scikit-learn's generators: the argument that says how many classes, and its default."""

OPERATIONS = tuple(
    OperationKind(f"numpy.{name}", effect, parameters)
    for name, effect, parameters in (
        ("argmax", "argmax", ("a", "axis")),
        ("argmin", "argmax", ("a", "axis")),
        ("round", "round", ("a",)),
        ("rint", "round", ("a",)),
        ("around", "round", ("a",)),
        ("sign", "round", ("a",)),
        ("log", "log", ("x",)),
        ("exp", "exp", ("x",)),
        ("add", "add", ("x", "y")),
        ("subtract", "subtract", ("x", "y")),
        ("multiply", "multiply", ("x", "y")),
        ("divide", "divide", ("x", "y")),
        ("negative", "negative", ("x",)),
        ("clip", "clamp", ("a", "a_min", "a_max")),
        *((name, "mean", ("a", "axis")) for name in ("mean", "average", "nanmean")),
        ("sum", "sum", ("a", "axis")),
        *((name, "max", ("a", "axis")) for name in ("max", "min", "amax", "amin", "nanmax", "nanmin")),
        *((name, "unknown_shape", ("a", "axis")) for name in ("std", "nanstd", "ptp")),
        *(
            (name, "function", ("x",))
            for name in ("abs", "absolute", "fabs", "sqrt", "square", "sin", "cos", "log1p", "expm1", "log2", "log10")
        ),
        ("reshape", "reshape_shape", ("a", "newshape")),
        ("squeeze", "squeeze", ("a", "axis")),
        ("expand_dims", "unsqueeze", ("a", "axis")),
        ("concatenate", "concatenate", ("arrays", "axis")),
        ("stack", "stack", ("arrays", "axis")),
        *((name, "convert", ("object", "dtype")) for name in ("array", "asarray", "asfarray", "ascontiguousarray")),
        *((name, "convert", ("object",)) for name in ("float32", "float64", "int32", "int64", "uint8")),
        *((f"{kind}stack", "concatenate", ("arrays",)) for kind in ("v", "h", "row_")),
        ("repeat", "repeat_interleave", ("a", "repeats", "axis")),
        ("eye", "identity_matrix", ("N",)),
        ("identity", "identity_matrix", ("n",)),
        ("where", "where", ("condition", "x", "y")),
        ("zeros", "fresh_sized", ("shape", "dtype")),
        ("ones", "fresh_sized", ("shape", "dtype")),
        ("empty", "fresh_sized", ("shape", "dtype")),
        ("full", "fresh_sized", ("shape", "fill_value", "dtype")),
        *((name, "power", ("x1", "exponent")) for name in ("power", "float_power")),
        ("arange", "range", ("start", "stop", "step", "dtype")),
        ("linspace", "linspace", ("start", "stop", "num")),
        ("random.randint", "random_integers", ("low", "high", "size", "dtype")),
        ("random.random_integers", "random_integers", ("low", "high", "size")),
        ("random.rand", "fresh", ("*size",)),
        ("random.randn", "fresh", ("*size",)),
        *((f"random.{name}", "fresh_sized", ("size",)) for name in ("random", "random_sample", "ranf", "sample")),
        ("random.standard_normal", "fresh_sized", ("size",)),
        ("random.uniform", "uniform", ("low", "high", "size")),
        ("random.normal", "normal", ("loc", "scale", "size")),
        ("random.choice", "choice", ("a", "size")),
        ("random.binomial", "bernoulli", ("n", "p", "size")),
        ("random.permutation", "permutation", ("x",)),
    )
)

NAMES = frozenset(
    {"numpy"}
    | {f"sklearn.datasets.{name}" for name in (*SKLEARN_CLASSES, "fetch_openml")}
    | {f"torchvision.datasets.{name}" for name in TORCHVISION_CLASSES}
)
"""What means something to the interpreter without standing in a table."""
