"""Reading order: rows, columns, directions; and how long pictures are cut."""

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading.lines import Line, in_reading_order, signs, text_of
from glimpsed.reading.tiles import pieces


def line(left: float, top: float, text: str, width: float | None = None, height: float = 20) -> Line:
    return Line(left, top, left + (width or 10 * len(text)), top + height, text, 1.0)


def test_rows_of_a_receipt() -> None:
    lines = [
        Line(10, 100, 90, 130, "Ramen", 1),
        Line(300, 106, 380, 126, "9.50", 1),
        Line(10, 140, 90, 170, "Tea", 1),
        Line(300, 138, 380, 168, "3.00", 1),
        Line(100, 20, 300, 80, "Ichiban", 1),
    ]
    assert text_of(lines) == "Ichiban\nRamen 9.50\nTea 3.00"


def test_prices_stay_with_their_goods_however_many() -> None:
    lines = [line(10, 30 * row, f"goods number {row} of many") for row in range(9)]
    lines += [line(500, 30 * row, f"{row}.00") for row in range(9)]
    assert text_of(lines) == "\n".join(f"goods number {row} of many {row}.00" for row in range(9))


def test_columns_of_running_text_are_kept_apart_below_a_heading() -> None:
    left = [line(10, 100 + 30 * row, f"left column, line {row}") for row in range(5)]
    right = [line(400, 102 + 30 * row, f"right column, line {row}") for row in range(6)]
    heading, foot = line(60, 20, "A heading over both", 500, 40), line(80, 320, "and a line below both", 480)
    assert text_of([*right, foot, *left, heading]).split("\n") == [
        "A heading over both", *(one.text for one in left), *(one.text for one in right), "and a line below both",
    ]  # fmt: skip


def test_three_columns() -> None:
    columns = [[line(left, 30 * row, f"column {left} line {row}") for row in range(4)] for left in (10, 400, 800)]
    every = [one for row in zip(*columns, strict=True) for one in row]
    assert text_of(every).split("\n") == [one.text for column in columns for one in column]


def test_what_is_side_by_side_but_short_is_no_column() -> None:
    lines = [line(left, 30 * row, f"{left}{row}") for row in range(6) for left in (10, 200)]
    assert text_of(lines).split("\n") == [f"10{row} 200{row}" for row in range(6)]


def test_hebrew_rows_go_from_right_to_left() -> None:
    assert text_of([line(10, 10, "תודה"), line(200, 12, "שלום")]) == "שלום תודה"
    assert text_of([line(10, 10, "one"), line(200, 12, "two")]) == "one two"


def test_upright_lines_go_from_right_to_left() -> None:
    lines = [
        Line(left, 10, left + 30, 400, text, 1) for left, text in ((10, "第三行"), (60, "第二行"), (110, "第一行"))
    ]
    assert text_of(lines) == "第一行\n第二行\n第三行"


def test_signs_are_counted_without_blanks() -> None:
    assert signs([line(0, 0, "a b"), line(0, 50, "第一")]) == 4


boxes = st.builds(
    lambda left, top, width, height, text: Line(left, top, left + width, top + height, text, 1.0),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(1, 200),
    st.integers(1, 60),
    st.text("abcאб", min_size=1, max_size=5),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(boxes, max_size=16), st.randoms())
def test_order_does_not_depend_on_detection_and_loses_nothing(lines: list[Line], random: Random) -> None:
    ordered = in_reading_order(lines)
    assert sorted(one for row in ordered for one in row) == sorted(lines)
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert in_reading_order(shuffled) == ordered


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 60_000), st.integers(1, 60_000), st.data())
def test_pieces_share_out_a_picture(one: int, other: int, data: st.DataObject) -> None:
    length, breadth = max(one, other), min(one, other)
    cut = pieces(length, breadth)
    assert 1 <= len(cut) <= 12
    assert cut[0].start == 0
    assert cut[-1].end == length
    # A line as high as fits between two pieces is seen whole by exactly the piece whose it is.
    overlap = min((before.end - after.start for before, after in pairwise(cut)), default=length)
    top = data.draw(st.integers(0, length - 1))
    bottom = data.draw(st.integers(top + 1, min(length, top + overlap)))
    (mine,) = [piece for piece in cut if piece.mine_from <= (top + bottom) / 2 < piece.mine_to]
    assert mine.start <= top
    assert bottom <= mine.end
