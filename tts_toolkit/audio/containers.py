"""Reading sound files to their real end, and refusing those that end before the length in their header."""

from __future__ import annotations

import io
import os
import re
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from tts_toolkit.system.errors import UserError

BLOCK_FRAMES = 1 << 20  # read at once where the length is unknown
SPARE_BYTES = 64  # tolerated shortage of a chunk: writers miscount by a header or a padding byte
MPEG_FRAME = 1152  # samples; encoders count one more or less, and containers are filled up to whole ones
STREAMED_32 = 0x7F000000  # 32-bit sizes from here on are placeholders of writers to a pipe
MAX_REWRITTEN_BYTES = 2**31  # of a file whose header is corrected in memory
REPORTED_CUT = re.compile(r"truncated|^ ?BODY : \d+ \(should be|^Data length \d+ should be", re.M)  # by libsndfile
OGG_PAGE = 27 + 255 + 255 * 255  # bytes at most
CHECK = Callable[[soundfile.SoundFile, int | None], None]  # of a header, with the number of frames if known


@dataclass(frozen=True)
class _Layout:
    """The layout of chunks in a container."""

    start: int  # of the first chunk
    id_bytes: int
    size: str  # format of the size
    sound: bytes  # prefix of the id of the samples' chunk
    align: int = 1
    in_size: int = 0  # bytes of the chunk's header that its size counts
    before: int = 0  # bytes in the chunk before its sound


LAYOUTS = {
    b"RIFF": _Layout(12, 4, "<I", b"data", 2),
    b"RIFX": _Layout(12, 4, ">I", b"data", 2),
    b"RF64": _Layout(12, 4, "<I", b"data", 2),
    b"BW64": _Layout(12, 4, "<I", b"data", 2),
    b"FORM": _Layout(12, 4, ">I", b"SSND", 2, before=8),
    b"caff": _Layout(8, 4, ">q", b"data", before=4),
    b"riff": _Layout(40, 16, "<Q", b"data", 8, 24),
}


@dataclass(frozen=True)
class _DeclaredSound:
    """The sound that a header declares."""

    at: int  # of the size in the file
    size: str  # its format
    n_bytes: int  # declared; zero, negative or huge where it was never filled in
    n_present: int  # bytes from the first of the sound to the end of the file
    follows: bool  # whether data that is no chunk follows an empty chunk

    @property
    def unknown(self) -> bool:
        """Whether the size was never filled in: a stream, or a recorder that crashed."""
        if self.n_bytes <= 0:
            return self.n_bytes < 0 or self.follows
        return self.n_bytes >= (STREAMED_32 if struct.calcsize(self.size) == 4 else 2**62)


class _Forward(soundfile.SoundFile):
    """A sound file read from its start to its end; seeking fails in many codecs, and where the length is unknown."""

    def seekable(self) -> bool:
        """Return False."""
        return False


def read_sound(path: Path, check: CHECK) -> tuple[np.ndarray, int]:
    """Return the samples (n, channels), float32, and the sample rate of a file; `check` sees its header first.

    Raises UserError, which does not name the file, when it cannot be decoded or ends before its header says.
    """
    try:
        with ExitStack() as stack:
            with path.open("rb") as content:
                source = _source(path, content, stack)
            file = stack.enter_context(_Forward(source))
            known = file.frames if file.frames < 2**62 else None
            check(file, known)
            samples = _samples(file, known, check)
            _check_whole(file, known, len(samples))
            return samples, file.samplerate
    except soundfile.LibsndfileError as error:
        raise _undecodable(error.error_string.strip() or f"error {error.code} of libsndfile") from error
    except (RuntimeError, OSError, ValueError, TypeError) as error:
        raise _undecodable(str(error).strip() or type(error).__name__) from error


def _undecodable(reason: str) -> UserError:
    return UserError(f"cannot be decoded ({reason}); convert it to WAV, FLAC, OGG or MP3")


def _source(path: Path, content: BinaryIO, stack: ExitStack) -> Any:
    """Return the source for libsndfile: the file, a copy with its header corrected, or a pipe."""
    n_bytes = os.fstat(content.fileno()).st_size
    head = content.read(4096)
    if head[:4] == b"OggS":
        _check_ogg(content, n_bytes)
    if head[:7] == b"NIST_1A":
        return path
    if _is_mpeg(head) and (beginning := _unsized_mpeg(content, n_bytes)) is not None:
        return _pipe(path, beginning, stack)
    declared = _declared_sound(content, head, n_bytes)
    if declared is None:
        return path
    if declared.unknown:
        return io.BytesIO(_with_real_size(content, head, declared, n_bytes))
    if declared.n_bytes > declared.n_present + SPARE_BYTES:
        raise _cut_short(declared.n_present, declared.n_bytes, "bytes of sound")
    return path


def _cut_short(n_present: int, n_declared: int, unit: str) -> UserError:
    return UserError(
        f"is cut short: it holds {n_present:,} of the {n_declared:,} {unit} that its header declares; fetch or export "
        "it again"
    )


def _samples(file: soundfile.SoundFile, known: int | None, check: CHECK) -> np.ndarray:
    try:
        return _all_samples(file, known, check)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip(" .") or f"error {error.code} of libsndfile"
        raise UserError(f"is damaged or cut short ({reason}); fetch or export it again") from error


def _all_samples(file: soundfile.SoundFile, known: int | None, check: CHECK) -> np.ndarray:
    if known is not None:
        return np.asarray(file.read(known, dtype="float32", always_2d=True))
    blocks, n_frames = [], 0
    while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
        blocks.append(block)
        n_frames += len(block)
        check(file, n_frames)
    return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.float32)


def _check_whole(file: soundfile.SoundFile, known: int | None, n_frames: int) -> None:
    spare = (1 if file.format == "MP3" else 2) * MPEG_FRAME if "MPEG" in file.subtype else 0
    if known is not None and n_frames < known - spare:
        raise _cut_short(n_frames, known, "samples")
    if REPORTED_CUT.search(file.extra_info):
        raise UserError("is cut short: it holds less sound than its header declares; fetch or export it again")
    sample_count = re.search(r"^sample_count -i (\d+)", _nist_head(file), re.MULTILINE)
    if sample_count and n_frames < int(sample_count[1]):
        raise _cut_short(n_frames, int(sample_count[1]), "samples")


def _nist_head(file: soundfile.SoundFile) -> str:
    return Path(file.name).read_bytes()[:1024].decode("latin-1") if file.format == "NIST" else ""


def _declared_sound(content: BinaryIO, head: bytes, n_bytes: int) -> _DeclaredSound | None:
    """Return the sound that the header declares, None where it does not."""
    if head[:4] == b".snd" and len(head) >= 24:
        start, size = struct.unpack(">II", head[4:12])
        return _DeclaredSound(8, ">I", size, n_bytes - start, size == 0 and n_bytes > start)
    layout = LAYOUTS.get(head[:4])
    if layout is None:
        return None
    at, long_size = layout.start, None
    head_bytes = layout.id_bytes + struct.calcsize(layout.size)
    while at + head_bytes <= n_bytes:
        content.seek(at)
        name = content.read(layout.id_bytes)
        size = struct.unpack(layout.size, content.read(head_bytes - layout.id_bytes))[0] - layout.in_size
        start = at + head_bytes
        if name == b"ds64":
            long_size = _DeclaredSound(start + 8, "<Q", struct.unpack("<8xQ", content.read(16))[0], 0, False)
        elif name.startswith(layout.sound):
            place = long_size if long_size and size >= STREAMED_32 else None
            n_present, follows = n_bytes - start, not _is_chunk(content, start + layout.before, layout, n_bytes)
            if place:
                return _DeclaredSound(place.at, place.size, place.n_bytes, n_present, follows)
            n_declared = 0 if 0 < size <= layout.before else size
            return _DeclaredSound(at + layout.id_bytes, layout.size, n_declared, n_present, follows)
        at = start + max(0, size) + -max(0, size) % layout.align
    return None


def _is_chunk(content: BinaryIO, at: int, layout: _Layout, n_bytes: int) -> bool:
    """Whether a chunk, or the end of the file, is at an offset."""
    content.seek(at)
    head = content.read(layout.id_bytes + struct.calcsize(layout.size))
    if len(head) < layout.id_bytes + struct.calcsize(layout.size):
        return True
    size = struct.unpack(layout.size, head[layout.id_bytes :])[0]
    return bool(re.fullmatch(rb"[\x20-\x7e]{4}", head[:4])) and 0 <= size <= n_bytes - at


def _with_real_size(content: BinaryIO, head: bytes, declared: _DeclaredSound, n_bytes: int) -> bytes:
    """Return the file's bytes with the real size in place of one that was never filled in."""
    if n_bytes > MAX_REWRITTEN_BYTES:
        raise UserError(f"has no length in its header and is larger than {MAX_REWRITTEN_BYTES:,} bytes; cut it")
    content.seek(0)
    whole = bytearray(content.read())
    n_present = declared.n_present + LAYOUTS[head[:4]].in_size if head[:4] in LAYOUTS else declared.n_present
    struct.pack_into(declared.size, whole, declared.at, n_present)
    if declared.size == "<Q" and head[:4] in (b"RF64", b"BW64"):
        struct.pack_into("<Q", whole, declared.at - 8, n_bytes - 8)
    elif head[:4] in (b"RIFF", b"RIFX", b"FORM"):
        struct.pack_into(LAYOUTS[head[:4]].size, whole, 4, n_bytes - 8)
    return bytes(whole)


def _check_ogg(content: BinaryIO, n_bytes: int) -> None:
    """Raise UserError where the last page of an Ogg file is not whole."""
    content.seek(max(0, n_bytes - OGG_PAGE))
    tail = content.read()
    page = tail[tail.rfind(b"OggS") :]
    n_segments = page[26] if len(page) > 26 else 255
    n_page = 27 + n_segments + sum(page[27 : 27 + n_segments]) if len(page) >= 27 + n_segments else OGG_PAGE
    if page.startswith(b"OggS") and len(page) < n_page:
        raise UserError("is cut short: it ends in the middle of an Ogg page; fetch or export it again")


def _is_mpeg(head: bytes) -> bool:
    return head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0)


def _unsized_mpeg(content: BinaryIO, n_bytes: int) -> bytes | None:
    """Return the beginning of an MP3 whose length is only known at its end, None for one with a reliable length.

    Without a frame that counts the others (Xing, Info, VBRI) libsndfile derives the length from the rate of the first
    frame, and reads no further; of concatenated files it reads the first.
    """
    content.seek(0)
    head = content.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    content.seek(start)
    first = content.read(2048)
    at = max(first.find(mark) for mark in (b"Xing", b"Info", b"VBRI"))
    if at < 0:
        return head[:0]
    if first[at : at + 4] == b"VBRI" or len(first) < at + 16 or not first[at + 7] & 2:
        return None
    n_counted = struct.unpack(">I", first[at + 12 : at + 16] if first[at + 7] & 1 else first[at + 8 : at + 12])[0]
    more = n_bytes - start - n_counted
    if n_counted and more > 4096 and _is_mpeg(_at(content, start + n_counted)):
        content.seek(0)
        return content.read(start + at) + b"\0\0\0\0"  # without the mark, so that it is ignored
    return None


def _at(content: BinaryIO, offset: int) -> bytes:
    content.seek(offset)
    return content.read(4)


def _pipe(path: Path, beginning: bytes, stack: ExitStack) -> int:
    """Return the readable end of a pipe with a file's bytes after another beginning."""
    read_end, write_end = os.pipe()

    def feed() -> None:
        try:
            with path.open("rb") as content, os.fdopen(write_end, "wb") as pipe:
                pipe.write(beginning)
                content.seek(len(beginning))
                while block := content.read(1 << 16):
                    pipe.write(block)
        except BrokenPipeError:  # the reader has closed its end
            pass

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    stack.callback(thread.join)
    return read_end
