"""Reasons in words, English and Russian: the phrases of features, models and attributes, filled."""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from src.models.contract import Phrase
from src.models.encoding import Encoder
from src.models.features import FEATURES, LAGGED, UNKNOWN_THEN, Feature, Lagged
from src.models.registry import FIRST_STAGE
from src.products.schema import Schema, Title
from src.service.products.wording import Wording, plain

_POPULAR = Phrase("{p} of all additions are {t}", "{p} всех подключений — «{t}»")
_MISSING = (
    Phrase("{t} is known", "{t}: известно"),
    Phrase("{t} is not known", "{t}: неизвестно"),
)
_CATEGORY = Phrase("{t}: {c}", "{t}: {c}")
_NUMBER = Phrase("{t}: {v}", "{t}: {v}")
_MONTHS = Phrase("{t}: {n}", "{t}: {n}")
_NOT_DATED = Phrase("", "")
_OTHER = "other"  # a category that was not seen in training
_LEAST = 0.005  # what would be rounded to 0
_FEATURES = {record.name: record for record in FEATURES}
_LAGGED = {record.name: record for record in LAGGED}
_LAG = re.compile(r"(.+)_lag(\d+)")

Teller = Callable[[float], Phrase]  # of the value of a feature; NaN if there is none


class Phrases:
    """Phrases for the features of a model, by their names."""

    def __init__(
        self, schema: Schema, encoder: Encoder, names: list[str], wording: Wording
    ) -> None:
        self._titles = schema.products
        self._wording = wording
        self._categories = encoder.categories
        self._names = names
        self._tellers = [self._teller(name) for name in self._names]
        self.phrase = lru_cache(maxsize=500_000)(self._phrase)

    def fallback(self, source: str, product: str, score: float) -> dict[str, Any]:
        """Why a product is in the list of a model, or among the popular ones."""
        if source in FIRST_STAGE:
            said = self._of_model(source, product, score)
        else:
            said = _filled(_POPULAR, score, self._titles[product])
        return {"feature": f"{source}:{product}", **said._asdict(), "contribution": None}

    def _phrase(self, feature: int, value: float) -> dict[str, str]:
        """Feature and phrases; `value` is minus infinity if the customer has none."""
        said = self._tellers[feature](math.nan if value == -math.inf else value)
        return {"feature": self._names[feature], **said._asdict()}

    def _teller(self, name: str) -> Teller:
        """How a feature is put into words, by the record that it belongs to."""
        kind, _, product = name.partition(":")
        title = self._titles.get(product)
        lagged = _LAG.fullmatch(kind)
        if lagged and lagged[1] in _LAGGED:
            record, lag = _LAGGED[lagged[1]], int(lagged[2])
            return lambda value: _of_lag(record, lag, value, title)
        if kind in _FEATURES:
            feature = _FEATURES[kind]
            return lambda value: _of_history(feature, value, title)
        if kind in FIRST_STAGE and title:
            return lambda value: self._of_model(kind, product, value)
        if kind.endswith("_missing"):
            about = self._wording.attribute(kind.removesuffix("_missing")).title
            return lambda value: _filled(_MISSING[bool(value)], value, about)
        if kind in self._categories:
            known, own = self._categories[kind], self._wording.attribute(kind).title
            return lambda value: _filled(
                _CATEGORY, value, own, known[int(value)] if 0 <= value < len(known) else _OTHER
            )
        attribute = self._wording.attribute(kind)
        about = attribute.title
        number = _MONTHS if attribute.unit == "months" else _NUMBER
        if title:  # of a product, but without a record
            about = Title(en=f"{plain(kind).en}, {title.en}", ru=f"{plain(kind).ru}, {title.ru}")
        return lambda value: _filled(number, value, about)

    def _of_model(self, name: str, product: str, score: float) -> Phrase:
        record = FIRST_STAGE[name]
        weak = record.weak_phrase and not score >= _LEAST  # some scores may lie below 0
        phrase = record.weak_phrase if weak and record.weak_phrase else record.phrase
        return _filled(phrase, score, self._titles[product])


def _of_lag(record: Lagged, lag: int, value: float, title: Title | None) -> Phrase:
    now = lag == 1
    when = Phrase(
        "now" if now else f"{_months(lag - 1)} ago", "сейчас" if now else f"{lag - 1} мес. назад"
    )
    if math.isnan(value):
        return _filled(UNKNOWN_THEN, value, title, when=when)
    return _filled(record.yes if value > 0 else record.no, value, title, when=when)


def _of_history(record: Feature, value: float, title: Title | None) -> Phrase:
    """The last month of the data is now, as in `_of_lag`."""
    if record.none and not value > 0:
        return _filled(record.none, value, title)
    if record.just:
        value -= 1
        return _filled(record.says if value else record.just, value, title)
    return _filled(record.says, value, title)


def _filled(
    phrase: Phrase,
    value: float,
    title: Title | None,
    category: str = "",
    when: Phrase = _NOT_DATED,
) -> Phrase:
    """Fill the placeholders, see `Feature`, `Lagged` and `FirstStage`."""
    whole = 0 if math.isnan(value) else round(value)
    share = 0.0 if math.isnan(value) else value
    few = title is not None and share < _LEAST
    number = f"{0.0 if math.isnan(value) else value:,.0f}"
    times = "once" if whole == 1 else f"{whole} times"
    common = {"i": whole, "s": f"{share:.2f}", "c": category}
    return Phrase(
        phrase.en.format(
            t=title.en if title else "",
            n=_months(whole),
            x=times,
            p="under 1%" if few else f"{share:.0%}",
            v=number,
            w=when.en,
            **common,
        ),
        phrase.ru.format(
            t=title.ru if title else "",
            n=f"{whole} мес.",
            x=_times(whole),
            p="менее 1%" if few else f"{share:.0%}",
            v=number.replace(",", " "),
            w=when.ru,
            **common,
        ),
    )


def _times(count: int) -> str:
    few = count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14}
    return f"{count} раза" if few else f"{count} раз"


def _months(count: int) -> str:
    return f"{count} month" if count == 1 else f"{count} months"
