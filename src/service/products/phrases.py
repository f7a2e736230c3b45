"""Reasons in words, English and Russian."""
# ruff: noqa: RUF001

import math
import re
from functools import lru_cache
from typing import Any

from pydantic import Field

from src.models.ranker import Ranker
from src.params import Section
from src.products.schema import Schema, Title


class Wording(Section):
    """The section of service.yaml: names of the profile's attributes for people."""

    attributes: dict[str, Title] = Field(default={})


# What is said of a product: {t} its title, {n} the value.
_PRODUCT = {
    "months_since_added": ("{t}, added {n} ago", "{t}: подключено {n} назад"),
    "months_since_dropped": ("{t}, given up {n} ago", "{t}: отключено {n} назад"),
    "times_added": ("{t}, added {x}", "{t}: подключено {x}"),
    "times_dropped": ("{t}, given up {x}", "{t}: отключено {x}"),
    "months_kept": ("{t}, kept for {n}", "{t}: держит {n}"),
    "months_without": ("{n} without {t}", "{n} без продукта «{t}»"),
}
_NEVER = {
    "months_since_added": ("{t}, never added", "{t}: ни разу не подключено"),
    "months_since_dropped": ("{t}, never given up", "{t}: ни разу не отключено"),
    "times_added": ("{t}, never added", "{t}: ни разу не подключено"),
    "times_dropped": ("{t}, never given up", "{t}: ни разу не отключено"),
    "months_since_any_added": ("no product added yet", "подключений ещё не было"),
    "months_since_any_dropped": ("no product given up yet", "отключений ещё не было"),
}
_JUST = {
    "months_since_added": ("{t}, just added", "{t}: только что подключено"),
    "months_since_dropped": ("{t}, just given up", "{t}: только что отключено"),
    "months_since_any_added": ("a product just added", "продукт только что подключён"),
    "months_since_any_dropped": ("a product just given up", "продукт только что отключён"),
}
_MODEL = {
    "mlc": (
        "{p} of customers with this profile hold {t}",
        "{p} клиентов с таким профилем имеют «{t}»",
    ),
    "kmeans": (
        "{p} of similar customers hold {t}",
        "{p} похожих клиентов имеют «{t}»",
    ),
    "als": (
        "holdings go with {t} ({s} of 1)",
        "к продуктам клиента подходит «{t}» ({s} из 1)",
    ),
}
_UNLIKE = (
    "holdings hardly go with {t}",
    "к продуктам клиента «{t}» почти не подходит",
)
_POPULAR = ("{p} of all additions are {t}", "{p} всех подключений — «{t}»")
_PLAIN = {
    "months_since_any_added": ("last product added {n} ago", "последнее подключение {n} назад"),
    "months_since_any_dropped": ("last product given up {n} ago", "последнее отключение {n} назад"),
    "additions_so_far": ("products added so far: {i}", "подключений за всё время: {i}"),
    "drops_so_far": ("products given up so far: {i}", "отключений за всё время: {i}"),
    "months_in_data": ("a known customer for {n}", "данные о клиенте за {n}"),
    "active_share": ("active in {p} of months", "активность в {p} месяцев"),
}
_LEAST = 0.005  # what would be rounded to 0
_LAG = re.compile(r"(held|portfolio|active)_lag(\d+)(?::(.+))?")


class Words:
    """Phrases for the features of a ranker."""

    def __init__(self, schema: Schema, ranker: Ranker, wording: Wording) -> None:
        self._titles = schema.products
        self._attributes = {
            name: wording.attributes.get(name) or _named(name)
            for name in [*ranker.encoder.numeric, *ranker.encoder.categories]
        }
        self._categories = ranker.encoder.categories
        self._names: list[str] = list(ranker.booster.feature_names_)
        self.phrase = lru_cache(maxsize=500_000)(self._phrase)

    def fallback(self, source: str, product: str, score: float) -> dict[str, Any]:
        """Why a product stands in the list of a model, or among the popular ones."""
        template = _MODEL.get(source, _POPULAR)
        en, ru = self._filled(template, score, product)
        return {"feature": f"{source}:{product}", "en": en, "ru": ru, "contribution": None}

    def _phrase(self, feature: int, value: float) -> dict[str, str]:
        """Feature and phrases; `value` is minus infinity where the customer has none."""
        value = math.nan if value == -math.inf else value
        name = self._names[feature]
        en, ru = self._both(name, value)
        return {"feature": name, "en": en, "ru": ru}

    def _both(self, name: str, value: float) -> tuple[str, str]:
        lag = _LAG.fullmatch(name)
        kind, _, product = name.partition(":")
        if lag:
            return self._lagged(lag[1], int(lag[2]), lag[3], value)
        if kind in _MODEL:
            unlike = kind == "als" and value < _LEAST  # its scores may lie below 0
            return self._filled(_UNLIKE if unlike else _MODEL[kind], value, product)
        if kind in _PRODUCT or kind in _PLAIN:
            return self._of_history(kind, value, product)
        if kind == "income_missing":
            if value:
                return "income is not known", "доход неизвестен"
            return "income is known", "доход известен"
        title = self._attributes.get(kind) or _named(kind)
        if kind in self._categories:
            known = self._categories[kind]
            code = int(value)
            category = known[code] if 0 <= code < len(known) else "other"
            return f"{title.en}: {category}", f"{title.ru}: {category}"
        return f"{title.en}: {value:,.0f}", f"{title.ru}: {value:,.0f}".replace(",", " ")

    def _of_history(self, kind: str, value: float, product: str) -> tuple[str, str]:
        """The last month of the data is now, as in `_lagged`."""
        template = _PRODUCT.get(kind) or _PLAIN[kind]
        if kind in _NEVER and not value > 0:
            template = _NEVER[kind]
        elif kind in _JUST:
            value -= 1
            template = template if value else _JUST[kind]
        return self._filled(template, value, product)

    def _lagged(self, what: str, lag: int, product: str | None, value: float) -> tuple[str, str]:
        now = lag == 1
        when_en = "now" if now else f"{lag - 1} {_plural(lag - 1)} ago"
        when_ru = "сейчас" if now else f"{lag - 1} мес. назад"
        if math.isnan(value):
            return f"not a customer {when_en}", f"{when_ru} ещё не клиент"
        if what == "portfolio":
            return f"products held {when_en}: {value:.0f}", f"продуктов {when_ru}: {value:.0f}"
        if what == "active":
            state_en = "active" if value else "inactive"
            state_ru = "активен" if value else "неактивен"
            return f"{state_en} {when_en}", f"{when_ru} {state_ru}"
        title = self._titles[str(product)]
        held_en, held_ru = ("held", "есть") if value else ("not held", "нет")
        return f"{title.en}, {held_en} {when_en}", f"{title.ru}: {when_ru} {held_ru}"

    def _filled(
        self, template: tuple[str, str], value: float, product: str = ""
    ) -> tuple[str, str]:
        title = self._titles[product] if product else Title(en="", ru="")
        whole = 0 if math.isnan(value) else round(value)
        share = 0.0 if math.isnan(value) else value
        few = bool(product) and share < _LEAST
        times = "once" if whole == 1 else f"{whole} times"
        en = template[0].format(
            t=title.en,
            n=f"{whole} {_plural(whole)}",
            x=times,
            i=whole,
            p="under 1%" if few else f"{share:.0%}",
            s=f"{share:.2f}",
        )
        ru = template[1].format(
            t=title.ru,
            n=f"{whole} мес.",
            x=_times(whole),
            i=whole,
            p="менее 1%" if few else f"{share:.0%}",
            s=f"{share:.2f}",
        )
        return en, ru


def _times(count: int) -> str:
    few = count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14}
    return f"{count} раза" if few else f"{count} раз"


def _plural(months: int) -> str:
    return "month" if months == 1 else "months"


def _named(name: str) -> Title:
    text = name.replace("_", " ")
    return Title(en=text, ru=text)
