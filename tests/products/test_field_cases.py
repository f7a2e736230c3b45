"""Files as people have them: the same bytes as from the plain file, or one sentence."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.errors import InputError
from src.products import paths
from src.products.ingest import Ingest, ingest
from src.products.schema import Schema

pytestmark = pytest.mark.usefixtures("workspace")

MONTHS = ["2016-01-28", "2016-02-28", "2016-03-28", "2016-04-28"]
SETTINGS = Ingest(path="", max_rejected_share=0.01, min_stay_share=0.05)


def schema(**changes: Any) -> Schema:
    content: dict[str, Any] = {
        "id": "id",
        "month": "fecha",
        "numeric": {"age": "edad", "income": "renta"},
        "categorical": {"province": "prov", "active": "activo"},
        "products": {name: {"en": name, "ru": name} for name in ("card", "loan")},
    }
    return Schema.model_validate(content | changes)


def plain(months: list[str] = MONTHS, customers: int = 3) -> pd.DataFrame:
    """All cells text; each customer adds the loan once."""
    return pd.DataFrame(
        [
            {
                "fecha": month,
                "id": str(900_001 + customer),
                "edad": " 41",
                "renta": "50000.5",
                "prov": "28",
                "activo": "1",
                "card": "1",
                "loan": str(int(place > customer)),
            }
            for place, month in enumerate(months)
            for customer in range(customers)
        ]
    )


def csv(table: pd.DataFrame, name: str = "bank.csv", **options: Any) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(name, index=False, **options)
    return name


def run(source: str, **changes: Any) -> tuple[bytes, dict[str, Any]]:
    """Bytes of the snapshots, and the quality report."""
    quality = ingest(source, schema(**changes), SETTINGS)
    return Path(paths.SNAPSHOTS).read_bytes(), quality


@pytest.fixture
def same(workspace: Path) -> Callable[[str], dict[str, Any]]:
    """Check that a file gives the snapshots of the plain one; its quality report."""
    expected, _ = run(csv(plain(), str(workspace / "plain.csv")))

    def check(source: str) -> dict[str, Any]:
        found, quality = run(source)
        assert found == expected
        return quality

    return check


Same = Callable[[str], dict[str, Any]]

# Spellings


@pytest.mark.parametrize(
    "cells",
    [
        {"activo": "1.0", "prov": "28.0"},
        {"activo": "True", "prov": "28"},
        {"activo": " true", "prov": " 28"},
        {"activo": "1", "card": "1.0"},
        {"card": "True"},
        {"card": "yes"},
        {"card": "T", "id_": None},
        {"edad": "41.0", "renta": "50000.50"},
    ],
)
def test_a_file_that_was_saved_again(same: Same, cells: dict[str, str | None]) -> None:
    same(csv(plain().assign(**{name: value for name, value in cells.items() if value})))


@pytest.mark.parametrize(
    "types",
    [
        {"activo": "float64", "prov": "float64", "card": "float64"},
        {"activo": "bool", "card": "bool"},
        {"id": "int64", "edad": "int32", "renta": "float32"},
        {"id": "float64", "prov": "int8"},
        {"prov": "category"},
    ],
)
def test_a_parquet_file_of_other_types(same: Same, types: dict[str, str]) -> None:
    table = plain()
    for name, kind in types.items():
        numbers = table[name] if kind == "category" else pd.to_numeric(table[name])
        table[name] = numbers.astype(kind)  # type: ignore[call-overload]
    table.to_parquet("bank.parquet", index=False)
    same("bank.parquet")


def test_flags_do_not_depend_on_the_first_row(same: Same) -> None:
    table = plain()
    words = table.assign(card="True", loan=table["loan"].map({"0": "False", "1": "True"}))
    same(csv(words))
    words.loc[0, ["card", "loan"]] = ["1", "0"]
    same(csv(words))


def test_a_flag_that_is_none_names_the_spellings() -> None:
    table = plain()
    table.loc[3, "loan"] = "maybe"
    spellings = r"a flag \(1/0, t/f, true/false, y/n, yes/no\)"
    sentence = rf"column loan is not {spellings} in 1 row \(for example 'maybe' of id 900001\)"
    with pytest.raises(InputError, match=sentence):
        run(csv(table))


@pytest.mark.parametrize(
    "spelt", ["0900001", "4.68769E+11", "900_001", "0x1F", "9e5", "+900001", "900001e0"]
)
def test_ids_that_are_not_spelt_as_the_number_they_are(spelt: str) -> None:
    table = plain()
    table.loc[0, "id"] = spelt
    with pytest.raises(InputError, match=r"holds ids in 1 row .* set schema\.id_type: string"):
        run(csv(table))


def test_ids_with_leading_zeros_as_text() -> None:
    table = plain()
    table["id"] = [
        "00" + number[-1] if at < 6 else number[-1] for at, number in enumerate(table["id"])
    ]
    _, quality = run(csv(table), id_type="string")
    assert quality["customers"] == 6


@pytest.mark.parametrize("id_type", ["integer", "string"])
def test_ids_that_were_floats_in_between(id_type: str) -> None:
    table = plain()
    _, expected = run(csv(table), id_type=id_type)
    before = Path(paths.SNAPSHOTS).read_bytes()
    after, quality = run(csv(table.assign(id=table["id"] + ".0")), id_type=id_type)
    assert (after, quality["customers"]) == (before, expected["customers"])


def test_ids_of_a_float_column_that_have_lost_digits() -> None:
    table = plain().assign(id=[2.0**53 + 2 * number for number in range(12)])
    table.to_parquet("bank.parquet", index=False)
    with pytest.raises(InputError, match="12 rows that are not spelt as the number they are, or"):
        run("bank.parquet")


def test_sentinels_stand_out_in_the_quality_report() -> None:
    table = plain()
    table.loc[table["id"] == "900002", "renta"] = "-99"
    _, quality = run(csv(table))
    assert quality["numbers"] == {
        "age": {"min": 41.0, "max": 41.0, "mode": 41.0},
        "income": {"min": -99.0, "max": 50000.5, "mode": 50000.5},
    }


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("renta", pa.array([[1.0]] * 12), "list<.*double>, but should hold numbers"),
        ("edad", pa.array([0] * 12, pa.date32()), "date32.*, but should hold numbers"),
        ("renta", pa.array([0] * 12, pa.duration("s")), "duration.*, but should hold numbers"),
        ("loan", pa.array([0] * 12, pa.date32()), r"date32.*, but should hold flags \(0 or 1\)"),
        ("fecha", pa.array([1] * 12), "int64, but should hold dates"),
        ("prov", pa.array([{"a": 1}] * 12), "struct.*, but should hold text or whole numbers"),
    ],
)
def test_columns_of_a_foreign_type(column: str, values: pa.Array, kind: str) -> None:
    table = pa.Table.from_pandas(plain(), preserve_index=False)
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, values), "bank.parquet")
    with pytest.raises(InputError, match=rf"column {column} is of type {kind}"):
        run("bank.parquet")


# Time


@pytest.mark.parametrize("form", ["%d/%m/%y", "%y/%m/%d", "%y-%m-%d"])
def test_years_of_two_digits(form: str) -> None:
    table = plain()
    table["fecha"] = pd.to_datetime(table["fecha"]).dt.strftime(form)
    with pytest.raises(InputError, match="years are written with two digits: export dates as"):
        run(csv(table))


@pytest.mark.parametrize("date", ["1900-01-01", "infinity", "2999-12-31", "1601-01-01"])
def test_a_row_of_no_possible_year_is_set_aside(date: str) -> None:
    table = plain(customers=50)
    table.loc[0, "fecha"] = date
    _, quality = run(csv(table))
    assert (quality["rejected"], quality["first_month"]) == (1, "2016-01-28")
    reason = pq.read_table(paths.REJECTED)["reason"].to_pylist()
    assert reason == [f"fecha is in no possible year: {date}"]


def test_a_month_that_is_missing_is_a_warning() -> None:
    months = [MONTHS[0], MONTHS[1], MONTHS[3], "2016-05-28"]
    _, quality = run(csv(plain(months)))
    assert quality["warnings"] == [
        "2016-03 is missing: months are counted by the calendar, and what was added between "
        "2016-02 and 2016-04 is left out"
    ]


def test_two_monthly_snapshots_are_refused() -> None:
    with pytest.raises(InputError, match="snapshots are 2 months apart"):
        run(csv(plain(["2016-01-28", "2016-03-28", "2016-05-28", "2016-07-28"])))


@pytest.mark.parametrize(
    ("months", "said"),
    [
        (["2016-01-28", "2016-02-28", "2016-02-29"], r"3 dates in 2 months \(2 of them in 2016-02"),
        (["2016-01-07", "2016-01-14", "2016-01-21"], r"3 dates in 1 month \(3 of them in 2016-01"),
    ],
)
def test_several_dates_in_a_month(months: list[str], said: str) -> None:
    with pytest.raises(InputError, match=f"column fecha has {said}.*keep one snapshot a month"):
        run(csv(plain(months)))


# Files


def packed(files: dict[str, bytes], name: str = "bank.zip") -> str:
    with zipfile.ZipFile(name, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    return name


def by_month() -> dict[str, bytes]:
    return {
        str(month)[:7]: rows.to_csv(index=False).encode()
        for month, rows in plain().groupby("fecha")
    }


def test_archives_in_an_archive_and_other_tables_beside(same: Same) -> None:
    text = plain().to_csv(index=False).encode()
    test = plain()[["fecha", "id", "edad", "renta", "prov", "activo"]].to_csv(index=False).encode()
    inner = {
        f"{name}.csv.zip": Path(packed({f"{name}.csv": content}, f"{name}.zip")).read_bytes()
        for name, content in {
            "train": text,
            "test": test,
            "sub": b"id,added\n900001,card\n",
        }.items()
    }
    notes = same(packed(inner))["notes"]
    assert notes == [
        "bank.zip/sub.csv.zip/sub.csv is another table (no fecha) and was passed over",
        "bank.zip/test.csv.zip/test.csv is another table (no card) and was passed over",
    ]


def test_members_of_one_name_in_different_folders(same: Same) -> None:
    same(packed({f"month={name}/part-0.csv": text for name, text in by_month().items()}))


@pytest.mark.parametrize(
    "name", ["{}.csv", "{}.CSV", "{}.txt", "sub/{}.csv", "month={}/part-0.csv", "a[{}].csv"]
)
def test_a_folder_of_monthly_files(same: Same, name: str) -> None:
    for month, text in by_month().items():
        other = name if month == "2016-03" else "{}.csv"
        file = Path("bank", other.format(month))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    same("bank")


@pytest.mark.parametrize("ending", [".csv.gz", ".CSV.GZ", ".csv.Gz"])
def test_gzip_by_any_name(same: Same, ending: str) -> None:
    text = plain().to_csv(index=False).encode()
    Path(f"bank{ending}").write_bytes(gzip.compress(text))
    same(f"bank{ending}")


def test_what_spark_leaves_in_a_folder(same: Same) -> None:
    for month, text in by_month().items():
        folder = Path(f"bank/month={month}")
        folder.mkdir(parents=True)
        table = pd.read_csv(io.BytesIO(text), dtype=str)
        table.to_parquet(folder / "part-0.parquet", index=False)
    Path("bank/_SUCCESS").touch()
    Path("bank/.part.crc").write_bytes(b"crc")
    notes = same("bank")["notes"]
    assert notes == [
        "bank/.part.crc is no table and was passed over",
        "bank/_SUCCESS is no table and was passed over",
    ]


def test_what_is_no_table_is_named(same: Same) -> None:
    csv(plain(), "bank/train.csv")
    Path("bank/readme.docx").write_bytes(b"words")
    Path("bank/empty.csv").touch()
    assert same("bank")["notes"] == [
        "bank/empty.csv is empty and was passed over",
        "bank/readme.docx is no .csv, .txt, .gz, .parquet, .pq, .zip file and was passed over",
    ]


def test_a_month_that_lacks_a_column_is_not_passed_over() -> None:
    csv(plain(MONTHS[:3]), "bank/a.csv")
    csv(plain(MONTHS[3:]).drop(columns=["renta"]), "bank/b.csv")
    with pytest.raises(InputError, match=r"bank/b\.csv: column renta is missing"):
        run("bank")


def test_a_name_with_brackets_is_not_a_pattern(same: Same) -> None:
    csv(plain(), "train[1].csv")
    csv(plain(customers=1), "train1.csv")
    same("train[1].csv")


@pytest.mark.parametrize(("separator", "said"), [(";", "';'"), ("\t", "tabs"), ("|", "'|'")])
def test_other_separators(same: Same, separator: str, said: str) -> None:
    notes = same(csv(plain(), sep=separator))["notes"]
    assert notes == [f"bank.csv is separated by {said}"]


def test_decimal_commas_are_named() -> None:
    with pytest.raises(InputError, match="numbers have a decimal comma: export them with"):
        run(csv(plain().assign(renta="50000,5"), sep=";"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16(same: Same, encoding: str) -> None:
    text = plain().to_csv(index=False)
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    Path("bank.csv").write_bytes((mark + text).encode(encoding))
    assert same("bank.csv")["notes"] == ["bank.csv is UTF-16 and was converted"]


def test_two_kinds_of_line_ends(same: Same) -> None:
    header, body = plain().to_csv(index=False).split("\n", 1)
    Path("bank.csv").write_bytes(f"{header}\r\n{body}".encode())
    assert same("bank.csv")["notes"] == ["bank.csv mixes two kinds of line ends and was converted"]


def test_a_comment_line() -> None:
    Path("bank.csv").write_text("# exported by hand\n" + plain().to_csv(index=False))
    with pytest.raises(InputError, match=r"line 1 is a comment \('# exported by hand'\)"):
        run("bank.csv")


def test_an_encrypted_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    packed({"bank.csv": b"x"})

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("File 'bank.csv' is encrypted, password required for extraction")

    monkeypatch.setattr(zipfile.ZipFile, "open", refuse)
    with pytest.raises(InputError, match=r"bank\.zip is encrypted; unpack it"):
        run("bank.zip")


def test_an_archive_packed_in_a_foreign_way(monkeypatch: pytest.MonkeyPatch) -> None:
    packed({"bank.csv": b"x"})

    def refuse(*_: Any, **__: Any) -> None:
        raise NotImplementedError("That compression method is not supported")

    monkeypatch.setattr(zipfile.ZipFile, "open", refuse)
    with pytest.raises(InputError, match=r"packed in a way that is not read here .*; unpack it"):
        run("bank.zip")


# Names


def test_a_column_that_differs_in_capitals(same: Same) -> None:
    table = plain().assign(EDAD="7")
    same(csv(table))
    table.to_parquet("bank.parquet", index=False)
    with pytest.raises(InputError, match="columns EDAD and edad differ in capitals only"):
        run("bank.parquet")


@pytest.mark.parametrize("name", ["Customer", "MONTH", "BIT", "depth0_age", "_adds", "Last_x"])
def test_names_of_our_own_columns_are_taken(name: str) -> None:
    products = {name: {"en": "a", "ru": "a"}, "loan": {"en": "b", "ru": "b"}}
    with pytest.raises(ValueError, match=f"'{name}' is taken"):
        schema(products=products)


def test_names_that_differ_in_capitals_are_one() -> None:
    products = {name: {"en": name, "ru": name} for name in ("card", "Card")}
    with pytest.raises(ValueError, match=r"column Card, card is .* more than one meaning"):
        schema(products=products)


def test_the_report_is_json() -> None:
    _, quality = run(csv(plain()))
    assert json.loads(json.dumps(quality))["notes"] == []
