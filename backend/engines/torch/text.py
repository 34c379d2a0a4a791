"""From ids to text without losing a byte.

A byte-level vocabulary may cut a character in two, so text is decoded as a stream of bytes: a
character whose last bytes are missing belongs to the continuation that completes it.
"""

from __future__ import annotations

import codecs
import json
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from backend.core.ports import Prompt
from backend.engines.shared.chat import ChatTokenizer


class Vocabulary:
    """What the engine knows of a tokenizer: bytes and texts of ids, end tokens, prompts."""

    def __init__(self, chat: ChatTokenizer, ends: Iterable[int]) -> None:
        self.chat, self.ends = chat, frozenset(ends)
        self._tokenizer: Tokenizer = chat.tokenizer
        self._special = {
            i: token.content
            for i, token in self._tokenizer.get_added_tokens_decoder().items()
            if token.special
        }
        self._raw: dict[int, bytes] = {}
        self._texts: dict[int, str] = {}
        self._alphabet = byte_alphabet()
        self._lock = threading.Lock()

    def raw(self, token: int) -> bytes:
        """The bytes that a token stands for; none for a special token."""
        if token not in self._raw:
            self._raw[token] = b"" if token in self._special else self._bytes(token)
        return self._raw[token]

    def text(self, token: int) -> str:
        """A token by itself, for display: special tokens by name, bytes that are no character as
        replacement characters."""
        if token not in self._texts:
            self._texts[token] = self._special.get(token) or self.raw(token).decode(
                "utf-8", "replace"
            )
        return self._texts[token]

    def decode(self, prompt: Sequence[int], ids: Sequence[int], *, last: bool) -> str:
        """The text of `ids` after `prompt`. A character begun in the prompt comes out whole; one
        left unfinished waits, unless `last`."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        decoder.decode(unfinished_bytes(b"".join(self.raw(i) for i in prompt[-4:])))
        return decoder.decode(b"".join(self.raw(i) for i in ids), final=last)

    def encode(self, text: str) -> tuple[int, ...]:
        """Ids of plain text: names of special tokens in it are ordinary characters."""
        if not any(name in text for name in self._special.values()):
            return tuple(self.chat.encode(text))
        with self._lock:
            self._tokenizer.encode_special_tokens = True
            try:
                return tuple(self.chat.encode(text))
            finally:
                self._tokenizer.encode_special_tokens = False

    def prompt(self, question: str, system: str | None) -> Prompt:
        """The chat with its special tokens, open for the assistant; special tokens written by the
        user stay ordinary text."""
        messages = ([] if system is None else [{"role": "system", "content": system}]) + [
            {"role": "user", "content": question}
        ]
        text = self.chat.chat(messages)
        if not any(name in said["content"] for said in messages for name in self._special.values()):
            return Prompt(text, tuple(self.chat.encode(text)))
        marked = self.chat.chat(
            [{**said, "content": f"\0{i}\0"} for i, said in enumerate(messages)]
        )
        pieces = marked.split("\0")  # template, message number, template, ...
        coded = [
            self.encode(messages[int(p)]["content"]) if i % 2 else tuple(self.chat.encode(p))
            for i, p in enumerate(pieces)
        ]
        return Prompt(text, tuple(token for piece in coded for token in piece))

    def _bytes(self, token: int) -> bytes:
        name = self._tokenizer.id_to_token(token)
        if name is None:
            return b""
        if all(character in self._alphabet for character in name):
            return bytes(self._alphabet[character] for character in name)
        return self._tokenizer.decode([token], skip_special_tokens=False).encode()


def byte_alphabet() -> dict[str, int]:
    """Byte-level BPE's printable stand-ins for the 256 bytes (Radford et al. 2019, GPT-2):
    character to byte."""
    plain = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


def unfinished_bytes(raw: bytes) -> bytes:
    """The bytes at the end that begin a UTF-8 character without completing it."""
    for back in range(1, min(3, len(raw)) + 1):
        lead = raw[-back]
        if lead >= 0xC0:
            return raw[-back:] if back < (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) else b""
        if lead < 0x80:
            return b""
    return b""


def end_tokens(folder: Path, chat: ChatTokenizer, configured: Iterable[int]) -> frozenset[int]:
    """Ids that end a text: those of the configurations, the tokenizer's end token, and the two that
    chat models of this family use."""
    ends = set(configured)
    path = folder / "generation_config.json"
    found = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    ends.update(found if isinstance(found, list) else [] if found is None else [found])
    names = (chat.special.get("eos_token"), "<|im_end|>", "<|endoftext|>")
    known = (chat.tokenizer.token_to_id(name) for name in names if name)
    return frozenset(ends | {i for i in known if i is not None})
