"""The parameters of campaigns: pipelines/campaign/params.yaml."""

from typing import Annotated

from pydantic import Field

from src.params import Section
from src.products.eligibility import Condition

PARAMS = "pipelines/campaign/params.yaml"

Share = Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")]
Amount = Annotated[int, Field(ge=0)] | Share  # of contacts: a number, or a share of all customers


class Product(Section):
    """What differs for one product.

    Attributes
    ----------
    value : float, optional
        Of an addition, in your currency; `Campaign.value` if it is not given.
    cost : float
        Of a contact about it, beside that of the channel.
    capacity, at_least : int or share, optional
        Contacts about it.
    """

    value: float | None = Field(default=None, ge=0)
    cost: float = Field(default=0, ge=0)
    capacity: Amount | None = None
    at_least: Amount | None = None


class Channel(Section):
    """A way to contact customers.

    Attributes
    ----------
    cost : float
        Of a contact.
    capacity, at_least : int or share, optional
        Contacts by it.
    products : list of str, optional
        What it can be used for; without it, everything.
    """

    cost: float = Field(ge=0)
    capacity: Amount | None = None
    at_least: Amount | None = None
    products: list[str] | None = None


class CoolDown(Section):
    """Past contacts, and for how many days they protect a customer from the next one.

    `contacts` is a CSV file in pipelines/campaign/lists with the columns customer and date
    (2016-05-03).
    """

    contacts: str | None
    days: int = Field(ge=0)


class Campaign(Section):
    """The section ``campaign``.

    Attributes
    ----------
    capacity : int or share
        Contacts in all.
    contacts_per_customer : int
    value : float
        Of an addition of a product that `products` does not name.
    products : dict of product -> Product
    channels : dict of name -> Channel
    eligibility : bool
        Apply the rules of service.yaml.
    exclude : list of Condition
        Who must not be contacted; their files are in pipelines/campaign/lists.
    cool_down : CoolDown
    exact_up_to : int
        Customers in the linear programme; with more, prices decide for most.
    seed : int
        Of the order of equal scores, and of the random policy.
    """

    capacity: Amount
    contacts_per_customer: int = Field(ge=1)
    value: float = Field(ge=0)
    products: dict[str, Product]
    channels: dict[str, Channel] = Field(min_length=1)
    eligibility: bool
    exclude: list[Condition]
    cool_down: CoolDown
    exact_up_to: int = Field(ge=0)
    seed: int = Field(ge=0)


class BackCheck(Section):
    """The section ``backcheck``.

    Attributes
    ----------
    share : float
        Of customers contacted about one product each, where additions are all that counts.
    resamples, seed : int
        Of the bootstrap.
    """

    share: float = Field(gt=0, le=1)
    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)


def contacts_of(amount: int | str, customers: int) -> int:
    """A number of contacts, or the share of customers that a text such as ``5%`` means."""
    if isinstance(amount, int):
        return amount
    return int(float(amount[:-1]) * customers / 100 + 1e-9)  # 0.07 * 100 is a little less than 7
