"""What picture generators were told to draw, taken out of the settings that they leave in their pictures.

Known: the text of AUTOMATIC1111 and its kin, the graphs of ComfyUI (as run and as drawn), and the JSON objects of
InvokeAI, NovelAI, Fooocus, SwarmUI and Draw Things.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

LIMIT = 4 << 20
"""Characters of settings that are looked at."""

_SETTINGS = re.compile(r"(?m)^[^\S\n]*(?:Negative prompt:|Steps: \d+(?:,|$))")
_NAMED = re.compile(r"(?i)(?:workflow|prompt):(?=\s*[{\[])")
_WEIGHT = re.compile(r"\(([^():]*):\s*\d{0,9}\.?\d{1,9}\)")
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>]*>")
_KEYS = ("prompt", "positive_prompt", "positive", "c")
"""Where JSON objects have it; the first that is there."""
_INSIDE = ("sui_image_params", "image", "meta", "parameters", "v2", "caption")
"""Where JSON objects have the object that has it."""
_DEEP = 32
"""Nodes between a sampler and the text that steers it."""


def words(text: str) -> str | None:
    """What the picture was to show; None where the text is no generator's.

    Empty where a program wrote the text, or a JSON object of any kind, without a word that says what is in the picture.
    """
    text = text[:LIMIT].strip()
    text = text[found.end() :].strip() if (found := _NAMED.match(text)) else text
    if text.startswith(("{", "[{")):
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return plain("\n".join(dict.fromkeys(_of_object(said))))
    found = _SETTINGS.search(text)
    return None if found is None else plain(text[: found.start()])


def plain(prompt: str) -> str:
    """Without the marks of weight and the names of model files."""
    prompt = _NETWORK.sub(" ", prompt)
    for _ in range(4):
        prompt = _WEIGHT.sub(r"\1", prompt)
    return prompt.replace("BREAK", " ").strip(" \n,")


def _of_object(said: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(said, list):
        # InvokeAI had a list of weighed prompts.
        for one in said[:16]:
            yield from _of_object(one, depth + 1) if isinstance(one, dict) and depth < 4 else ()
        return
    if not isinstance(said, dict):
        return
    nodes = {str(key): node for key, node in said.items() if isinstance(node, dict) and "class_type" in node}
    if nodes:
        yield from _of_graph(nodes)
    elif isinstance(said.get("nodes"), list):
        yield from _of_drawing(said)
    elif depth < 4:
        for key in (key for key in _KEYS if said.get(key)):
            if isinstance(said[key], str):
                yield from _texts([said[key]])
            else:
                yield from _of_object(said[key], depth + 1)
            return
        for key in (key for key in _INSIDE if said.get(key)):
            if isinstance(said[key], str) and said[key].lstrip().startswith("{"):
                yield from filter(None, [words(said[key])])
            else:
                yield from _of_object(said[key], depth + 1)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and any(sign.isalpha() for sign in value):
            yield value.strip()


# ComfyUI as run: node id to {class_type, inputs}; an input is a value, or [node id, output].


def _of_graph(nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The texts that a sampler's `positive` input comes from; without a sampler, all texts but those for `negative`."""

    def behind(node: Mapping[str, Any], names: Sequence[str] | None) -> list[str]:
        inputs = node.get("inputs")
        chosen = inputs.items() if isinstance(inputs, dict) else ()
        return [
            str(value[0])
            for name, value in chosen
            if (names is None or name in names) and isinstance(value, list) and value and str(value[0]) in nodes
        ]

    def reached(start: Iterable[str]) -> dict[str, None]:
        seen: dict[str, None] = {}
        edge = list(start)
        for _ in range(_DEEP):
            edge = [key for key in dict.fromkeys(edge) if key not in seen]
            seen |= dict.fromkeys(edge)
            edge = [key for one in edge for key in behind(nodes[one], None)]
        return seen

    wanted = reached(key for node in nodes.values() for key in behind(node, ("positive", "guider", "conditioning")))
    avoided = reached(key for node in nodes.values() for key in behind(node, ("negative",)))
    chosen = [key for key in wanted if key not in avoided] or [key for key in nodes if key not in avoided]
    for key in chosen:
        inputs = nodes[key].get("inputs")
        if isinstance(inputs, dict) and _tells(str(nodes[key]["class_type"])):
            yield from _texts(value for name, value in inputs.items() if _prompting(name))


def _prompting(name: str) -> bool:
    name = name.lower()
    return name in {"text", "prompt", "positive", "clip_l", "t5xxl", "string", "value", "text_g", "text_l", "wildcard"}


def _tells(kind: str) -> bool:
    """Whether nodes of that kind hold words for people, and no file names or settings."""
    kind = kind.lower()
    return any(word in kind for word in ("text", "prompt", "string", "wildcard", "primitive", "conditioning")) and not (
        any(word in kind for word in ("load", "save", "preview", "negative"))
    )


# ComfyUI as drawn: nodes with the values of their widgets; links as [id, from node, output, to node, input, kind].


def _of_drawing(said: Mapping[str, Any]) -> Iterator[str]:
    nodes = [node for node in said["nodes"] if isinstance(node, dict)]
    negative = set(_feeding(nodes, said.get("links"), "negative"))
    for node in nodes:
        title = str(node.get("title", "")).lower()
        values = node.get("widgets_values")
        if _tells(str(node.get("type", ""))) and node.get("id") not in negative and "negative" not in title:
            yield from _texts(values if isinstance(values, list) else ())


def _feeding(nodes: Sequence[Mapping[str, Any]], links: Any, name: str) -> Iterator[Any]:
    """The ids of the nodes whose outputs go straight into inputs of that name."""
    ends = [link for link in links if isinstance(link, list) and len(link) > 1] if isinstance(links, list) else []
    starts = {link[0]: link[1] for link in ends if isinstance(link[0], int) and isinstance(link[1], int | str)}
    for node in nodes:
        inputs = node.get("inputs")
        for one in inputs if isinstance(inputs, list) else ():
            if isinstance(one, dict) and one.get("name") == name and isinstance(one.get("link"), int):
                yield starts.get(one["link"])
