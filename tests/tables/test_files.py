"""Files of a raw table, without the stage around them."""

import gzip
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.engine import connect
from src.errors import InputError
from src.tables.columns import Column
from src.tables.files import File, Source, find, read

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


def archive(name: str, **members: str | bytes) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(name, "w") as target:
        for member, content in members.items():
            target.writestr(member, content)
    return name


def found(source: str) -> Source:
    folder = Path(tempfile.mkdtemp(prefix=".unpacked-", dir=Path.cwd()))
    return find(source, folder, COLUMNS, "do something")


def titles(source: str) -> list[str]:
    return [file.title for file in found(source).files]


def texts(source: str) -> dict[str, str]:
    """What the engine is given, by what the user calls it."""
    return {file.title: Path(file.path).read_text() for file in found(source).files}


# which files


def test_what_is_known_of_a_csv_and_of_a_parquet_file() -> None:
    columns, cells = HEADER.split(","), ROW.split(",")
    assert found(write("a.csv", HEADER, ROW)) == Source(
        [File("a.csv", "a.csv", columns, ",", tuple(cells))], []
    )
    table = pa.table({name: [cell] for name, cell in zip(columns, cells, strict=True)})
    pq.write_table(table, "a.parquet")
    assert found("a.parquet") == Source([File("a.parquet", "a.parquet", columns)], [])


def test_a_file_a_folder_and_a_glob_go_by_name() -> None:
    for name in ("b.csv", "a.csv.gz", "sub/c.txt", "notes.md", ".hidden.csv"):
        write(f"raw/{name}", HEADER)
    assert titles("raw/b.csv") == ["raw/b.csv"]
    assert titles("raw/*.csv") == ["raw/b.csv"]
    assert titles("raw/*b*") == ["raw/b.csv", "raw/sub/c.txt"]  # a file and a folder
    assert titles("raw") == ["raw/a.csv.gz", "raw/b.csv", "raw/sub/c.txt"]
    assert found("raw").notes == [
        "raw/.hidden.csv is no table and was passed over",
        "raw/notes.md is no .csv, .txt, .gz, .parquet, .pq, .zip file and was passed over",
    ]


def test_archives_are_unpacked() -> None:
    first, second = f"{HEADER}\n{ROW}\n", f"{HEADER}\n"
    members = {"a/2.csv": second, "a/1.csv": first, "__MACOSX/a/1.csv": second, "README.txt": "x\n"}
    assert texts(archive("raw.zip", **members)) == {
        "raw.zip/a/1.csv": first,
        "raw.zip/a/2.csv": second,
    }


def test_what_is_passed_over_in_an_archive() -> None:
    members = {"1.csv": HEADER, "__MACOSX/1.csv": HEADER, "README.txt": "words", "a.md": "words"}
    assert found(archive("raw.zip", **members)).notes == [
        "raw.zip/README.txt is another table (no id) and was passed over",
        "raw.zip/__MACOSX/1.csv is no table and was passed over",
        "raw.zip/a.md is no .csv, .txt, .gz, .parquet, .pq, .zip file and was passed over",
    ]


def test_archives_with_members_of_one_name_do_not_mix() -> None:
    for name in ("1", "2"):
        archive(f"raw/{name}.zip", **{"train.csv": f"{HEADER},{name}\n"})
    assert texts("raw") == {
        "raw/1.zip/train.csv": f"{HEADER},1\n",
        "raw/2.zip/train.csv": f"{HEADER},2\n",
    }


def test_an_archive_in_an_archive() -> None:
    inner = Path(archive("b.zip", **{"c.csv": HEADER})).read_bytes()
    assert texts(archive("a.zip", **{"b.zip": inner})) == {"a.zip/b.zip/c.csv": HEADER}


def test_a_text_calls_files_as_the_user_does() -> None:
    source = found(archive("raw.zip", **{"1.csv": HEADER, "2.csv": HEADER}))
    (one, two) = [file.path for file in source.files]
    assert source.titled(f"{two}, line 3; not {one}") == "raw.zip/2.csv, line 3; not raw.zip/1.csv"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nothing.csv", "^nothing.csv is missing: do something$"),
        ("*.parquet", r"^\*.parquet is missing: do something$"),
        ("hollow", "^hollow is an empty folder: do something$"),
        ("empty.csv", "^empty.csv is empty; get the file again$"),
        (
            "texts",
            "^texts holds no table: texts/a.md is no .csv, .txt, .gz, .parquet, .pq, .zip file and "
            "was passed over; texts/b.csv is empty and was passed over$",
        ),
        ("mixed", "^mixed mixes parquet and CSV files; keep one kind$"),
        ("junk.zip", r"^junk.zip is not a whole zip archive \(File is not a zip file\); get it"),
        ("without.zip", "^without.zip holds no table: without.zip/README.md is no .csv"),
        ("hollow.zip", "^hollow.zip is an empty archive; get it again$"),
    ],
)
def test_what_cannot_be_found(source: str, sentence: str) -> None:
    Path("hollow").mkdir()
    Path("empty.csv").touch()
    for name in ("texts/a.md", "mixed/a.csv", "junk.zip"):
        write(name, HEADER)
    Path("texts/b.csv").touch()
    pq.write_table(pa.table({column.raw: ["1"] for column in COLUMNS}), "mixed/b.parquet")
    archive("without.zip", **{"README.md": "junk"})
    archive("hollow.zip")
    with pytest.raises(InputError, match=sentence):
        found(source)


# which columns


def test_columns_in_any_order_and_more_of_them() -> None:
    write("raw/a.csv", HEADER)
    write("raw/b.csv.gz", "plan,card,prov,edad,id,fecha")
    assert found("raw").notes == []
    assert titles("raw") == ["raw/a.csv", "raw/b.csv.gz"]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (
            "fecha,id,edad,provincia,nombre,card,plan",
            r"^raw/b.csv: column prov is missing \(the file has fecha, id, edad, provincia, "
            r"nombre, card, …\); add it, or map the schema section of params.yaml on your names$",
        ),
        ("fecha,id,plan", "^raw/b.csv: column edad, prov, card are missing"),
        (f"{HEADER},card,id", "^raw/b.csv: column card, id occurs twice; keep one of them$"),
        ("", "^raw/b.csv is empty: its first line should name the columns$"),
    ],
)
def test_columns_that_do_not_fit(header: str, sentence: str) -> None:
    write("raw/a.csv", HEADER)
    write("raw/b.csv", header, ROW)
    with pytest.raises(InputError, match=sentence):
        found("raw")


@pytest.mark.parametrize("header", ["fecha,prov", "fecha,id,edad,prov", "edad,prov,card,plan"])
def test_a_table_without_keys_or_flags_is_another_one(header: str) -> None:
    write("raw/a.csv", HEADER)
    write("raw/b.csv", header)
    assert titles("raw") == ["raw/a.csv"]
    (note,) = found("raw").notes
    assert note.startswith("raw/b.csv is another table (no ")
    with pytest.raises(InputError, match=r"^raw/b.csv: column .* missing \(the file has "):
        found("raw/b.csv")


def test_where_all_tables_are_others_the_nearest_one_is_named() -> None:
    write("raw/a.csv", "fecha,prov")
    write("raw/b.csv", "fecha,prov,card")
    sentence = "^raw/b.csv: column id, edad, plan are missing"
    with pytest.raises(InputError, match=sentence):
        found("raw")


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
        found(name)


# what is read


def rows_of(*names: str, typed: bool) -> list[dict[str, Any]]:
    files = [file for name in names for file in found(name).files]
    engine = connect()
    table = read(engine, files, COLUMNS, typed=typed).order_by("id")
    return list(engine.collect(table).to_pylist())


def test_texts_are_stripped_of_blanks() -> None:
    assert rows_of(write("a.csv", HEADER, ROW), typed=False) == [
        {"id": "7", "fecha": "2016-05-28", "edad": "35", "prov": "8", "card": "1", "plan": "0"}
    ]


def test_columns_are_read_as_the_first_row_suggests() -> None:
    files = found(write("a.csv", HEADER, ROW)).files
    table = read(connect(), files, COLUMNS, typed=True)
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
        write("d.csv", HEADER.replace(",", ";"), "2016-05-28;95;1;3,5;x;1;1"),
    ]
    rows = rows_of(*files, typed=True)
    assert [
        {name: row[name] for name in ("id", "edad", "prov", "card", "plan")} for row in rows
    ] == [
        {"id": "2", "edad": None, "prov": "28", "card": False, "plan": "1"},
        {"id": "7", "edad": 35.0, "prov": "8", "card": True, "plan": "0"},
        {"id": "9", "edad": None, "prov": None, "card": None, "plan": "0"},
        {"id": "95", "edad": 1.0, "prov": "3,5", "card": True, "plan": "1"},
    ]


def test_columns_that_nobody_asks_for_may_share_a_name() -> None:
    (row,) = rows_of(write("a.csv", f"{HEADER},nombre", f"{ROW},other"), typed=True)
    assert list(row) == ["id", "fecha", "edad", "prov", "card", "plan"]
    assert row["id"] == "7"


def test_parquet_keeps_its_types() -> None:
    cells = {"id": [7], "edad": [35], "card": [True], "more": ["x"], "prov": [8], "plan": [0.0]}
    pq.write_table(pa.table(cells | {"fecha": ["2016-05-28"]}), "a.parquet")
    assert rows_of("a.parquet", typed=True) == [
        {"id": 7, "fecha": "2016-05-28", "edad": 35, "prov": 8, "card": True, "plan": 0.0}
    ]
