"""Snapshots in the raw text form of train_ver2.csv: padded numbers, NA, mixed spellings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from src.simulation import effects
from src.simulation.calibration import Calibration, Codes, Flags, Integers
from src.simulation.holdings import Snapshot
from src.simulation.profiles import BOOKED_AT_ONCE, Profiles

PROFILE_COLUMNS = (
    "fecha_dato", "ncodpers", "ind_empleado", "pais_residencia", "sexo", "age", "fecha_alta",
    "ind_nuevo", "antiguedad", "indrel", "ult_fec_cli_1t", "indrel_1mes", "tiprel_1mes",
    "indresi", "indext", "conyuemp", "canal_entrada", "indfall", "tipodom", "cod_prov", "nomprov",
    "ind_actividad_cliente", "renta", "segmento",
)  # fmt: skip
SEGMENT_TEXT = ("01 - TOP", "02 - PARTICULARES", "03 - UNIVERSITARIO")
PAYROLL = ("ind_nomina_ult1", "ind_nom_pens_ult1")
FIRST_SNAPSHOT = 2015 * 12  # months since year 0, January = 0
TENURE_SENTINEL = -999_999
NEW_FOR_MONTHS = 6
NULL = -1


@dataclass(frozen=True)
class Unchanging:
    """Texts and codes that stay with a customer; arrays (all customers,), NULL where empty."""

    joined: Codes
    joined_texts: list[str]
    income_texts: pa.Array
    employee: Codes
    employee_texts: list[str]
    country: Codes
    country_texts: list[str]
    channel: Codes
    channel_texts: list[str]
    relation_noise: Flags
    relation_spelling: Codes
    sex: Codes
    foreign_born: Flags
    spouse: Codes
    deceased: Flags


def unchanging(
    calibration: Calibration, profiles: Profiles, random: np.random.Generator
) -> Unchanging:
    """Draw what is written in the file but drives neither additions nor drops."""
    size = len(profiles)
    employee, employee_texts = _draw(calibration, "ind_empleado", size, random)
    country, country_texts = _draw(calibration, "pais_residencia", size, random, without=("ES",))
    country_texts.append("ES")
    country[~profiles.foreign] = len(country_texts) - 1
    channel_texts = [*effects.CHANNELS[:-2]]
    channel, others = _draw(calibration, "canal_entrada", size, random, without=effects.CHANNELS)
    named = profiles.channel < len(channel_texts)
    channel = np.where(named, profiles.channel, channel + len(channel_texts)).astype(np.int32)
    days = (FIRST_SNAPSHOT - profiles.tenure) * 28 + random.integers(0, 28, size)
    joined_days, joined = np.unique(days, return_inverse=True)
    texts = [f"{d // 336:04d}-{d // 28 % 12 + 1:02d}-{d % 28 + 1:02d}" for d in joined_days]
    income = [None if np.isnan(value) else repr(value) for value in profiles.income.tolist()]
    draw = random.random(size)
    return Unchanging(
        joined=joined.astype(np.int32),
        joined_texts=texts,
        income_texts=pa.array(income, pa.string()),
        employee=employee,
        employee_texts=employee_texts,
        country=country,
        country_texts=country_texts,
        channel=channel,
        channel_texts=[*channel_texts, *others],
        relation_noise=random.random(size) < 0.08,
        relation_spelling=_spelling(draw),
        sex=np.where(draw > 1 - 5e-6, NULL, profiles.woman.astype(np.int32)).astype(np.int32),
        foreign_born=random.random(size) < np.where(profiles.foreign, 0.81, 0.0435),
        spouse=np.where(draw < 1.2e-6, 0, np.where(draw < 1.32e-4, 1, NULL)).astype(np.int32),
        deceased=(profiles.age > 60) & (random.random(size) < 0.012),
    )


def _spelling(draw: npt.NDArray[np.float64]) -> Codes:
    rare = np.searchsorted([5e-5, 8e-5, 1.9e-4, 4.1e-4, 4.7e-4], draw)
    return np.where(draw < 4.7e-4, rare + 2, draw < 1 / 3).astype(np.int32)


def _draw(
    calibration: Calibration,
    column: str,
    size: int,
    random: np.random.Generator,
    without: tuple[str, ...] = (),
) -> tuple[Codes, list[str]]:
    counts = calibration.values[calibration.values["column"] == column]
    counts = counts[~counts["value"].isin(without)]
    share = counts["rows"].to_numpy(np.float64)
    codes = random.choice(len(counts), size, p=share / share.sum()).astype(np.int32)
    return codes, counts["value"].tolist()


def schema(calibration: Calibration) -> pa.Schema:
    """Columns and types of a snapshot: text as dictionaries, so that it is kept once per month."""
    text = pa.dictionary(pa.int32(), pa.string())
    plain = {"ncodpers": pa.int64(), "renta": pa.string()}
    fields = [(name, plain.get(name, text)) for name in PROFILE_COLUMNS]
    held = [(name, text if name in PAYROLL else pa.int8()) for name in calibration.products]
    return pa.schema(fields + held)


def snapshot(
    calibration: Calibration,
    profiles: Profiles,
    texts: Unchanging,
    month: Snapshot,
    random: np.random.Generator,
) -> pa.Table:
    """One month as text: 48 columns, a row per customer present, by customer number."""
    who, index = month.who, month.index
    date = calibration.months[index]
    hidden = profiles.hidden_until[who] > index
    known = profiles.known_from[who] <= index
    tenure = profiles.tenure[who] + index
    tenure_text = np.where(profiles.sentinel[who], 0, tenure + 1)
    nothing = np.zeros(len(who), np.int32)
    no_province = profiles.foreign[who]
    gone = random.random(len(who)) < 0.00182
    gone_texts = [f"{date[:7]}-{day:02d}" for day in range(1, 29)]
    relation = (month.active ^ texts.relation_noise[who]).astype(np.int32)
    booked = profiles.population[who] == BOOKED_AT_ONCE
    related = known | booked
    province_row = np.searchsorted(calibration.provinces["cod_prov"], profiles.province[who])
    names = calibration.provinces["nomprov"].tolist()
    numbers = [f"{number:2d}" for number in calibration.provinces["cod_prov"]]
    tenure_texts = [f"{value:7d}" for value in (TENURE_SENTINEL, *range(300))]
    new = (tenure < NEW_FOR_MONTHS).astype(np.int32)
    yes_no = ["N", "S"]

    def shown(codes: npt.NDArray[Any], *values: str, missing: str | None = None) -> pa.Array:
        return _text(codes, list(values), hidden, missing)

    columns: dict[str, pa.Array] = {
        "fecha_dato": _text(nothing, [date]),
        "ncodpers": pa.array(profiles.customer[who]),
        "ind_empleado": shown(texts.employee[who], *texts.employee_texts),
        "pais_residencia": shown(texts.country[who], *texts.country_texts),
        "sexo": shown(texts.sex[who], "V", "H"),
        "age": shown(profiles.ages(index, who), *(f"{a:3d}" for a in range(200)), missing=" NA"),
        "fecha_alta": shown(texts.joined[who], *texts.joined_texts),
        "ind_nuevo": shown(new, " 0", " 1", missing="NA"),
        "antiguedad": shown(tenure_text, *tenure_texts, missing="     NA"),
        "indrel": shown(gone, " 1", "99", missing="NA"),
        "ult_fec_cli_1t": shown(
            np.where(gone, random.integers(0, 28, len(who)), NULL), *gone_texts
        ),
        "indrel_1mes": shown(
            np.where(related, texts.relation_spelling[who], NULL),
            "1.0",
            "1",
            "2",
            "2.0",
            "3",
            "3.0",
            "P",
        ),
        "tiprel_1mes": shown(_relation(relation, related, texts.spouse[who]), "I", "A", "P"),
        "indresi": shown(~profiles.foreign[who], *yes_no),
        "indext": shown(texts.foreign_born[who], *yes_no),
        "conyuemp": shown(texts.spouse[who], "S", "N"),
        "canal_entrada": shown(np.where(known, texts.channel[who], NULL), *texts.channel_texts),
        "indfall": shown(texts.deceased[who], *yes_no),
        "tipodom": shown(nothing, " 1", missing="NA"),
        "cod_prov": shown(np.where(no_province, NULL, province_row), *numbers, missing="NA"),
        "nomprov": shown(np.where(no_province, NULL, province_row), *names),
        "ind_actividad_cliente": shown(month.active, " 0", " 1", missing="NA"),
        "renta": _incomes(texts.income_texts, who, hidden),
        "segmento": shown(np.where(known, profiles.segment[who], NULL), *SEGMENT_TEXT),
    }
    unpaid = hidden & profiles.payroll_hidden[who]
    for name, held in zip(calibration.products, month.held, strict=True):
        if name in PAYROLL:
            columns[name] = _text(held, [" 0", " 1"], unpaid, "NA")
        else:
            columns[name] = pa.array(held)
    return pa.table(columns, schema=schema(calibration))


def _relation(relation: Codes, related: Flags, spouse: Codes) -> Codes:
    code = np.where(spouse == NULL, relation, 2)
    return np.where(related, code, NULL).astype(np.int32)


def _incomes(texts: pa.Array, who: Integers, hidden: Flags) -> pa.Array:
    return texts.take(pa.array(np.where(hidden, 0, who), mask=hidden))


def _text(
    codes: npt.NDArray[Any],
    values: list[str],
    hidden: Flags | None = None,
    missing: str | None = None,
) -> pa.Array:
    """Look up `values`; NULL codes and hidden rows read `missing`, or are empty without it."""
    numbers = codes.astype(np.int32)
    absent = numbers == NULL
    if hidden is not None:
        absent |= hidden
    if missing is not None:
        numbers = np.where(absent, len(values), numbers)
        return pa.DictionaryArray.from_arrays(pa.array(numbers), [*values, missing])
    return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=absent), values)
