"""Whether a file can matter at all, told from its bytes in a fraction of the time a parse takes."""

from __future__ import annotations

import re

_FRAMEWORKS = re.compile(
    rb"torch|keras|tensorflow|lightning|skorch|timm|transformers|tflearn|segmentation_models|headlint:|monai|fastai"
    rb"|backward|softmax|(?i:loss)|criterion"
)


def may_matter(data: bytes) -> bool:
    """Whether the bytes hold any word that headlint could have something to say about."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.replace(b"\0", b"")
    return _FRAMEWORKS.search(data) is not None
