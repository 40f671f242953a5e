"""Inputs that are nearly right: the bytes or the lines of a good file with a few edits."""

from contextlib import contextmanager

from hypothesis import strategies as st

from typeone.runtime.errors import InputError

BYTES = st.binary(max_size=200)
NUMBERS = ["0", "-1", "1", "2", "4294967296", "-9223372036854775809", "1e999", "nan", "9" * 5000]
TOKENS = st.one_of(
    st.sampled_from([*NUMBERS, "", " ", '"', "\0", "٣", "²", "\ufeff", "\r"]), st.text()
)


@st.composite
def damaged(draw, whole):
    """``whole`` with up to four places changed, cut out, doubled or filled with other bytes."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 8)))
        change = draw(st.sampled_from(["change", "cut", "double", "fill", "truncate"]))
        if change == "change":
            data[start:end] = draw(st.binary(min_size=end - start, max_size=end - start))
        elif change == "cut":
            del data[start:end]
        elif change == "double":
            data[start:start] = data[start:end]
        elif change == "fill":
            data[start:start] = draw(st.binary(max_size=8))
        else:
            del data[start:]
    return bytes(data)


def files(whole):
    """Any bytes, or those of ``whole`` damaged."""
    return st.one_of(BYTES, damaged(whole))


@st.composite
def tables(draw, rows, separator):
    """The text of a table, of which some cells or rows are others, doubled or lacking."""
    rows = [list(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        change = draw(st.sampled_from(["cell", "cell", "add", "drop", "double", "lose"]))
        if change == "cell" and rows[row]:
            rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(TOKENS)
        elif change == "add":
            rows[row].append(draw(TOKENS))
        elif change == "drop" and rows[row]:
            rows[row].pop()
        elif change == "double":
            rows.insert(row, list(rows[row]))
        elif change == "lose" and len(rows) > 1:
            del rows[row]
    end = draw(st.sampled_from(["\n", "\r\n", ""]))
    text = "\n".join(separator.join(row) for row in rows) + end
    return text.encode(errors="surrogatepass")


@contextmanager
def one_line(kind=InputError, *, left=()):
    """The only error that may leave the block is of this ``kind``, on one line.

    ``left``: errors beside it that a reader is known to let through; a test that is expected to
    fail names an input for each.
    """
    try:
        yield
    except kind as error:
        told = str(error)
        assert told
        assert "\n" not in told, told
    except left:
        pass
