"""Windows of months, as split chose them: what is learnt from, what is tested on."""

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from src.errors import InputError
from src.products import paths
from src.reporting import write_json
from src.tables.months import Month, month_of

Dates = list[datetime.date]
LEAST_MONTHS = 4  # one for base, two for blend, as an addition lies between two, one for test


def divided(months: Dates, blend_months: int) -> dict[str, Dates]:
    """Months (sorted) by window: the last is test, those before it blend, but at most half."""
    blend_count = min(blend_months, len(months) // 2)
    return {
        "base": months[: -1 - blend_count],
        "blend": months[-1 - blend_count : -1],
        "test": months[-1:],
    }


@dataclass(frozen=True)
class Windows:
    """Dates of the snapshots by window, oldest first.

    Attributes
    ----------
    base, blend, test : list of date
        First-stage models learn on base, the second-stage ranker on blend; test is one month.
    lookback_months : int
        Months that describe a customer: split.lookback_months, but at most as many as the last
        blend month has behind it. With more, the ranker would be asked about histories longer than
        any that it has learnt from.
    warnings : tuple of str
        What is odd about the data, a sentence each; every report of results repeats them.
    """

    base: Dates
    blend: Dates
    test: Dates
    lookback_months: int
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, chosen: dict[str, Dates], lookback_months: int, warnings: Iterable[str] = ()
    ) -> "Windows":
        """Windows, described by at most so many months."""
        longest = len(chosen["base"]) + len(chosen["blend"]) - 1
        months = min(lookback_months, longest)
        return cls(**chosen, lookback_months=months, warnings=tuple(warnings))

    @classmethod
    def read(cls, content: bytes | None = None) -> "Windows":
        """Read the file of split, or the content of one.

        Raises
        ------
        InputError
            There is none.
        """
        try:
            text = Path(paths.WINDOWS).read_bytes() if content is None else content
        except FileNotFoundError:
            raise InputError(f"{paths.WINDOWS} is missing; run dvc repro or dvc pull") from None
        split = json.loads(text)
        base, blend, test = (
            [datetime.date.fromisoformat(date) for date in split[name]]
            for name in ("base", "blend", "test")
        )
        return cls(base, blend, test, split["lookback_months"], tuple(split["warnings"]))

    def write(self) -> None:
        """Write the file of split."""
        dates = {"base": self.base, "blend": self.blend, "test": self.test}
        texts = {name: [str(date) for date in window] for name, window in dates.items()}
        write_json(
            paths.WINDOWS,
            {**texts, "lookback_months": self.lookback_months, "warnings": self.warnings},
        )

    @property
    def dates(self) -> Dates:
        """All snapshots, oldest first."""
        return [*self.base, *self.blend, *self.test]

    @property
    def last(self) -> Month:
        """The last month: bit 0 of the history that split wrote."""
        return month_of(self.dates[-1])

    @property
    def next(self) -> Month:
        """The month after the last, which recommend ranks for."""
        return self.last + 1

    def rolled(self) -> "Windows":
        """One month later: nothing is left to test, the month after the last is to be predicted."""
        base, blend = [*self.base, self.blend[0]], [*self.blend[1:], *self.test]
        return replace(self, base=base, blend=blend, test=[])

    def before(self, date: datetime.date) -> "Windows":
        """What is learnt from if a month is to be predicted: base and blend, nothing to test.

        Before the month that split tests on they are split's own. Before any other, blend has as
        many months as split's, but at most half of all that there are up to the month, as
        `divided` gives them.

        Raises
        ------
        ValueError
            The date is none of these windows, or has fewer than 3 months before it.
        """
        up_to = [known for known in self.dates if known <= date]
        if date not in up_to or len(up_to) < LEAST_MONTHS:
            raise ValueError(f"{date} is no month that can be predicted from these windows")
        chosen = {"base": self.base, "blend": self.blend}
        if date not in self.test:
            chosen = divided(up_to, len(self.blend))
        return Windows.of(chosen | {"test": []}, self.lookback_months, self.warnings)

    def before_test(self) -> "Windows":
        """One month earlier: the last blend month takes the place of test.

        Raises
        ------
        InputError
            There is only one blend month.
        """
        if len(self.blend) < 2:
            raise InputError(
                "the blend window has one month, so none is left to learn from when the last is "
                "held back: lengthen split.blend in params.yaml"
            )
        chosen = {"base": self.base, "blend": self.blend[:-1], "test": self.blend[-1:]}
        return Windows.of(chosen, self.lookback_months, self.warnings)
