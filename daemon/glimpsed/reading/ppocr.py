"""PP-OCR on ONNX Runtime: where text stands, and what it says. The models come in RapidOCR's wheel.

RapidOCR's own calls pad every line to 320 pixels, detect at sizes that find no more, and know only the mean of what
the model was sure of; so its models and its way from a map to boxes are used, and the rest is here.
Only a worker process loads them; importing this module does not.
"""

import importlib.metadata
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""

Boxes = NDArray[np.float32]
"""Lines of text, shape (lines, 4, 2): x and y of the corners, clockwise from the upper left one, in pixels."""

MODELS = f"rapidocr-{importlib.metadata.version('rapidocr')}/pp-ocrv6-small"

_LINE_HEIGHT = 48  # pixels: what recognition was trained on
_NARROWEST = 48  # pixels that recognition is given at least
_WIDEST = 3200  # pixels of a line, some 200 letters; a wider one is squeezed
_STEP = 8  # pixels: recognition makes one prediction of so many
_CLASSIFIED = (48, 192)  # pixels of a line, height and width, that the classifier looks at


class Guess(NamedTuple):
    """What recognition made of one line."""

    text: str
    score: float
    """Mean probability of its signs, 0 to 1."""
    steady: float
    """Mean probability of all predictions, those of gaps included: low where it saw something it has no sign for."""


class Detector:
    """Finds lines of text; for one thread, which made it."""

    def __init__(self) -> None:
        """Load the model, half a second. Raises ImportError, OSError."""
        from rapidocr.ch_ppocr_det.utils import DBPostProcess  # noqa: PLC0415

        self._model = _session(_wheel() / "PP-OCRv6_det_small.onnx")
        self._boxes = DBPostProcess(thresh=0.3, box_thresh=0.5, unclip_ratio=1.6, use_dilation=True)

    def boxes(self, picture: Picture, side: int) -> Boxes:
        """Where lines stand. `side`: pixels of the longer side that are looked at; small pictures are not enlarged."""
        import cv2  # noqa: PLC0415

        height, width = picture.shape[:2]
        ratio = min(1.0, side / max(height, width))
        size = [max(32, round(one * ratio / 32) * 32) for one in (width, height)]
        how = cv2.INTER_AREA if ratio < 0.5 else cv2.INTER_LINEAR
        seen = _prepared(cv2.resize(picture, size, interpolation=how))
        found, _ = self._boxes(_run(self._model, seen), (height, width))
        return np.asarray(found, dtype=np.float32).reshape(-1, 4, 2)


class Recogniser:
    """Reads lines; for one thread, which made it."""

    def __init__(self, model: Path | None = None) -> None:
        """Load a model of PP-OCR's kind, half a second; the wheel's own unless given. Raises ImportError, OSError.

        One that does not carry its signs has them in a text file of its name, one a line. Raises ValueError where
        they are nowhere, and whatever ONNX Runtime raises where the file is none of its own.
        """
        self.name = "pp-ocr" if model is None else model.stem
        self._model = _session(model or _wheel() / "PP-OCRv6_rec_small.onnx")
        self._signs = ("", *_dictionary(self._model, model), " ")

    def read(self, line: Picture) -> Guess:
        """What one line says, from left to right."""
        import cv2  # noqa: PLC0415

        height, width = line.shape[:2]
        wide = min(_WIDEST, max(1, round(width * _LINE_HEIGHT / height)))
        how = cv2.INTER_AREA if height > 2 * _LINE_HEIGHT else cv2.INTER_LINEAR
        scaled = _prepared(cv2.resize(line, (wide, _LINE_HEIGHT), interpolation=how))
        room = max(_NARROWEST, -(-wide // _STEP) * _STEP)
        padded = np.zeros((1, 3, _LINE_HEIGHT, room), dtype=np.float32)
        padded[..., :wide] = scaled
        return decoded(_run(self._model, padded)[0], self._signs)


class Classifier:
    """Tells lines that stand on their heads; for one thread, which made it."""

    def __init__(self) -> None:
        """Load the model. Raises ImportError, OSError."""
        self._model = _session(_wheel() / "ch_ppocr_mobile_v2.0_cls_mobile.onnx")

    def turned(self, line: Picture) -> bool:
        """Whether a line is rather upside down than not. Of upright ones it takes one in ten for turned."""
        import cv2  # noqa: PLC0415

        height, width = line.shape[:2]
        wide = min(_CLASSIFIED[1], max(1, round(width * _CLASSIFIED[0] / height)))
        padded = np.zeros((1, 3, *_CLASSIFIED), dtype=np.float32)
        padded[..., :wide] = _prepared(cv2.resize(line, (wide, _CLASSIFIED[0])))
        upright, turned = _run(self._model, padded)[0]
        return bool(turned > upright)


def decoded(predicted: NDArray[np.float32], signs: Sequence[str]) -> Guess:
    """Connectionist temporal classification, greedy (Graves et al. 2006): repeats and blanks are dropped.

    `predicted` are probabilities, shape (predictions, signs); the first sign is the blank.
    """
    best = predicted.argmax(axis=1)
    sure = predicted[np.arange(len(best)), best]
    first = np.ones(len(best), dtype=bool)
    first[1:] = best[1:] != best[:-1]
    kept = first & (best != 0)
    text = " ".join("".join(signs[sign] for sign in best[kept]).split())
    score = float(sure[kept].mean()) if kept.any() else 0.0
    return Guess(text, score, float(sure.mean()) if len(best) else 0.0)


def cut_out(picture: Picture, box: Boxes) -> Picture:
    """A line's pixels, made level; `box` has shape (4, 2). A line that stands upright is laid on its left side."""
    import cv2  # noqa: PLC0415

    wide = max(1, round(max(float(np.linalg.norm(box[0] - box[1])), float(np.linalg.norm(box[2] - box[3])))))
    high = max(1, round(max(float(np.linalg.norm(box[0] - box[3])), float(np.linalg.norm(box[1] - box[2])))))
    left, top = np.floor(box.min(axis=0)).astype(int)
    right, bottom = np.ceil(box.max(axis=0)).astype(int)
    if right - left <= wide + 2 and bottom - top <= high + 2:
        line = picture[max(0, top) : max(1, bottom), max(0, left) : max(1, right)]
    else:
        level = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], dtype=np.float32)
        turn = cv2.getPerspectiveTransform(box.astype(np.float32), level)
        warped = cv2.warpPerspective(
            picture, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        line = np.asarray(warped, dtype=np.uint8)
    return np.rot90(line) if line.shape[0] >= 1.5 * line.shape[1] else line


def _prepared(picture: NDArray[Any]) -> NDArray[np.float32]:
    """As the models want it: blue first, -1 to 1, shape (1, 3, height, width)."""
    scaled = picture[:, :, ::-1].astype(np.float32)
    scaled *= 1 / 127.5
    scaled -= 1
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))[None]


def _session(model: Path) -> Any:
    """A model on one thread.

    Denormal numbers count as zero: detection is three times as fast (0.6 → 0.17 s). ONNX Runtime does it for the
    thread that makes the process's first session. See https://github.com/microsoft/onnxruntime/pull/5391.
    """
    import cv2  # noqa: PLC0415

    # Else its builds for Linux give the machine a number, keep that in the home directory, and send what they counted.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415

    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it keeps what the largest picture took
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _run(session: Any, given: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(session.run(None, {session.get_inputs()[0].name: given})[0], dtype=np.float32)


def _dictionary(session: Any, model: Path | None) -> Sequence[str]:
    """The signs that a recognition model can write."""
    carried: str | None = session.get_modelmeta().custom_metadata_map.get("character")
    if carried is not None:
        return carried.splitlines()
    beside = model.with_suffix(".txt") if model is not None else None
    if beside is None or not beside.is_file():
        raise ValueError(f"{model} does not carry its signs, and no {model.stem if model else ''}.txt lies beside it")
    return beside.read_text(encoding="utf-8").splitlines()


def _wheel() -> Path:
    """The models in RapidOCR's wheel."""
    import rapidocr  # noqa: PLC0415

    return Path(rapidocr.__file__).parent / "models"


__all__ = ["MODELS", "Boxes", "Classifier", "Detector", "Guess", "Picture", "Recogniser", "cut_out", "decoded"]
