"""The parameters as a problem; what contradicts itself ends in a sentence."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from src.campaign.allocation import Allocation, allocate
from src.campaign.problem import Counts, Limits, Problem
from src.campaign.settings import PARAMS, Campaign, Channel, Product, contacts_of
from src.errors import InputError


def problem_of(settings: Campaign, products: list[str], chances: NDArray[np.float32]) -> Problem:
    """Values, costs and limits beside the chances.

    Parameters
    ----------
    settings : Campaign
    products : list of str
        All products of the schema.
    chances : float32 array, shape (customers, products)
        0 where a product must not be offered.

    Raises
    ------
    InputError
        A name is unknown, or limits contradict each other or what is possible.
    """
    _check_names(settings, products)
    named = [settings.products.get(name, Product()) for name in products]
    values = [settings.value if own.value is None else own.value for own in named]
    costs = np.full((len(products), len(settings.channels)), np.inf)
    for way, channel in enumerate(settings.channels.values()):
        for item, name in enumerate(products):
            if channel.products is None or name in channel.products:
                costs[item, way] = channel.cost + named[item].cost
    customers = len(chances)
    none = chances.size  # more than can be reached
    most, least = _range(named, customers, none)
    channel_most, channel_least = _range(settings.channels.values(), customers, none)
    limits = Limits(
        settings.contacts_per_customer,
        contacts_of(settings.capacity, customers),
        most,
        least,
        channel_most,
        channel_least,
    )
    problem = Problem(chances, np.array(values, dtype=np.float64), costs, limits)
    _check_limits(settings, products, problem)
    return problem


def solve(settings: Campaign, products: list[str], problem: Problem) -> Allocation:
    """Allocate the contacts.

    Raises
    ------
    InputError
        Minima cannot be met together.
    """
    found = allocate(problem, settings.exact_up_to)
    if found.complete:
        return found
    lacking = [
        f"{_name(part, name)} ({wanted:,}; {short:,} cannot be found)"
        for part, names, minima, missing in (
            ("products", products, problem.limits.least, found.lacking),
            ("channels", settings.channels, problem.limits.channel_least, found.channel_lacking),
        )
        for name, wanted, short in zip(names, minima, missing, strict=True)
        if short
    ]
    raise _error(
        f"{' and '.join(lacking)}: all minima together need more customers who may be offered "
        "these products than there are within the other limits (contacts_per_customer, "
        "capacity, and those of products and channels); lower the minima or raise the limits"
    )


def _range(parts: Iterable[Product | Channel], customers: int, none: int) -> tuple[Counts, Counts]:
    """Maxima and minima of products or channels."""
    limits = [
        (
            none if own.capacity is None else contacts_of(own.capacity, customers),
            0 if own.at_least is None else contacts_of(own.at_least, customers),
        )
        for own in parts
    ]
    most, least = np.array(limits, dtype=np.int64).T
    return most, least


def _error(sentence: str) -> InputError:
    return InputError(f"{PARAMS}: {sentence}")


def _name(part: str, name: str) -> str:
    return f"campaign.{part}.{name}.at_least"


def _check_names(settings: Campaign, products: list[str]) -> None:
    named = {"products": list(settings.products)} | {
        f"channels.{name}.products": channel.products or []
        for name, channel in settings.channels.items()
    }
    for where, names in named.items():
        if unknown := [name for name in names if name not in products]:
            raise _error(
                f"campaign.{where} names {', '.join(unknown)}, but the schema of params.yaml has "
                "no such product"
            )
    if settings.contacts_per_customer > len(products):
        raise _error(
            f"campaign.contacts_per_customer is {settings.contacts_per_customer}, but there are "
            f"only {len(products)} products, and each is offered to a customer once at most"
        )


def _check_limits(settings: Campaign, products: list[str], problem: Problem) -> None:
    """Contradictions that can be seen without solving anything."""
    limits, channels = problem.limits, list(settings.channels)
    capacity = f"campaign.capacity ({settings.capacity})"
    if not limits.total:
        raise _error(
            f"{capacity} allows no contact: with {len(problem.chances):,} customers it is 0"
        )
    if not limits.channel_most.any():
        named = ", ".join(f"campaign.channels.{name}.capacity" for name in channels)
        raise _error(f"no channel has any capacity ({named}): nobody can be contacted")
    offered = problem.chances > 0
    if not offered.any():
        raise _error(
            "nobody may be offered anything: campaign.exclude, campaign.eligibility and "
            "campaign.cool_down leave no customer a product that they do not hold"
        )
    carried = np.isfinite(problem.costs)
    free = np.minimum(offered.sum(axis=1), limits.each)
    people = {
        "products": offered.sum(axis=0),
        "channels": np.array(
            [np.minimum(offered[:, own].sum(axis=1), limits.each).sum() for own in carried.T]
        ),
    }
    reached = {
        "products": carried @ limits.channel_most,
        "channels": limits.most @ carried,
    }
    limited = {
        "products": (products, limits.most, limits.least),
        "channels": (channels, limits.channel_most, limits.channel_least),
    }
    for part, (names, most, least) in limited.items():
        other = "channels" if part == "products" else "products"
        for place, name in enumerate(names):
            wanted, where = int(least[place]), _name(part, name)
            if wanted > most[place]:
                raise _error(
                    f"{where} asks for {wanted:,} contacts, but campaign.{part}.{name}.capacity "
                    f"allows {most[place]:,}"
                )
            if wanted > reached[part][place]:
                raise _error(
                    f"{where} asks for {wanted:,} contacts, but the capacities of "
                    f"campaign.{other} allow {reached[part][place]:,} (see also "
                    "campaign.channels.….products)"
                )
            if wanted > people[part][place]:
                raise _error(
                    f"{where} asks for {wanted:,} contacts, but only {people[part][place]:,} are "
                    "possible: others hold the product or may not be offered it "
                    "(campaign.exclude, campaign.eligibility, campaign.cool_down)"
                )
        if least.sum() > limits.total:
            named = " + ".join(
                f"{_name(part, name)} ({wanted:,})"
                for name, wanted in zip(names, least, strict=True)
                if wanted
            )
            raise _error(
                f"{named} ask for {least.sum():,} contacts, but {capacity} allows {limits.total:,}"
            )
        if least.sum() > free.sum():
            raise _error(
                f"campaign.{part}.….at_least ask for {least.sum():,} contacts, but "
                f"campaign.contacts_per_customer ({limits.each}) leaves {free.sum():,} to those "
                "who may be contacted"
            )
