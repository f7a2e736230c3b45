# ruff: noqa: E501

import math
from types import SimpleNamespace
from typing import cast

import pytest

from src.models.encoding import Encoder
from src.products.schema import Schema
from src.service.products.phrases import Phrases
from src.service.products.wording import Wording
from tests.service.bank import PARAMS

PHRASES = [
    ("held_lag1:card", 1.0, "Card, held now", "card (Ru): сейчас есть"),
    ("held_lag3:card", 0.0, "Card, not held 2 months ago", "card (Ru): 2 мес. назад нет"),
    ("held_lag2:card", math.nan, "not a customer 1 month ago", "1 мес. назад ещё не клиент"),
    ("portfolio_lag1", 3.0, "products held now: 3", "продуктов сейчас: 3"),
    ("active_lag2", 0.0, "inactive 1 month ago", "1 мес. назад неактивен"),
    ("months_since_added:loan", 3.0, "Loan, added 2 months ago", "loan (Ru): подключено 2 мес. назад"),
    ("months_since_added:loan", 1.0, "Loan, just added", "loan (Ru): только что подключено"),
    ("months_since_dropped:loan", 2.0, "Loan, given up 1 month ago", "loan (Ru): отключено 1 мес. назад"),
    ("months_since_added:loan", math.nan, "Loan, never added", "loan (Ru): ни разу не подключено"),
    ("times_added:loan", 1.0, "Loan, added once", "loan (Ru): подключено 1 раз"),
    ("times_added:loan", 0.0, "Loan, never added", "loan (Ru): ни разу не подключено"),
    ("times_dropped:loan", 2.0, "Loan, given up 2 times", "loan (Ru): отключено 2 раза"),
    ("months_kept:loan", 5.0, "Loan, kept for 5 months", "loan (Ru): держит 5 мес."),
    ("months_since_any_dropped", 1.0, "a product just given up", "продукт только что отключён"),
    ("months_since_any_added", 4.0, "last product added 3 months ago", "последнее подключение 3 мес. назад"),
    ("months_since_any_added", math.nan, "no product added yet", "подключений ещё не было"),
    ("active_share", 0.25, "active in 25% of months", "активность в 25% месяцев"),
    ("mlc:card", 0.123, "12% of customers with this profile hold Card", "12% клиентов с таким профилем имеют «card (Ru)»"),
    ("kmeans:card", 0.0, "under 1% of similar customers hold Card", "менее 1% похожих клиентов имеют «card (Ru)»"),
    ("als:card", 0.43, "holdings go with Card (0.43 of 1)", "к продуктам клиента подходит «card (Ru)» (0.43 из 1)"),
    ("als:card", -0.01, "holdings hardly go with Card", "к продуктам клиента «card (Ru)» почти не подходит"),
    ("active_share", 0.0, "active in 0% of months", "активность в 0% месяцев"),
    ("age", 41.0, "age: 41", "возраст: 41"),
    ("income", 12345.6, "income: 12,346", "income: 12 346"),
    ("income_missing", 1.0, "income is not known", "income: неизвестно"),
    ("segment", 1.0, "segment: UNI", "segment: UNI"),
    ("segment", -1.0, "segment: other", "segment: other"),
]  # fmt: skip


def words(names: list[str]) -> Phrases:
    encoder = SimpleNamespace(
        numeric=("age", "income", "income_missing"), categories={"segment": ("TOP", "UNI")}
    )
    wording = Wording.model_validate(
        {"attributes": {"age": {"title": {"en": "age", "ru": "возраст"}}}}
    )
    return Phrases(Schema.model_validate(PARAMS["schema"]), cast(Encoder, encoder), names, wording)


@pytest.mark.parametrize(("name", "value", "en", "ru"), PHRASES)
def test_phrases(name: str, value: float, en: str, ru: str) -> None:
    stored = -math.inf if math.isnan(value) else value
    assert words([name]).phrase(0, stored) == {"feature": name, "en": en, "ru": ru}


def test_phrases_of_fallbacks() -> None:
    assert words([]).fallback("popularity", "card", 0.5) == {
        "feature": "popularity:card",
        "en": "50% of all additions are Card",
        "ru": "50% всех подключений — «card (Ru)»",
        "contribution": None,
    }
