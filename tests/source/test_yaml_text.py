"""Files of settings are read as YAML says, or not at all."""

import pytest

from headlint.source.yaml_text import Settings, UnreadableSettings, read_yaml

SAID: list[tuple[str, Settings]] = [
    ("", {}),
    ("# nothing\n---\n", {}),
    ("a: 1\nb: 1.5\nc: 1e-3\nd: -2\ne: yes\nf: null\ng:\nh: text of words\n",
     {"a": 1, "b": 1.5, "c": 1e-3, "d": -2, "e": True, "f": None, "g": None, "h": "text of words"}),
    ("a:\n  b:\n    c: x\n  d: y\ne: z\n", {"a": {"b": {"c": "x"}, "d": "y"}, "e": "z"}),
    ("a:\n- 1\n- b: 2\n  c: 3\n-\n  d: 4\n", {"a": [1, {"b": 2, "c": 3}, {"d": 4}]}),
    ("- - 1\n  - 2\n- 3\n", [[1, 2], 3]),
    ('a: "x # y" # z\nb: \'it: is\' # "so"\nc: don\'t # "do"\n', {"a": "x # y", "b": "it: is", "c": "don't"}),
    ("a: [1, [2, x], 'y, z', {b: 3, c: null}]\nd: {}\ne: []\n", {"a": [1, [2, "x"], "y, z", {"b": 3, "c": None}], "d": {}, "e": []}),
    ("a: ${b.c}/d\ne: [ '${f}', '${g:h}' ]\n", {"a": "${b.c}/d", "e": ["${f}", "${g:h}"]}),
    ("_target_: torch.nn.Linear\non: 2026-01-02\n3: x\n", {"_target_": "torch.nn.Linear", "True": "2026-01-02", "3": "x"}),
    ("a: &one [1,\n  2]\nb: *one\nc: |\n  several\n  lines\n", {"a": [1, 2], "b": [1, 2], "c": "several\nlines\n"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), SAID)
def test_settings_are_read(text: str, said: Settings) -> None:
    assert read_yaml(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/tuple [1]\n",
        "a: 1\n---\nb: 2\n",
        "a: 2026-99-99\n",
        "a: &all\n  b: *all\n",
        "a: {b\n",
        "a: 1\n   b: 2\n",
        "a:\n\tb: 1\n",
        'a: "open\n',
    ],
)
def test_what_is_no_yaml_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableSettings):
        read_yaml(text)
