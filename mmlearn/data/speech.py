"""The `speech` set: short studio prompts in five languages, with transcripts. Its card is `data/speech/README.md`."""

from pathlib import Path

from mmlearn import paths
from mmlearn.data import rows

LANGUAGES = ("en", "ru", "fr", "es", "it")
LOSSLESS_FILE = "lossless.parquet"
LOSSLESS_LANGUAGE = "en"
SPLITS = {"train": "train", "valid": "valid", "test": "test", "lossless": "test", "all": None}  # split: its mark


def folder() -> Path:
    """Where the committed files are."""
    return paths.root() / "data" / "speech"


def language_file(language: str) -> str:
    """The shard of a language, relative to `folder()`."""
    return f"{language}.parquet"


def load(split: str = "train", language: str | None = "en"):
    """The clips of a split, as a `datasets.Dataset`; `mmlearn.data.load` describes it."""
    rows.check_split("speech", split, SPLITS)
    if language not in (None, *LANGUAGES):
        raise ValueError(f"language is one of {', '.join(LANGUAGES)}, or None for all, not {language!r}.")
    if split == "lossless" and language != LOSSLESS_LANGUAGE:
        raise ValueError(f'The split "lossless" is there for language={LOSSLESS_LANGUAGE!r} alone, not {language!r}.')
    import pyarrow as pa
    import pyarrow.compute as pc

    chosen = LANGUAGES if language is None else (language,)
    files = [LOSSLESS_FILE] if split == "lossless" else [language_file(each) for each in chosen]
    table = pa.concat_tables([rows.read(folder(), file) for file in files])
    if SPLITS[split] is not None:
        table = table.filter(pc.equal(table["split"], SPLITS[split]))
    return rows.to_dataset(table.combine_chunks(), "speech", split, credit())


def credit(languages=None) -> str:
    """The attribution of the prompts in these languages (default: all), in one line."""
    unknown = sorted(set(languages or ()) - set(LANGUAGES))
    if unknown:
        raise ValueError(f"The speech set has no language {unknown[0]!r}. It has: {', '.join(LANGUAGES)}.")
    from mmlearn.data.speech_sources import SOURCES

    chosen = [SOURCES[language] for language in LANGUAGES if languages is None or language in languages]
    makers = dict.fromkeys(f"{source.who} ({source.licence})" for source in chosen)
    return f"Prompts of the Asterisk exchange, chosen and trimmed: {'; '.join(makers)}. See data/speech/CREDITS.md."
