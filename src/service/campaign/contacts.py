"""The contacts of the campaign that was planned last, by customer."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.campaign import paths
from src.errors import InputError
from src.models.history import Ids
from src.service.products.catalogue import Catalogue
from src.service.products.parquet import Table, codes_of, ids_of
from src.service.web.answers import NotServedError

logger = logging.getLogger(__name__)

PIPELINE = "dvc repro pipelines/campaign/dvc.yaml"


@dataclass(frozen=True)
class Contacts:
    """Contacts in the order of customers, the most promising of each customer first.

    Attributes
    ----------
    month : str
        The month that was planned for.
    customers : array of ids, shape (contacts,)
    items : int16 array, shape (contacts,)
        Positions of the products.
    columns : Table
        rank, channel, chance and expected, row by row as above.
    """

    month: str
    customers: Ids
    items: NDArray[np.int16]
    columns: pa.Table

    @classmethod
    def read(cls, catalogue: Catalogue) -> "Contacts":
        """Read what the campaign pipeline wrote.

        Raises
        ------
        NotServedError
            It has not run.
        InputError
            The file is damaged, or planned from chances of another month than those served.
        """
        if not Path(paths.CONTACTS).exists():
            raise NotServedError(f"no campaign has been planned: run '{PIPELINE}'")
        table = Table.open(paths.CONTACTS)
        table.require(["rank", "customer", "product", "channel", "chance", "expected"])
        month = (table.file.schema_arrow.metadata or {}).get(b"month", b"").decode()
        asked = str(np.datetime64(catalogue.month, "M") + 1)
        if month != asked:
            raise InputError(
                f"{paths.CONTACTS} is a campaign for {month or 'an unknown month'}, but the models "
                f"served are asked about {asked}: run '{PIPELINE}'"
            )
        ids, items = ids_of(table.read("customer")), table.read("product")
        codes = codes_of(items, catalogue.products, f"{paths.CONTACTS}: product")
        ranks = table.read("rank").to_numpy()
        order = np.lexsort((ranks, ids))
        columns = table.file.read(["rank", "channel", "chance", "expected"]).take(order)
        return cls(month, ids[order], codes[order], columns)

    def __len__(self) -> int:
        return len(self.customers)

    def of(self, customer: int | str) -> slice:
        """Rows of a customer's contacts."""
        first, after = (
            int(np.searchsorted(self.customers, customer, side)) for side in ("left", "right")
        )
        return slice(first, after)


class Campaign:
    """The contacts that are served, or why there are none; read again on request."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._contacts: Contacts | None = None
        self._why = ""
        self._reloading = asyncio.Lock()
        try:
            self._contacts = Contacts.read(catalogue)
        except (InputError, NotServedError) as error:
            self._why = str(error)
            level = logging.INFO if isinstance(error, NotServedError) else logging.ERROR
            logger.log(level, "no campaign is served: %s", error)

    def contacts(self, catalogue: Catalogue) -> Contacts:
        """What is served.

        Raises
        ------
        NotServedError
            Nothing is; or the models have moved on to another month since.
        """
        if self._contacts is None:
            raise NotServedError(self._why)
        asked = str(np.datetime64(catalogue.month, "M") + 1)
        if self._contacts.month != asked:
            raise NotServedError(
                f"the campaign is for {self._contacts.month}, but the models served are asked "
                f"about {asked}: run '{PIPELINE}', then POST /campaign/load"
            )
        return self._contacts

    async def reload(self, catalogue: Catalogue) -> Contacts:
        """Read the contacts again; a fault changes nothing.

        Raises
        ------
        NotServedError, InputError
            As `Contacts.read`.
        """
        async with self._reloading:
            loop = asyncio.get_running_loop()
            self._contacts = await loop.run_in_executor(None, Contacts.read, catalogue)
            return self._contacts
