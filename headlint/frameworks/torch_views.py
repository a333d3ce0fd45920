"""What PyTorch offers to look at the same numbers in another way, or at some of them: they go on meaning what they meant.

Source: the list of methods in the documentation of ``torch.Tensor`` (torch 2.13), gone through once; the signatures are
those of ``torch/_torch_docs.py`` and ``torch/_tensor_docs.py``.
"""

from __future__ import annotations

Entry = tuple[str, tuple[str, ...]]
"""What an operation does, and its parameters with the tensor first."""

FUNCTIONS: dict[str, Entry] = {
    **dict.fromkeys(("clone", "positive", "nan_to_num", "flip", "fliplr", "flipud", "roll"), ("identity", ("input",))),
    **dict.fromkeys(("resolve_conj", "resolve_neg", "conj", "real"), ("identity", ("input",))),
    **dict.fromkeys(("rot90", "atleast_1d", "atleast_2d", "atleast_3d"), ("unknown_shape", ("input",))),
    **dict.fromkeys(("movedim", "moveaxis"), ("movedim", ("input", "source", "destination"))),
    **dict.fromkeys(("swapaxes", "swapdims"), ("transpose", ("input", "dim0", "dim1"))),
    "adjoint": ("transpose_last_two", ("input",)),
    "ravel": ("flatten", ("input",)),
    "unflatten": ("unflatten", ("input", "dim", "sizes")),
    "broadcast_to": ("expand", ("input", "*shape")),
    "tile": ("tile", ("input", "*dims")),
    "repeat_interleave": ("repeat_interleave", ("input", "repeats", "dim")),
    "narrow": ("narrow", ("input", "dim", "start", "length")),
    "select": ("select", ("input", "dim", "index")),
    "index_select": ("index_select", ("input", "dim", "index")),
    "masked_select": ("masked_select", ("input", "mask")),
    "gather": ("gather", ("input", "dim", "index")),
    "take_along_dim": ("gather", ("input", "indices", "dim")),
    **dict.fromkeys(("triu", "tril", "cumsum", "cumprod"), ("function", ("input",))),
    **dict.fromkeys(("std", "var", "logsumexp", "amax", "amin", "prod"), ("statistic", ("input", "dim", "keepdim"))),
    "take": ("unknown_shape", ("input", "index")),
    "chunk": ("chunk", ("input", "chunks", "dim")),
    **dict.fromkeys(("split", "tensor_split"), ("chunk", ("input", "chunks", "dim"))),
    **dict.fromkeys(("hsplit", "vsplit", "dsplit"), ("chunk", ("input", "chunks"))),
    "unbind": ("chunk", ("input", "dim")),
    "masked_fill": ("identity", ("input",)),
}
"""Those that exist as functions of ``torch`` and as methods."""

METHODS: dict[str, Entry] = {
    **FUNCTIONS,
    **dict.fromkeys(
        (
            *("contiguous", "cuda", "cpu", "to", "type", "xpu", "ipu", "pin_memory"),
            *("requires_grad_", "share_memory_", "to_dense", "to_sparse", "coalesce", "as_subclass", "masked_fill_"),
            *("rename", "rename_", "refine_names", "nan_to_num_", "chalf", "cfloat", "cdouble"),
        ),
        ("identity", ("input",)),
    ),
    **dict.fromkeys(("view_as", "reshape_as", "expand_as", "resize_as", "resize_as_"), ("view_as", ("input", "other"))),
    **dict.fromkeys(("resize", "resize_"), ("reshape", ("input", "*shape"))),
    **dict.fromkeys(("swapaxes_", "swapdims_", "transpose_"), ("transpose", ("input", "dim0", "dim1"))),
    **dict.fromkeys(("zero_", "fill_"), ("fresh_like", ("input", "value"))),
    **dict.fromkeys(("new_zeros", "new_ones", "new_empty"), ("fresh_beside", ("input", "*size"))),
    "new_full": ("fresh_beside", ("input", "size", "fill_value")),
    **dict.fromkeys(("scatter", "scatter_"), ("scatter", ("input", "dim", "index", "value"))),
    "expand": ("expand", ("input", "*shape")),
    "repeat": ("repeat", ("input", "*dims")),
    "unfold": ("unknown_shape", ("input",)),
    "as_strided": ("unknown_shape", ("input",)),
    "squeeze_": ("squeeze", ("input", "dim")),
    "unsqueeze_": ("unsqueeze", ("input", "dim")),
    "t_": ("transpose_last", ("input",)),
}
"""The methods of a tensor, with those that write numbers into it."""
