"""Who may be offered what: rules of the bank, exclusions, and a pause after the last contact."""

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src import params
from src.campaign import paths
from src.campaign.settings import PARAMS, Campaign, CoolDown
from src.errors import InputError
from src.models.history import Ids
from src.products.eligibility import Bank, Eligibility, Rule, Rules
from src.products.schema import Schema
from src.tables.months import Month

SERVICE = "service.yaml"


@dataclass(frozen=True)
class Audience:
    """Customers and what they may be offered.

    Attributes
    ----------
    customers : array, shape (customers,)
        Ids, ascending.
    chances : float32 array, shape (customers, products)
        To add a product in the month; 0 where they hold it or must not be offered it.
    ruled_out : dict of str -> int
        How many customers each rule concerns; they may be offered other products.
    """

    customers: Ids
    chances: NDArray[np.float32]
    ruled_out: dict[str, int]

    @property
    def reachable(self) -> int:
        """Customers who may be offered anything."""
        return int((self.chances > 0).any(axis=1).sum())


def read_chances(path: str, products: list[str]) -> tuple[Ids, NDArray[np.float32]]:
    """Ids and a column for each product.

    Raises
    ------
    InputError
        The file or a column is missing, or a value is no probability.
    """
    if not Path(path).exists():
        raise InputError(f"{path} is missing: run 'dvc repro' first")
    table = pq.read_table(path)
    absent = [name for name in ("customer", *products) if name not in table.column_names]
    if absent:
        raise InputError(f"{path} has no column {', '.join(absent)}: run 'dvc repro' again")
    chances = np.empty((table.num_rows, len(products)), dtype=np.float32)
    for item, product in enumerate(products):
        chances[:, item] = table[product].to_numpy()
    wrong = ~((chances >= 0) & (chances <= 1)).all(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: {wrong.sum():,} rows have a value outside 0 … 1, such as customer "
            f"{table['customer'][row].as_py()}; run 'dvc repro' again"
        )
    return table["customer"].to_numpy(), chances


def audience(
    settings: Campaign,
    schema: Schema,
    customers: Ids,
    chances: NDArray[np.float32],
    profiles: pd.DataFrame,
    month: Month,
) -> Audience:
    """Take away what must not be offered.

    Parameters
    ----------
    settings : Campaign
    schema : Schema
    customers : array, shape (customers,)
    chances : float32 array, shape (customers, products)
    profiles : DataFrame
        As known before the month; a row per customer.
    month : datetime64[M]
        Of the contacts; only earlier ones pause.
    """
    allowed = chances.copy()
    ruled_out: dict[str, int] = {}
    for rules in _rules(settings, schema):
        applying = rules.applying(customers, profiles)
        for bits in np.unique(applying):
            items = list(rules.forbidden(int(bits)))
            allowed[np.ix_(applying == bits, items)] = 0
        for place, name in enumerate(rules.names):
            ruled_out[name] = int((applying >> place & 1).sum())
    pausing = np.isin(customers.astype(str), sorted(_recently(settings.cool_down, month)))
    allowed[pausing] = 0
    if settings.cool_down.contacts is not None:
        ruled_out["cool_down"] = int(pausing.sum())
    return Audience(customers, allowed, ruled_out)


def _rules(settings: Campaign, schema: Schema) -> list[Rules]:
    found = []
    if settings.eligibility:
        written_for = params.load("bank", Bank, SERVICE).id
        if written_for != schema.id:
            raise InputError(
                f"{SERVICE} is about a bank whose ids are in the column {written_for}, but the "
                f"schema says {schema.id}: write rules of your own there, or set "
                f"campaign.eligibility in {PARAMS} to false"
            )
        found.append(Rules(params.load("eligibility", Eligibility, SERVICE).rules, schema, SERVICE))
    own = [
        Rule(
            name=one.name,
            when=one.when,
            customers=one.customers and f"{paths.LISTS}/{one.customers}",
            forbid="all",
        )
        for one in settings.exclude
    ]
    return [*found, Rules(own, schema, f"{PARAMS}: campaign.exclude")]


def _recently(settings: CoolDown, month: Month) -> set[str]:
    """Ids of customers who were contacted in the days before a month."""
    if settings.contacts is None:
        return set()
    path = f"{paths.LISTS}/{settings.contacts}"
    where = f"{path} ({PARAMS}: campaign.cool_down.contacts)"
    try:
        past = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{where} cannot be read: {error}") from None
    absent = [name for name in ("customer", "date") if name not in past.columns]
    if absent:
        raise InputError(f"{where} has no column {', '.join(absent)}; it needs customer and date")
    dates = pd.to_datetime(past["date"], format="%Y-%m-%d", errors="coerce")
    wrong = dates.isna() | (past["customer"].str.strip() == "")
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{where}: {wrong.sum():,} of {len(past):,} rows have no customer or no date like "
            f"2016-05-03, the first in line {row + 2}: "
            f"'{past['customer'].iloc[row]}', '{past['date'].iloc[row]}'"
        )
    first = pd.Timestamp(str(month))
    recent = (dates < first) & (dates >= first - datetime.timedelta(days=settings.days))
    return set(past.loc[recent, "customer"].str.strip())
