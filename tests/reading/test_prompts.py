"""What picture generators were told, from the settings that they leave in pictures."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pictures

from glimpsed.reading import metadata
from glimpsed.reading.prompts import words
from glimpsed.records import Part

WANTED = "a red bicycle, snow on the roof"
AVOIDED = "ugly, blurry"

GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"positive": ["12", 0], "negative": ["7", 0], "seed": 5}},
    "12": {"class_type": "ControlNetApply", "inputs": {"conditioning": ["6", 0], "image": ["9", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
    "8": {"class_type": "StringConcat", "inputs": {"string": WANTED, "number": 3}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": AVOIDED, "clip": ["4", 1]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "model.safetensors"}},
    "9": {"class_type": "LoadImageText", "inputs": {"text": "reference.png"}},
}
DRAWN = {
    "nodes": [
        {"id": 1, "type": "CLIPTextEncode", "widgets_values": [WANTED]},
        {"id": 2, "type": "CLIPTextEncode", "widgets_values": [AVOIDED]},
        {"id": 3, "type": "KSampler", "inputs": [{"name": "positive", "link": 7}, {"name": "negative", "link": 8}]},
        {"id": 4, "type": "CLIPTextEncode", "title": "Negative", "widgets_values": ["bad hands"]},
        {"id": 5, "type": "SaveImage", "widgets_values": ["ComfyUI"]},
        "rubbish",
    ],
    "links": [[7, 1, 0, 3, 1, "CONDITIONING"], [8, 2, 0, 3, 2, "CONDITIONING"], "rubbish", [None, [], 1]],
}


@pytest.mark.parametrize(
    "said",
    [
        f"{WANTED}\nNegative prompt: {AVOIDED}\nSteps: 20, Sampler: Euler a",
        f"{WANTED}\nSteps: 20, Sampler: Euler a, Seed: 5",
        "a red bicycle, (snow on (the roof:1.1):1.3) <lora:winter:0.8>\nSteps: 20",
        json.dumps(GRAPH),
        "Prompt: " + json.dumps(GRAPH),
        json.dumps(DRAWN),
        json.dumps({"positive_prompt": WANTED, "negative_prompt": AVOIDED}),
        json.dumps({"prompt": WANTED, "uc": AVOIDED}),
        json.dumps({"c": WANTED, "uc": AVOIDED}),
        json.dumps({"sui_image_params": {"prompt": WANTED, "negativeprompt": AVOIDED}}),
        json.dumps({"image": {"prompt": [{"prompt": WANTED, "weight": 1.0}]}}),
        json.dumps({"meta": json.dumps({"prompt": WANTED})}),
    ],
)
def test_only_what_was_to_be_seen_is_words(said: str) -> None:
    assert words(said) == WANTED


def test_a_graph_without_a_sampler_tells_all_its_texts() -> None:
    graph = {"1": {"class_type": "TextBox", "inputs": {"text": "a cat"}}, "2": {"class_type": "Other", "inputs": None}}
    assert words(json.dumps(graph)) == "a cat"


def test_a_graph_in_a_ring_ends() -> None:
    ring = {
        "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0]}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "again": ["1", 0]}},
    }
    assert words(json.dumps(ring)) == "a cat"


@pytest.mark.parametrize("said", ["a cat on the roof", "Steps to the lake", "", "{not json", "[1, 2]", "{" * 5_000])
def test_what_people_write_is_left_alone(said: str) -> None:
    assert words(said) is None


def test_settings_made_to_be_slow_are_not() -> None:
    assert words(f"a boat (at sea:{'1' * 200_000}\nSteps: 20,") is not None
    assert words("\n" * 200_000) is None


@pytest.mark.parametrize("said", ["{}", '{"PictureMode": 5}', '{"prompt": {"a": 1}}', '{"nodes": [], "links": 3}'])
def test_settings_without_words_say_nothing(said: str) -> None:
    assert words(said) == ""
    data = pictures.encode(pictures.noisy((48, 32)), "JPEG", comment=said)
    assert metadata.fields(data).parts == ()


def test_a_graph_is_no_caption_but_its_prompt_is() -> None:
    data = pictures.encode(
        pictures.noisy((48, 32)), "PNG", png_text={"prompt": json.dumps(GRAPH), "workflow": json.dumps(DRAWN)}
    )
    assert metadata.fields(data).parts == (Part("comment", WANTED),)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["nodes", "links", "inputs", "class_type", "type", "id", "prompt", "image", "text", "name",
                         "positive", "negative", "link", "widgets_values", "title", "1", "2"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(JSON)
def test_no_settings_make_it_fail(said: Any) -> None:
    words(json.dumps(said))
