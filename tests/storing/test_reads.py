"""Rows by path, size, content, identity and text."""

from dataclasses import replace

import numpy as np
import pytest
from tests.storing.making import FOLDER, puts, row, sparse, strong, unit

from glimpsed.records import Known, Row, Stamp
from glimpsed.storing import reads
from glimpsed.storing.schema import same
from glimpsed.storing.table import Table
from glimpsed.storing.writer import Writer


async def test_known_tells_stamp_sidecars_and_missing(table: Table, writer: Writer) -> None:
    there = row(1, beside="a.xmp:1:2:3")
    gone = row(2, path="/pictures/below/2.jpg", missing_since=5.0)
    await writer.commit(puts([there, gone, row(3, path="/elsewhere/3.jpg", folder="/elsewhere")]))
    assert await table.known(FOLDER) == {
        there.path: Known(there.stamp, "a.xmp:1:2:3", False),
        gone.path: Known(gone.stamp, "", True),
    }
    assert set(await table.known(FOLDER, under="/pictures/below")) == {gone.path}
    assert await table.known("/pictures/1") == {}


async def test_the_table_knows_rows_by_path_whatever_their_folder_was(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(1, path="/pictures/a/1.jpg", folder=FOLDER)]))
    assert set(await table.known("/pictures/a")) == {"/pictures/a/1.jpg"}


async def test_many_rows_are_read_whole(table: Table, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "_MANY", 10)
    many = [row(number) for number in range(1_100)]
    await writer.commit(puts(many))
    assert len(await table.known(FOLDER)) == 1_100
    found = await table.rows([one.path for one in many])
    assert all(same(found[one.path], one) for one in many)


async def test_rows_have_their_vectors_and_selected_ones_have_none(table: Table, writer: Writer) -> None:
    await writer.add_encoder("large", 8)
    one = strong(1, sparse=sparse((3, 0.5)))
    await writer.commit(puts([one]))
    (full,) = (await table.rows([one.path, "/not there"])).values()
    assert same(full, one)
    (thin,) = (await table.select([one.path])).values()
    assert thin == one
    assert thin.vector is None
    assert thin.strong is None
    assert thin.sparse is not None
    assert thin.sparse.tokens.tolist() == [3]
    assert await table.rows([]) == {}


async def test_by_size_names_contents_that_were_read(table: Table, writer: Writer) -> None:
    await writer.commit(
        puts(
            [
                row(1, size=7),
                row(2, size=7, missing_since=1.0),
                row(3, size=7, error="broken"),
                row(4, size=7, content_id=""),
                row(5, size=7, reader=None),
                row(6, size=7, reader="reader-0"),
                row(7, size=8),
            ]
        )
    )

    def ids(*numbers: int) -> frozenset[str]:
        return frozenset(row(number).content_id for number in numbers)

    assert await table.by_size([7, 8, 9]) == {7: ids(1, 2, 6), 8: ids(7)}
    assert await table.by_size([7], reader="reader-1") == {7: ids(1, 2)}
    assert await table.by_size([]) == {}


async def test_by_content_has_the_most_telling_first_and_not_too_many(table: Table, writer: Writer) -> None:
    base = row(1, ocr=None)
    crowd = [replace(base, path=f"/pictures/copy {number}.jpg") for number in range(20)]
    best = replace(base, path="/pictures/best.jpg", ocr="ocr-1")
    gone = replace(base, path="/pictures/gone.jpg", ocr="ocr-1", missing_since=1.0)
    broken = replace(base, path="/pictures/broken.jpg", ocr="ocr-1", error="broken")
    await writer.commit(puts([*crowd, best, gone, broken, row(2), row(3, content_id="")]))
    found = await table.by_content([base.content_id, row(2).content_id, "", "not there"])
    assert set(found) == {base.content_id, row(2).content_id}
    paths = [one.path for one in found[base.content_id]]
    assert paths[:2] == [best.path, gone.path]
    assert len(paths) == 8
    assert found[row(2).content_id][0].vector is not None
    assert await table.by_content([]) == {}


async def test_by_identity_prefers_missing_rows_and_tells_files_apart(table: Table, writer: Writer) -> None:
    stamp = Stamp(mtime_ns=5, ctime_ns=6, size=7, inode=2**64 - 1)

    def at(path: str, **fields: object) -> Row:
        given = stamp._asdict() | fields
        return row(1, path=path, **given)

    await writer.commit(
        puts(
            [
                at("/pictures/a.jpg"),
                at("/pictures/b.jpg", missing_since=1.0),
                at("/pictures/c.jpg"),
                at("/pictures/other size.jpg", size=8),
                at("/pictures/other time.jpg", mtime_ns=6),
                at("/pictures/unread.jpg", inode=5, content_id=""),
            ]
        )
    )
    asked = [stamp._replace(ctime_ns=99), stamp._replace(inode=5), stamp._replace(inode=2**63)]
    found = await table.by_identity(asked)
    assert {one: twin.path for one, twin in found.items()} == {(2**64 - 1, 7, 5): "/pictures/b.jpg"}
    assert await table.by_identity([]) == {}


async def test_by_text_finds_a_vector_the_chosen_encoders_first(table: Table, writer: Writer) -> None:
    await writer.add_encoder("large", 8)
    await writer.commit(
        puts(
            [
                row(1, text_id="t", encoder="small"),
                strong(2, text_id="t"),
                row(3, text_id="t", encoder="small"),
                row(4, text_id="u", encoder=None, vector=None),
                row(5, text_id="v", encoder="small", vector=None),
                row(6, text_id="w"),
                row(7, text_id=""),
            ]
        )
    )
    found = await table.by_text(["w", "t", "u", "v", "", "x"])
    assert {text: one.path for text, one in found.items()} == {"w": row(6).path, "t": row(2).path}
    assert found["t"].strong is not None
    assert found["w"].vector is not None
    assert np.array_equal(found["w"].vector, unit(6))
    assert await table.by_text([]) == {}


async def test_folders_are_counted_by_missing_or_not(table: Table, writer: Writer) -> None:
    await writer.commit(puts([row(1), row(2), row(3, folder="/\udcff"), row(4, missing_since=1.0)]))
    assert await table.folder_counts() == {FOLDER: 2, "/\udcff": 1}
    assert await table.folder_counts(missing=True) == {FOLDER: 1}


async def test_forgettable_are_long_missing_rows_of_these_folders_oldest_first(table: Table, writer: Writer) -> None:
    await writer.commit(
        puts(
            [
                row(1, missing_since=3.0),
                row(2, missing_since=1.0),
                row(3, missing_since=9.0),
                row(4),
                row(5, missing_since=2.0, folder="/pictures/inner", path="/pictures/inner/5.jpg"),
            ]
        )
    )
    assert await table.forgettable(5.0, [FOLDER], 10) == [row(2).path, row(1).path]
    assert await table.forgettable(5.0, [FOLDER], 1) == [row(2).path]
    assert len(await table.forgettable(5.0, [FOLDER, "/pictures/inner"], 10)) == 3
    assert await table.forgettable(5.0, [], 10) == []
