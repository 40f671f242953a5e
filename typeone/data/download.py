"""HTTPS downloads with a time limit for any behaviour of the server."""

from __future__ import annotations

import http
import http.client
import queue
import threading
import time
import urllib.error
import urllib.request

from typeone.data.packages import MAX_SECONDS, PATIENCE
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger


class _BrokenOffError(InputError):
    """A transfer broke off; the server may send the rest."""


def download(url: str, *, max_bytes: int, content: str) -> bytes:
    """Download the body at ``url``, of at most ``max_bytes``.

    A transfer that breaks off is resumed as long as each attempt receives more bytes. ``content``:
    name of the expected content in error messages.

    Raises:
        InputError: the download fails, is too large or too slow.
    """
    data, end = bytearray(), time.monotonic() + MAX_SECONDS
    while True:
        had = len(data)
        try:
            _receive(url, data, end, max_bytes, content)
            return bytes(data)
        except _BrokenOffError as error:
            if len(data) <= had:
                raise
            logger.debug("%s; going on after %d bytes", error, len(data))


def _receive(url: str, data: bytearray, end: float, max_bytes: int, content: str) -> None:
    """Append the rest of the body at ``url`` to ``data``, or replace it if the server sends all.

    The read runs in a thread with a deadline, because a socket's timeout does not cover name
    resolution, a host with many dead addresses, or a server that sends very slowly.

    Raises:
        _BrokenOffError: the body is shorter than announced, or nothing arrives within `PATIENCE`.
        InputError: the body is too large or too slow.
    """
    parts: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
    stop = threading.Event()
    rest = {"Range": f"bytes={len(data)}-"} if data else {}
    begins = f"bytes {len(data)}-"

    def read() -> None:
        request = urllib.request.Request(url, headers={"User-Agent": "typeone", **rest})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                partial = response.status == http.HTTPStatus.PARTIAL_CONTENT
                if partial and not str(response.headers["Content-Range"]).startswith(begins):
                    raise ValueError(f"sends {response.headers['Content-Range']}, asked {begins}")
                if not partial:
                    parts.put(None)
                while not stop.is_set() and (part := response.read1(1 << 16)):
                    parts.put(part)
                if response.length:  # read1 does not raise for a short body
                    raise http.client.IncompleteRead(b"", response.length)
            parts.put(b"")
        except (OSError, http.client.HTTPException, ValueError) as error:
            parts.put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while (part := parts.get(timeout=PATIENCE)) != b"":
            if part is None:  # the server sends the whole body
                data.clear()
                continue
            if isinstance(part, Exception):
                told = part.reason if type(part) is urllib.error.URLError else part
                reason = " ".join(str(told).split()) or type(part).__name__
                raise _BrokenOffError(f"{url}: {reason}") from part
            data += part
            if len(data) > max_bytes:
                raise InputError(f"{url} sends more than {max_bytes} bytes, too many for {content}")
            if time.monotonic() > end:
                raise InputError(f"{url}: not done after {MAX_SECONDS:g} s")
    except queue.Empty as error:
        raise _BrokenOffError(f"{url}: timed out after {PATIENCE:g} s without data") from error
    finally:
        stop.set()
