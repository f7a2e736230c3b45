"""A folder of range parts travels by S3, through Arrow's own client, and is read as it was."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from src.engine.duckdb import DuckDB
from src.errors import InputError
from src.parts import cuts, files, read_table, verify, write_manifest, write_part
from tests.clones import environment
from tests.servers import Endpoint, s3_endpoint

TABLE = pa.table({"customer": range(1000), "segment": [f"é{n % 7}" for n in range(1000)]})


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("s3")
    with s3_endpoint(folder, environment(folder / "home")) as running:
        yield running


def test_a_folder_of_parts_travels_by_s3(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("table.parquet")
    folder.mkdir()
    pq.write_table(TABLE, "whole")
    places = cuts([Path("whole")], 300, "customer")
    said = [
        write_part(
            [Path("whole")], TABLE.schema, (start, start + 300 if start < 900 else 1000),
            folder / f"part-{number:05d}.parquet", "customer", "zstd",
        )
        for number, start in enumerate(places[:-1])
    ]  # fmt: skip
    write_manifest(folder, said, "customer")

    # This endpoint takes no checksums behind the content, and no empty object as a folder: Arrow's
    # `copy_files`, which makes one, loses the error of the first, and says that all is well.
    for name in ("REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION"):
        monkeypatch.setenv(f"AWS_{name}", "when_required")
    variables = endpoint.variables
    store = pafs.S3FileSystem(
        access_key=variables["AWS_ACCESS_KEY_ID"],
        secret_key=variables["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=endpoint.url,
    )
    local = pafs.LocalFileSystem()
    names = ["manifest.json", *(f"part-{number:05d}.parquet" for number in range(4))]

    def put(name: str) -> None:
        with store.open_output_stream(f"nextbest/tables/table.parquet/{name}") as stream:
            stream.write((folder / name).read_bytes())

    def get(target: str) -> None:
        Path(target).mkdir()
        pafs.copy_files("nextbest/tables/table.parquet", target, store, local)

    for name in names[:-1]:
        put(name)
    get("half.parquet")
    with pytest.raises(InputError, match=r"^half\.parquet lacks 1 of 4 parts, such as part-00003"):
        files("half.parquet")
    put(names[-1])
    assert [file.name for file in endpoint.objects()] == names
    get("back.parquet")
    verify("back.parquet")
    assert read_table("back.parquet").equals(TABLE)
    engine = DuckDB.connect()
    assert engine.collect(engine.table("back.parquet").order_by("customer")).equals(TABLE)
