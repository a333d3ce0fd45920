"""Data sets, and what NumPy, pandas and scikit-learn do to labels."""

from __future__ import annotations

from headlint.frameworks.kinds import OperationKind

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
}
"""``torchvision.datasets``: how many classes each gives one integer label of."""

SKLEARN_CLASSES = {
    "load_iris": 3,
    "load_digits": 10,
    "load_wine": 3,
    "load_breast_cancer": 2,
    "fetch_olivetti_faces": 40,
    "fetch_covtype": 7,
}
SKLEARN_REGRESSION = frozenset({"load_diabetes", "fetch_california_housing", "load_boston", "make_regression"})

SKLEARN_GENERATORS = {
    "make_classification": ("n_classes", 2),
    "make_blobs": ("centers", 3),
    "make_moons": ("", 2),
    "make_circles": ("", 2),
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
        ("mean", "mean", ("a", "axis")),
        ("sum", "sum", ("a", "axis")),
        ("reshape", "reshape_shape", ("a", "newshape")),
        ("squeeze", "squeeze", ("a", "axis")),
        ("expand_dims", "unsqueeze", ("a", "axis")),
        ("concatenate", "concatenate", ("arrays", "axis")),
        ("stack", "stack", ("arrays", "axis")),
        ("array", "convert", ("object", "dtype")),
        ("asarray", "convert", ("object", "dtype")),
        ("eye", "identity_matrix", ("N",)),
        ("identity", "identity_matrix", ("n",)),
        ("where", "compare", ("condition", "x", "y")),
        ("zeros", "fresh_sized", ("shape",)),
        ("ones", "fresh_sized", ("shape",)),
        ("random.randint", "random_integers", ("low", "high", "size")),
        ("random.rand", "fresh", ("*size",)),
        ("random.randn", "fresh", ("*size",)),
        ("random.random", "fresh_sized", ("size",)),
    )
)
