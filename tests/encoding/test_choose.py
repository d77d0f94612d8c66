"""Which encoder is chosen, and what is said about it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.encoding.choose import Choice, choose, cramped
from glimpsed.encoding.devices import Device
from glimpsed.errors import DeviceError, EncoderError, ExtraMissingError, HeadsMissingError, WeightsMissingError

GB = 10**9
BIG = Device("cuda:1", "NVIDIA H100", 60 * GB, 2)
SMALL = Device("cuda:0", "GeForce GT 1030", 1 * GB, 2)
CPU = Device("cpu", "Xeon", 16 * GB, 2)
NEEDS = {"cuda:0": 2 * GB, "cuda:1": 2 * GB, "cpu": 3 * GB}


def auto(devices: tuple[Device, ...], *, device: str = "auto", encoder: str = "auto", **known: object) -> Choice:
    return choose(
        encoder=encoder,
        device=device,
        min_texts_per_second=4.0,
        devices=devices,
        needs=NEEDS,
        **known,  # type: ignore[arg-type]  # the tests' shorthand
    )


def test_a_gpu_with_room_wins_and_is_not_measured() -> None:
    choice = auto((BIG, SMALL, CPU))
    assert (choice.encoder, choice.device, choice.step, choice.measure) == ("strong", "cuda:1", None, False)
    assert "NVIDIA H100" in choice.reason


def test_a_gpu_without_room_is_passed_over_for_a_measured_cpu() -> None:
    choice = auto((SMALL, CPU))
    assert (choice.encoder, choice.device, choice.measure) == ("strong", "cpu", True)
    choice = auto((SMALL, CPU), speeds={"cpu": 21.4})
    assert choice == Choice("strong", "cpu", "21 texts/s measured, 4 are asked for")


def test_just_fast_enough_is_fast_enough() -> None:
    assert auto((CPU,), speeds={"cpu": 4.0}).encoder == "strong"


def test_a_slow_cpu_means_the_fallback_and_says_how_slow() -> None:
    choice = auto((SMALL, CPU), speeds={"cpu": 1.23})
    assert (choice.encoder, choice.device, choice.step, choice.measure) == ("fallback", "cpu", "device", False)
    assert "cpu encodes 1.2 texts/s, min_texts_per_second is 4" in choice.reason
    assert "cuda:0 has 1.0 GB free, about 2.0 GB are needed" in choice.reason


def test_a_cpu_without_the_memory_is_not_even_measured() -> None:
    choice = auto((Device("cpu", "Atom", 2 * GB, 4),))
    assert (choice.encoder, choice.step, choice.measure) == ("fallback", "device", False)


def test_any_speed_will_do_where_none_is_asked_for() -> None:
    choice = choose(encoder="auto", device="auto", min_texts_per_second=0, devices=(CPU,))
    assert (choice.encoder, choice.device, choice.measure) == ("strong", "cpu", False)


def test_a_lost_device_gives_way_to_the_next_and_in_the_end_to_the_fallback() -> None:
    lost = {"cuda:1": "CUDA error: unspecified launch failure"}
    assert auto((BIG, CPU), lost=lost).device == "cpu"
    choice = auto((BIG, CPU), lost={**lost, "cpu": "out of memory while loading"}, speeds={"cpu": 50.0})
    assert (choice.encoder, choice.step) == ("fallback", "device")
    assert "unspecified launch failure" in choice.reason
    assert "out of memory while loading" in choice.reason


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (ExtraMissingError("FlagEmbedding is not installed", hint="make bge-m3"), "extra"),
        (WeightsMissingError("not in the cache", hint="glimpse model pull BAAI/bge-m3"), "weights"),
        (HeadsMissingError("lacks sparse_linear.pt"), "head files"),
        (DeviceError("no answer"), "device"),
    ],
)
@pytest.mark.parametrize("encoder", ["auto", "bge-m3"])
def test_what_is_missing_is_told_with_what_to_do(error: EncoderError, step: str, encoder: str) -> None:
    choice = auto((BIG, CPU), encoder=encoder, missing=error)
    assert (choice.encoder, choice.device, choice.step) == ("fallback", "cpu", step)
    assert str(error) in choice.reason
    assert ('encoder = "bge-m3"' in choice.reason) == (encoder == "bge-m3")


def test_the_fallback_by_choice_lacks_nothing() -> None:
    choice = auto((BIG, CPU), encoder="fallback", missing=ExtraMissingError("no torch"))
    assert choice == Choice("fallback", "cpu", "the configuration says so")


def test_forced_is_taken_however_slow() -> None:
    choice = auto((CPU,), encoder="bge-m3", speeds={"cpu": 0.1})
    assert (choice.encoder, choice.device, choice.measure) == ("strong", "cpu", False)


def test_forced_on_a_named_device_is_tried_though_it_looks_too_small() -> None:
    assert auto((SMALL, CPU), encoder="bge-m3", device="cuda:0").device == "cuda:0"
    assert auto((SMALL, CPU), encoder="bge-m3").device == "cpu"
    assert auto((SMALL, CPU), device="cuda:0").encoder == "fallback"


@pytest.mark.parametrize(
    ("device", "expected"), [("cuda", "cuda:1"), ("cuda:1", "cuda:1"), ("cpu", "cpu"), ("auto", "cuda:1")]
)
def test_the_configured_device_is_kept_to(device: str, expected: str) -> None:
    assert auto((BIG, SMALL, CPU), device=device).device == expected


@pytest.mark.parametrize("encoder", ["auto", "bge-m3"])
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_device_that_is_not_there_is_named(encoder: str, device: str) -> None:
    choice = auto((CPU,), encoder=encoder, device=device)
    assert (choice.encoder, choice.step) == ("fallback", "device")
    assert repr(device) in choice.reason
    assert "there: cpu" in choice.reason


def test_no_device_at_all_is_told() -> None:
    assert "there: none" in auto(()).reason


@pytest.mark.parametrize(
    ("one", "device", "expected"),
    [
        (SMALL, "auto", False),
        (Device("cuda:0", "GeForce", 1 * GB, 2, 8 * GB), "auto", True),
        (Device("cuda:0", "GeForce", 1 * GB, 2, 8 * GB), "cuda:1", False),
        (Device("cuda:0", "GeForce", 2 * GB, 2, 8 * GB), "auto", False),
        (Device("cuda:0", "GeForce", 0, 2, 2 * GB - 1), "auto", False),
        (Device("cpu", "Xeon", 0, 2, 8 * GB), "auto", False),
    ],
)
def test_a_gpu_is_cramped_where_only_others_keep_it_from_holding_the_model(
    one: Device, device: str, expected: bool
) -> None:
    told = cramped(device=device, devices=(one,), needs=NEEDS)
    assert told == ({one.name: "has 1.0 GB free, about 2.0 GB are needed"} if expected else {})


@settings(deadline=None, max_examples=200)
@given(
    encoder=st.sampled_from(["auto", "bge-m3", "fallback"]),
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:0", "cuda:7"]),
    there=st.lists(st.sampled_from([BIG, SMALL, CPU]), unique=True),
    speed=st.none() | st.floats(0, 100),
    lost=st.sets(st.sampled_from(["cpu", "cuda:0", "cuda:1"])),
    missing=st.none() | st.just(WeightsMissingError("none here")),
)
def test_every_choice_can_be_carried_out(
    *,
    encoder: str,
    device: str,
    there: list[Device],
    speed: float | None,
    lost: set[str],
    missing: EncoderError | None,
) -> None:
    choice = auto(
        tuple(there),
        encoder=encoder,
        device=device,
        speeds={} if speed is None else {"cpu": speed},
        lost=dict.fromkeys(lost, "gone"),
        missing=missing,
    )
    assert choice.reason
    if choice.encoder == "strong":
        assert encoder != "fallback"
        assert missing is None
        assert choice.step is None
        assert choice.device in {one.name for one in there} - lost
        assert device in ("auto", choice.device, choice.device.partition(":")[0])
        assert not (choice.measure and speed is not None), "it would be measured for ever"
    else:
        assert choice.device == "cpu"
        assert not choice.measure
        assert (choice.step is None) == (encoder == "fallback")
