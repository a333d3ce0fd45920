"""Libraries that train: each takes a model and a loss and joins them.

Sources: ``ignite/engine/__init__.py`` (0.5), ``poutyne/framework/model.py`` and ``model_bundle.py`` (1.19),
``skorch/net.py``, ``classifier.py`` and ``regressor.py`` (1.4), ``fastai/learner.py`` and ``losses.py`` (2.8),
``composer/models/tasks/classification.py`` and ``composer/loss/loss.py`` (0.32), ``torchbearer/trial.py`` (0.5),
``pytorch_accelerated/trainer.py`` (0.1.61), ``flash/core/model.py`` and ``classification.py`` (0.8),
``monai/engines/trainer.py`` (1.6), ``torch_lr_finder/lr_finder.py`` (0.2), ``segmentation_models_pytorch/utils/train.py``
(0.3), ``art/estimators/classification/pytorch.py`` (1.20), ``kornia/x/trainer.py`` (0.7), ``ray/util/sgd/torch`` (1.x),
``d2l/torch.py`` (0.17 and 1.0, the functions of the book's chapters).
"""

from __future__ import annotations

from headlint.frameworks.kinds import LossKind, TrainerKind

_F = "torch.nn.functional."

_POUTYNE_STRINGS = tuple(
    (text, _F + function)
    for function, texts in {
        "cross_entropy": ("cross_entropy",),
        "kl_div": ("kl_div",),
        "binary_cross_entropy": ("binary_cross_entropy", "bce"),
        "binary_cross_entropy_with_logits": ("binary_cross_entropy_with_logits", "bce_with_logits"),
        "poisson_nll_loss": ("poisson_nll_loss", "poisson_nll"),
        "l1_loss": ("l1_loss", "l1"),
        "mse_loss": ("mse_loss", "mse"),
        "multilabel_soft_margin_loss": ("multilabel_soft_margin_loss", "multilabel_soft_margin"),
        "nll_loss": ("nll_loss", "nll"),
        "smooth_l1_loss": ("smooth_l1_loss", "smooth_l1"),
    }.items()
    for text in texts
)
"""Each function under its own name and without ``_loss``."""

_IGNITE = (
    *("model", "optimizer", "loss_fn", "device", "non_blocking", "prepare_batch", "model_transform"),
    *("output_transform", "deterministic", "amp_mode", "scaler", "gradient_accumulation_steps", "model_fn"),
)

SKORCH_NLL = "skorch.NLLLoss"
"""``NLLLoss`` behind the logarithm that ``NeuralNetClassifier.get_loss`` takes itself."""

TRAINERS = (
    *(
        TrainerKind(
            f"ignite.engine.{name}",
            _IGNITE,
            "model",
            "loss_fn",
            between=("model_transform", "prepare_batch", "model_fn"),
        )
        for name in (
            "create_supervised_trainer",
            "supervised_training_step",
            "supervised_training_step_amp",
            "supervised_training_step_apex",
        )
    ),
    TrainerKind(
        "poutyne.Model", ("network", "optimizer", "loss_function"), "network", "loss_function", strings=_POUTYNE_STRINGS
    ),
    *(
        TrainerKind(
            f"poutyne.{name}",
            ("directory", "network", "device", "logging", "optimizer", "loss_function"),
            "network",
            "loss_function",
            strings=_POUTYNE_STRINGS,
        )
        for name in ("Experiment", "ModelBundle.from_network")
    ),
    *(
        TrainerKind(f"skorch.{name}", ("module", "criterion"), "module", "criterion", default, made_by="class")
        for name, default in (
            ("NeuralNet", ""),
            ("NeuralNetClassifier", SKORCH_NLL),
            ("NeuralNetBinaryClassifier", "torch.nn.BCEWithLogitsLoss"),
            ("NeuralNetRegressor", "torch.nn.MSELoss"),
        )
    ),
    TrainerKind("fastai.Learner", ("dls", "model", "loss_func", "opt_func"), "model", "loss_func"),
    TrainerKind(
        "composer.ComposerClassifier",
        ("module", "num_classes", "train_metrics", "val_metrics", "loss_fn"),
        "module",
        "loss_fn",
        "composer.soft_cross_entropy",
    ),
    TrainerKind("torchbearer.Trial", ("model", "optimizer", "criterion"), "model", "criterion"),
    *(
        TrainerKind(f"pytorch_accelerated.{name}", ("model", "loss_func", "optimizer"), "model", "loss_func")
        for name in ("Trainer", "TrainerWithTimmScheduler")
    ),
    TrainerKind("flash.Task", ("model", "loss_fn"), "model", "loss_fn"),
    TrainerKind(
        "flash.ClassificationTask", ("model",), "model", "loss_fn", f"{_F}cross_entropy", between=("multi_label",)
    ),
    TrainerKind(
        "monai.engines.SupervisedTrainer",
        ("device", "max_epochs", "train_data_loader", "network", "optimizer", "loss_function"),
        "network",
        "loss_function",
        between=("iteration_update", "inferer"),
    ),
    TrainerKind("torch_lr_finder.LRFinder", ("model", "optimizer", "criterion"), "model", "criterion"),
    *(
        TrainerKind(f"segmentation_models_pytorch.{name}", ("model", "loss"), "model", "loss")
        for name in ("TrainEpoch", "ValidEpoch")
    ),
    TrainerKind("art.PyTorchClassifier", ("model", "loss", "input_shape", "nb_classes"), "model", "loss"),
    *(
        TrainerKind(
            f"kornia.x.{name}", ("model", "train_dataloader", "valid_dataloader", "criterion"), "model", "criterion"
        )
        for name in ("Trainer", "ImageClassifierTrainer", "SemanticSegmentationTrainer")
    ),
    *(
        TrainerKind(f"d2l.torch.{name}", parameters, "net", "loss")
        for name, parameters in (
            ("train_ch3", ("net", "train_iter", "test_iter", "loss", "num_epochs", "updater")),
            ("train_epoch_ch3", ("net", "train_iter", "loss", "updater")),
            ("train_ch13", ("net", "train_iter", "test_iter", "loss", "trainer", "num_epochs", "devices")),
            ("train_batch_ch13", ("net", "X", "y", "loss", "trainer", "devices")),
        )
    ),
    TrainerKind(
        "d2l.torch.train_ch6",
        ("net", "train_iter", "test_iter", "num_epochs", "lr", "device"),
        "net",
        "",
        "torch.nn.CrossEntropyLoss",
    ),
    TrainerKind(
        "ray.util.sgd.torch.TrainingOperator.from_creators",
        ("model_creator", "optimizer_creator", "loss_creator"),
        "model_creator",
        "loss_creator",
        made_by="creator",
    ),
    TrainerKind(
        "ray.util.sgd.torch.TorchTrainer",
        ("model_creator", "data_creator", "optimizer_creator", "loss_creator"),
        "model_creator",
        "loss_creator",
        made_by="creator",
    ),
)

_FLAT = ("axis", "floatify", "is_2d", "flatten")

LOSSES = (
    LossKind(SKORCH_NLL, "torch", "nll_of_probabilities", "probabilities"),
    LossKind("composer.soft_cross_entropy", "torch", "cross_entropy", "logits"),
    *(
        LossKind(f"fastai.{name}", "torch", family, expects, ("inp", "targ"), _FLAT, "inp", "targ", symmetric)
        for name, family, expects, symmetric in (
            ("CrossEntropyLossFlat", "cross_entropy", "logits", False),
            ("LabelSmoothingCrossEntropy", "cross_entropy", "logits", False),
            ("LabelSmoothingCrossEntropyFlat", "cross_entropy", "logits", False),
            ("BCEWithLogitsLossFlat", "binary_cross_entropy", "logits", False),
            ("BCELossFlat", "binary_cross_entropy", "probabilities", False),
            ("MSELossFlat", "regression", "values", True),
            ("L1LossFlat", "regression", "values", True),
        )
    ),
)
"""Losses of these libraries."""

LABELLED_BY_CLASS = frozenset(
    f"fastai.{loaders}.{name}"
    for loaders in ("ImageDataLoaders", "ImageDataBunch")
    for name in ("from_folder", "from_name_func", "from_name_re", "from_path_func")
)
"""Functions of fastai that give data with one class for each sample, so that ``Learner`` picks a cross entropy."""

FASTAI_BLOCKS = {
    "fastai.CategoryBlock": "fastai.CrossEntropyLossFlat",
    "fastai.MultiCategoryBlock": "fastai.BCEWithLogitsLossFlat",
    "fastai.RegressionBlock": "fastai.MSELossFlat",
}
"""The loss that ``Learner`` takes for a data block's targets, from ``fastai/data/block.py``."""

NAMES = frozenset(
    {*LABELLED_BY_CLASS, *FASTAI_BLOCKS}
    | {"fastai.DataBlock", "fastai.ImageDataLoaders", "fastai.ImageDataBunch", "fastai.ImageBlock"}
)
"""What means something to the interpreter without standing in a table."""
