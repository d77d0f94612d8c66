"""What tells fresh rows from stale ones, and how many there are of each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Current:
    """The ids that fresh rows carry."""

    reader: str
    ocr: str | None
    """None where OCR is not asked for."""
    encoder: str
    fallback: str = ""
    """Of the encoder that makes `vector`; empty where that is the chosen one."""
    offline: tuple[str, ...] = ()
    """Folders whose files cannot be seen now: nothing can be done about their rows, so none of them is stale."""
    away: tuple[str, ...] = ()
    """Directories of which the same is true: their disks are not mounted."""
    ocr_partly: str | None = None
    """In place of `ocr` where some lines could not be read with what is installed; another one makes them stale."""
    reader_partly: str | None = None
    """In place of `reader` where a RAW could not be developed; None once it could."""

    def has_reader(self, reader: str | None) -> bool:
        """Whether a row with this `reader` has been through the first pass."""
        return reader is not None and reader in (self.reader, self.reader_partly)

    def has_ocr(self, ocr: str | None) -> bool:
        """Whether a row with this `ocr` has been through the second pass, or need not."""
        return self.ocr is None or (ocr is not None and ocr in (self.ocr, self.ocr_partly))


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows, each counted once: missing, else errors, else stale, else fresh."""

    fresh: int = 0
    stale: int = 0
    missing: int = 0
    errors: int = 0
