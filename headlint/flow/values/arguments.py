"""The evaluated arguments of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from headlint.flow.values.python_values import Constant, Site, TupleValue, Value


def constant_among(arguments: Mapping[str, Value], *names: str) -> object:
    """The Python value of the first constant argument under one of the names, or None."""
    for name in names:
        match arguments.get(name):
            case Constant(value):
                return value
    return None


class Arguments(Struct, frozen=True):
    """What a call passes, with the site of each argument. Incomplete when ``*`` or ``**`` of something unknown is passed."""

    positional: tuple[Value, ...] = ()
    named: Mapping[str, Value] = field(default_factory=dict)
    sites: Mapping[int | str, Site] = field(default_factory=dict)
    complete: bool = True
    rest: Value | None = None
    """What ``*`` unpacks, where it is not known how many items that has."""
    rest_at: int = 0
    """How many positional arguments stand before that."""
    settings: bool = False
    """Whether ``**`` unpacks settings that come from elsewhere: they may well give what has a default."""

    def first(self, *names: str) -> Value | None:
        """The first positional argument, or the first of the names that is given."""
        if self.positional:
            return self.positional[0]
        return self.get(*names)

    def get(self, *names: str) -> Value | None:
        """The first of the named arguments that is given."""
        return next((self.named[name] for name in names if name in self.named), None)

    def after(self, count: int) -> Arguments:
        """The arguments without the first ``count`` positional ones."""
        sites: dict[int | str, Site] = {
            key - count if isinstance(key, int) else key: site
            for key, site in self.sites.items()
            if not isinstance(key, int) or key >= count
        }
        return Arguments(self.positional[count:], self.named, sites, self.complete, settings=self.settings)

    def preceded_by(self, *values: Value) -> Arguments:
        """The same arguments behind other positional ones."""
        sites: dict[int | str, Site] = {
            key + len(values) if isinstance(key, int) else key: site for key, site in self.sites.items()
        }
        return Arguments((*values, *self.positional), self.named, sites, self.complete, settings=self.settings)

    def bind(self, parameters: Sequence[str]) -> dict[str, Value]:
        """Each given parameter's value; a parameter written ``*name`` takes the rest as a tuple."""
        bound: dict[str, Value] = {}
        for index, value in enumerate(self.positional):
            if index >= len(parameters):
                break
            name = parameters[index]
            if name.startswith("*"):
                bound[name[1:]] = TupleValue(self.positional[index:])
                break
            bound[name] = value
        bound.update(self.named)
        return bound

    def sites_of(self, parameters: Sequence[str]) -> dict[str, Site]:
        """Where each bound parameter's value stands."""
        bound: dict[str, Site] = {}
        for key, site in self.sites.items():
            if isinstance(key, str):
                bound[key] = site
            elif key < len(parameters):
                bound[parameters[key].lstrip("*")] = site
        return bound

    def __len__(self) -> int:
        return len(self.positional) + len(self.named)


NO_ARGUMENTS = Arguments()
