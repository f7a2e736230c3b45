"""Files of a raw table, without the stage around them."""

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.engine import connect
from src.errors import InputError
from src.tables.columns import Column
from src.tables.files import check_columns, find, read

COLUMNS = [
    Column("id", "customer", "integer id"),
    Column("fecha", "month", "date"),
    Column("edad", "age", "number"),
    Column("prov", "province", "category"),
    Column("card", "card", "flag"),
    Column("plan", "plan", "flag"),
]
HEADER = "fecha,id,edad,prov,nombre,card,plan"
ROW = "2016-05-28,7, 35, 8,MADRID,1, 0"

pytestmark = pytest.mark.usefixtures("workspace")


def write(name: str, *lines: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode()
    Path(name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return name


def found(source: str) -> list[str]:
    return find(source, Path("unpacked"), "do something")


# which files


def test_a_file_a_folder_and_a_glob_go_by_name() -> None:
    for name in ("b.csv", "a.csv.gz", "notes.txt", ".hidden.csv"):
        write(f"raw/{name}", HEADER)
    assert found("raw/b.csv") == ["raw/b.csv"]
    assert found("raw") == ["raw/a.csv.gz", "raw/b.csv"]
    assert found("raw/*.csv") == ["raw/b.csv"]


def test_archives_are_unpacked() -> None:
    Path("unpacked").mkdir()
    with zipfile.ZipFile("raw.zip", "w") as archive:
        for name in ("a/2.csv", "a/1.csv", "__MACOSX/a/1.csv", "README.txt"):
            archive.writestr(name, f"content of {name}")
    files = found("raw.zip")
    assert [Path(file).name for file in files] == ["1.csv", "2.csv"]
    assert [Path(file).read_text() for file in files] == [
        "content of a/1.csv",
        "content of a/2.csv",
    ]


def test_archives_with_members_of_one_name_do_not_mix() -> None:
    Path("unpacked").mkdir()
    for name in ("1", "2"):
        Path("raw").mkdir(exist_ok=True)
        with zipfile.ZipFile(f"raw/{name}.zip", "w") as archive:
            archive.writestr("train.csv", name)
    assert [Path(file).read_text() for file in found("raw")] == ["1", "2"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nothing.csv", "^nothing.csv is missing: do something$"),
        ("*.parquet", r"^\*.parquet is missing: do something$"),
        ("empty.csv", "^empty.csv is empty; get the file again$"),
        ("texts", "^texts holds no .csv, .csv.gz, .zip, .parquet file$"),
        ("mixed", "^mixed mixes parquet and CSV files; keep one kind$"),
        ("junk.zip", r"^junk.zip is not a whole zip archive \(File is not a zip file\); get it"),
        ("without.zip", "^without.zip holds no CSV file$"),
    ],
)
def test_what_cannot_be_found(source: str, sentence: str) -> None:
    Path("unpacked").mkdir()
    Path("empty.csv").touch()
    for name in ("texts/a.txt", "mixed/a.csv", "mixed/b.parquet", "junk.zip"):
        write(name, HEADER)
    with zipfile.ZipFile("without.zip", "w") as archive:
        archive.writestr("README.txt", "junk")
    with pytest.raises(InputError, match=sentence):
        found(source)


# which columns


def test_columns_in_any_order_and_more_of_them() -> None:
    check_columns(
        [write("a.csv", HEADER), write("b.csv.gz", "plan,card,prov,edad,id,fecha")], COLUMNS
    )


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (
            "fecha,id,edad,provincia,nombre,card,plan",
            r"^b.csv: column prov is missing \(the file has fecha, id, edad, provincia, nombre, "
            r"card, …\); add it, or map the schema section of params.yaml on your names$",
        ),
        ("fecha,prov", "^b.csv: column id, edad, card, plan is missing"),
        (f"{HEADER},card,id", "^b.csv: column id, card occurs twice; keep one of them$"),
        ("", "^b.csv is empty: its first line should name the columns$"),
    ],
)
def test_columns_that_do_not_fit(header: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_columns([write("a.csv", HEADER), write("b.csv", header, ROW)], COLUMNS)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("t.csv.gz", "^t.csv.gz is cut short or damaged .*; get it again$"),
        ("t.parquet", "^t.parquet is not a whole parquet file .*; get it again$"),
    ],
)
def test_files_without_a_readable_header(name: str, sentence: str) -> None:
    Path(name).write_bytes(b"junk" * 9)
    with pytest.raises(InputError, match=sentence):
        check_columns([name], COLUMNS)


# what is read


def test_texts_stay_as_they_are() -> None:
    table = read(connect(), [write("a.csv", HEADER, ROW)], COLUMNS, typed=False)
    assert connect().collect(table).to_pylist() == [
        {"id": "7", "fecha": "2016-05-28", "edad": " 35", "prov": " 8", "card": "1", "plan": " 0"}
    ]


def test_columns_are_read_as_the_first_row_suggests() -> None:
    table = read(connect(), [write("a.csv", HEADER, ROW)], COLUMNS, typed=True)
    assert {name: str(kind) for name, kind in table.schema().items()} == {
        "id": "string",
        "fecha": "date",
        "edad": "float64",
        "prov": "string",
        "card": "boolean",
        "plan": "string",  # padded
    }


def test_files_with_columns_in_different_orders_are_one_table() -> None:
    files = [
        write("a.csv", HEADER, ROW),
        write("b.csv.gz", "plan,nombre,card,prov,edad,id,fecha", "1,x,0,28,,2,2016-04-28"),
        write("c.csv", HEADER, "2016-05-28,9,NA,NA,x,,0"),
    ]
    engine = connect()
    table = read(engine, files, COLUMNS, typed=True).order_by("id")
    assert engine.collect(table.select("id", "edad", "prov", "card", "plan")).to_pylist() == [
        {"id": "2", "edad": None, "prov": "28", "card": False, "plan": "1"},
        {"id": "7", "edad": 35.0, "prov": " 8", "card": True, "plan": " 0"},
        {"id": "9", "edad": None, "prov": None, "card": None, "plan": "0"},
    ]


def test_columns_that_nobody_asks_for_may_share_a_name() -> None:
    engine = connect()
    file = write("a.csv", f"{HEADER},nombre", f"{ROW},other")
    table = engine.collect(read(engine, [file], COLUMNS, typed=True))
    assert table.column_names == ["id", "fecha", "edad", "prov", "card", "plan"]
    assert table["id"].to_pylist() == ["7"]


def test_parquet_keeps_its_types() -> None:
    cells = {"id": [7], "edad": [35], "card": [True], "more": ["x"], "prov": [8], "plan": [0.0]}
    pq.write_table(pa.table(cells | {"fecha": ["2016-05-28"]}), "a.parquet")
    engine = connect()
    table = engine.collect(read(engine, ["a.parquet"], COLUMNS, typed=True))
    assert table.to_pylist() == [
        {"id": 7, "fecha": "2016-05-28", "edad": 35, "prov": 8, "card": True, "plan": 0.0}
    ]
