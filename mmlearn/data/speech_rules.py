"""Which prompts the `speech` set keeps, what is said in them, and which stand together in a split."""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

LONGEST = 15.0  # seconds; long menus and demonstrations are left out: few clips, and a fifth of the bytes
SHARES = {"test": 0.15, "valid": 0.10}  # the rest is for training
ALIKE = 0.75  # share of common words from which two long transcripts count as the same words
LONG_TEXT = 5  # words

# The transcript is not what is said, or it is not sure that it is. By language and prompt.
DOUBTFUL = {
    ("en", "vm-intro"): "a tone follows the words",
    ("es", "digits/0"): "the transcript says ten",
    ("es", "vm-mismatch"): "the recording is too short for the second sentence",
    ("fr", "digits/h-80"): "the transcript says seventieth",
    ("fr", "spy-iax2"): "a hint at the pronunciation",
    ("fr", "vm-mismatch"): "the recording is too short for the second sentence",
    ("it", "beep"): "a tone",
    ("it", "beeperr"): "a tone",
    ("it", "confbridge-join"): "a tone",
    ("it", "confbridge-leave"): "a tone",
    ("it", "pbx-parkingfailed"): "some of the words stand in brackets",
}
# Letters that were lost when the transcripts were stored.
BROKEN = {"it": {" ? ": " è ", "sar? ": "sarà ", "pu? ": "può ", "cos? ": "così "}}
# Letters that look alike. In some Russian transcripts a Latin one stands in the middle of a word.
_LATIN_TO_CYRILLIC = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")
_NOTE = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
# Where a line break was lost, another prompt's transcript follows.
_NEXT_LINE = re.compile(r"(?<=[ .])[a-z]+(?:-[a-z]+)+: .*")
_DOTS = re.compile(r"^\s*(?:\.{2,}|…)\s*|\s*(?:\.{2,}|…)\s*$")


def read_transcripts(text: bytes) -> dict[str, str]:
    """The transcripts of one language by prompt, as the package has them: lines `prompt: words`, comments after `;`."""
    lines = (line.partition(":") for line in text.decode("utf-8-sig").splitlines() if not line.startswith(";"))
    return {prompt.strip(): words.strip() for prompt, colon, words in lines if colon}


def clean(language: str, prompt: str, text: str) -> str | None:
    """What is said in a prompt; None where that is a tone, silence, nothing, or not sure.

    A note before or after the words is removed ("at [@]"); one between them may be said or not, so the clip is dropped.
    """
    if (language, prompt) in DOUBTFUL or prompt.startswith("silence/"):
        return None
    words = _without_notes(_NEXT_LINE.sub("", text.removeprefix(f"{prompt}:")))
    words = _DOTS.sub("", re.sub('[“”«»"]', "", words))
    for broken, right in BROKEN.get(language, {}).items():
        words = words.replace(broken, right)
    words = " ".join(words.split())
    if not any(map(str.isalpha, words)) or re.search(r"[][()<>*#/]", words):
        return None  # a sign such as * stands for a word that is not written
    if language == "ru":
        words = re.sub(r"\w*[а-яё]\w*", lambda word: word[0].translate(_LATIN_TO_CYRILLIC), words, flags=re.I)
        if not re.search("[а-яё]", words, re.I):
            return None
    return words


def _without_notes(text: str) -> str:
    before, text = None, text.strip()
    while text != before:
        before = text
        for note in _NOTE.finditer(text):
            end = text[note.end() :].strip(" .")
            if note.start() == 0 or not end:
                text = (text[: note.start()] + text[note.end() :]).strip()
                break
    return text


def key(text: str) -> str:
    """The words of a transcript without capitals, accents and signs: equal for clips that say the same."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("ё", "е"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", plain))


def split_groups(clips: Iterable[tuple[str, str, str]]) -> list[str]:
    """Which group each clip (language, prompt, transcript) belongs to; no group may be torn apart by a split.

    Clips are together that have the same words, in one language or in two; that are one prompt in two languages, so
    that one is the other's translation; and long ones of a language that share most of their words.
    """
    clips = list(clips)
    parent = list(range(len(clips)))

    def find(clip: int) -> int:
        while parent[clip] != clip:
            parent[clip] = clip = parent[parent[clip]]
        return clip

    first: dict[tuple[str, str], int] = {}
    long_texts = defaultdict(list)
    for index, (language, prompt, text) in enumerate(clips):
        for name in (("prompt", prompt.casefold()), ("words", key(text))):
            parent[find(index)] = find(first.setdefault(name, index))
        words = frozenset(key(text).split())
        if len(words) >= LONG_TEXT:
            for other, other_words in long_texts[language]:
                if len(words & other_words) >= ALIKE * len(words | other_words):
                    parent[find(index)] = find(other)
            long_texts[language].append((index, words))
    names: dict[int, str] = {}  # the smallest member names the group, so that an order of clips does not matter
    for index, (language, prompt, _) in enumerate(clips):
        root = find(index)
        names[root] = min(names.get(root, f"{prompt} {language}"), f"{prompt} {language}")
    return [names[find(index)] for index in range(len(clips))]


def split_of(group: str) -> str:
    """The split of a group, by the sha256 of its name."""
    place = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 16**8
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    return "train"
