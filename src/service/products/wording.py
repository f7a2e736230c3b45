"""What a bank's attributes are called: names, units and codes for people, from service.yaml."""

from typing import Any, Literal

from pydantic import Field

from src import params
from src.errors import InputError
from src.models.registry import FIRST_STAGE
from src.params import Section
from src.products.eligibility import Bank
from src.products.schema import Schema, Title


class Attribute(Section):
    """One attribute of the profile.

    Attributes
    ----------
    title : Title
    unit : str, optional
        Of a number: years or months; others are shown as they are.
    codes : dict, optional
        Of a category: what each code means; ``countries`` for codes of ISO 3166, which the page
        names. A code that is not here is shown as it is.
    """

    title: Title
    unit: Literal["years", "months"] | None = None
    codes: dict[str, Title] | Literal["countries"] = Field(default={})


class Wording(Section):
    """The section of service.yaml.

    `headline` are the attributes that are shown beside a customer's id.
    """

    headline: list[str] = Field(default=[])
    attributes: dict[str, Attribute] = Field(default={})

    def attribute(self, name: str) -> Attribute:
        """An attribute; one that is not described has its plain name."""
        return self.attributes.get(name) or Attribute(title=plain(name))


def plain(name: str) -> Title:
    """A name of a column as a title."""
    text = name.replace("_", " ")
    return Title(en=text, ru=text)


def read_wording(schema: Schema, path: str) -> Wording | None:
    """Read service.yaml; None if it was written for another bank.

    Raises
    ------
    InputError
        It gives a unit to a category, or codes to a number.
    """
    if params.load("bank", Bank, path).id != schema.id:
        return None
    wording = params.load("wording", Wording, path)
    for name, attribute in wording.attributes.items():
        if attribute.unit and name in schema.categorical:
            raise InputError(f"{path}: wording: '{name}' has a unit, but is no number")
        if attribute.codes and name in schema.numeric:
            raise InputError(f"{path}: wording: '{name}' has codes, but is a number")
    return wording


def vocabulary(schema: Schema, wording: Wording) -> dict[str, Any]:
    """All words that the page needs: of attributes, and of the sources of offers."""
    sources = {
        name: {"title": record.title._asdict(), "score": record.score_means._asdict()}
        for name, record in FIRST_STAGE.items()
    }
    return {
        "headline": [name for name in wording.headline if name in schema.profile],
        "attributes": {name: wording.attribute(name).model_dump() for name in schema.profile},
        "sources": sources,
    }
