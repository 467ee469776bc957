"""The committed sets that codecs and recognisers are trained on: speech, music, tones, keywords."""

import itertools
from collections import defaultdict

import pytest
import torch

from mmlearn import data
from mmlearn.data import (
    build_keywords,
    build_music,
    build_speech,
    build_tones,
    building,
    g722,
    keywords,
    packages,
    shards,
    sound,
    speech,
    speech_rules,
    tones,
)
from mmlearn.data import (
    rows as rows_of,
)
from mmlearn.data.speech_sources import SOURCES
from mmlearn.data.tones_rules import is_held_out, read_name

MEGABYTE = 2**20


def without_audio(rows):
    return rows.remove_columns("audio").to_list()


def texts(name, **options):
    return without_audio(data.load(name, **options))


# --- speech -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prompts():
    return texts("speech", split="all", language=None)


def test_no_words_and_no_prompt_stand_in_two_splits(prompts):
    places = defaultdict(set)
    for row in prompts:
        places[speech_rules.key(row["transcript"])].add(row["split"])
        places["prompt " + row["prompt"].casefold()].add(row["split"])
    assert [name for name, splits in places.items() if len(splits) > 1] == []


def test_a_prompt_is_there_once_in_a_language(prompts):
    names = [(row["language"], row["prompt"]) for row in prompts]
    assert len(set(names)) == len(names) > 2_500
    assert {row["language"]: row["speaker"] for row in prompts} == {
        code: source.speaker for code, source in SOURCES.items()
    }
    assert SOURCES["en"].speaker == SOURCES["es"].speaker and len({each.speaker for each in SOURCES.values()}) == 4


@pytest.mark.parametrize("language", speech.LANGUAGES)
def test_each_language_has_all_splits(language):
    rows = {split: texts("speech", split=split, language=language) for split in ("train", "valid", "test", "all")}
    assert sum(len(rows[split]) for split in ("train", "valid", "test")) == len(rows["all"]) > 450
    assert len(rows["train"]) > 300 and len(rows["valid"]) > 40 and len(rows["test"]) > 55
    for split in ("train", "valid", "test"):
        assert {(row["language"], row["split"]) for row in rows[split]} == {(language, split)}


def test_the_lossless_clips_are_those_of_the_english_test():
    lossless, test = data.load("speech", split="lossless"), data.load("speech", split="test")
    assert without_audio(lossless) == without_audio(test)
    for flac, opus in zip(lossless.select(range(0, len(test), 9)), test.select(range(0, len(test), 9)), strict=True):
        assert flac["audio"].startswith(b"fLaC") and opus["audio"].startswith(b"OggS")
        pair = sound.decode(flac["audio"]), sound.decode(opus["audio"])
        assert len(pair[0]) == len(pair[1])
        assert torch.nn.functional.cosine_similarity(*pair, dim=0) > 0.9


def test_prompts_can_be_heard():
    clips = data.load("speech", split="all", language=None)
    assert max(clips["seconds"]) <= speech_rules.LONGEST and min(clips["seconds"]) >= build_speech.SHORTEST
    for row in clips.select(range(0, len(clips), 90)):
        waveform = sound.decode(row["audio"])
        assert len(waveform) == round(row["seconds"] * sound.RATE)
        assert waveform.isfinite().all() and waveform.abs().max() > 0.1


@pytest.mark.parametrize("language", speech.LANGUAGES)
def test_longer_transcripts_take_longer(prompts, language):
    """The one thing about "is this text what is said" that a machine can see here."""
    pairs = [[len(row["transcript"]), row["seconds"]] for row in prompts if row["language"] == language]
    assert torch.corrcoef(torch.tensor(pairs).T)[0, 1] > 0.9


def test_transcripts_have_no_notes_and_no_broken_letters(prompts):
    said = {(row["language"], row["prompt"]): row["transcript"] for row in prompts}
    assert not [text for text in said.values() if set(text) & set('[]()<>*#/"“”«»_') or text != " ".join(text.split())]
    assert not [text for (language, _), text in said.items() if language == "it" and " ? " in text]
    assert said["en", "letters/at"] == "at" and said["it", "at-tone-time-exactly"].endswith("tempo sarà esattamente")
    assert said["ru", "vm-first"] == "первое"  # its last two letters are Latin in the package
    assert ("en", "tt-monkeys") not in said and ("es", "digits/0") not in said


@pytest.mark.parametrize(
    ("language", "prompt", "text", "said"),
    [
        ("en", "letters/at", "at [@]", "at"),
        ("it", "letters/exclaimation-point", "[!] punto esclamativo", "punto esclamativo"),
        ("it", "spy-iax2", 'IAX (nota: non dice "2")', "IAX"),
        ("it", "digits/ore-2000", "duemila... (data)", "duemila"),
        ("it", "confbridge-mute", "per parlare. confbridge-mute-in: Per tacere...", "per parlare."),
        ("fr", "vm-record", "appuyez sur dièse.vm-review: Pour enlever", "appuyez sur dièse."),
        ("it", "if-correct-press", "Se questo ? corretto, premi", "Se questo è corretto, premi"),
        ("en", "dir-multi2", "... for ...", "for"),
        ("ru", "conf-adminmenu", "conf-adminmenu: Нажмите «1»", "Нажмите 1"),
        ("ru", "vm-first", "первoe", "первое"),
        ("ru", "letters/at", "at [@]", None),
        ("en", "beep", "[this is a simple beep tone]", None),
        ("it", "vm-msgsaved", "Il [suo] messaggio è stato salvato.", None),
        ("en", "dictate/both_help", "press * to toggle pause", None),
        ("en", "silence/3", "(3 seconds of silence)", None),
        ("fr", "spy-dahdi", "", None),
        ("es", "digits/0", "diez", None),
    ],
)
def test_what_is_kept_of_a_transcript(language, prompt, text, said):
    assert speech_rules.clean(language, prompt, text) == said


def test_what_is_read_of_a_list_of_transcripts():
    text = "\ufeff; Sounds\n; list: all\n\nhello: Hello: you.\nempty:\nno colon\n".encode()
    assert speech_rules.read_transcripts(text) == {"hello": "Hello: you.", "empty": ""}


def test_clips_with_the_same_words_or_of_one_prompt_are_one_group():
    clips = [
        ("en", "hello", "Hello!"),
        ("fr", "hello", "Allô"),  # the prompt of the first
        ("es", "allo", "allo"),  # the words of the second, without its accent
        ("en", "goodbye", "Goodbye"),
        ("en", "long", "Please press one to leave a message"),
        ("en", "longer", "Please press one to leave a message now"),  # most of its words
        ("fr", "other", "Please press one to leave a message soon"),  # another language: not compared
    ]
    groups = speech_rules.split_groups(clips)
    assert groups[0] == groups[1] == groups[2] and groups[4] == groups[5] and len(set(groups)) == 4
    backwards = speech_rules.split_groups(clips[::-1])
    assert backwards == groups[::-1]  # an order of clips does not decide a split


def test_a_group_is_always_on_the_same_side():
    sides = [speech_rules.split_of(f"group {number}") for number in range(2_000)]
    assert sides == [speech_rules.split_of(f"group {number}") for number in range(2_000)]
    assert 0.13 < sides.count("test") / 2_000 < 0.17 and 0.08 < sides.count("valid") / 2_000 < 0.12


def test_words_in_two_splits_are_found(tmp_path, monkeypatch):
    row = lambda prompt, transcript, split: {"prompt": prompt, "transcript": transcript, "split": split}
    apart = [row("hello", "Hello!", "train"), row("goodbye", "Goodbye", "test")]
    monkeypatch.setattr(build_speech, "_read_texts", lambda home: apart)
    assert build_speech._find_leaks(tmp_path) == []
    for leak in (row("hello-world", "hello", "test"), row("Goodbye", "adiós", "train")):
        monkeypatch.setattr(build_speech, "_read_texts", lambda home, leak=leak: [*apart, leak])
        (problem,) = build_speech._find_leaks(tmp_path)
        assert "stands in two splits" in problem


def test_speech_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="en, ru, fr, es, it"):
        data.load("speech", language="de")
    with pytest.raises(ValueError, match="lossless"):
        data.load("speech", split="dev")
    with pytest.raises(ValueError, match="language='en' alone"):
        data.load("speech", split="lossless", language="ru")
    with pytest.raises(ValueError, match="'de'"):
        data.credit("speech", ["de"])
    assert "Allison Smith" in data.credit("speech") and "Carlo Flora" not in data.credit("speech", ["en", "ru"])


# --- a small world, built twice ---------------------------------------------------------------------------------------

CODED = {  # two clips of G.722: something loud, between silence
    prompt: bytes([0xFA] * 200) + bytes((7 * number + salt) % 256 for number in range(1_000)) + bytes([0xFA] * 200)
    for prompt, salt in (("hello", 3), ("digits/1", 8))
}
TRANSCRIPTS = b"; Sounds\nhello: Hello.\ndigits/1: one\nbeep: [a tone]\n"


@pytest.fixture
def small_world(monkeypatch):
    """Packages of two prompts a language."""
    import gzip

    def read(package, names):
        texts = {name: gzip.compress(TRANSCRIPTS, mtime=0) for name in names if name.endswith(".gz")}
        return texts | {name: CODED[prompt] for name in names for prompt in CODED if name.endswith(f"/{prompt}.g722")}

    members = lambda package: [
        build_speech._member(code, prompt)
        for code, source in SOURCES.items()
        if source.sounds == package
        for prompt in (*CODED, "beep")
    ]
    monkeypatch.setattr(build_speech, "fetch", lambda package: package)
    monkeypatch.setattr(build_speech, "read_members", read)
    monkeypatch.setattr(build_speech, "list_members", members)
    monkeypatch.setattr(build_speech, "clean", lambda language, prompt, text: None if "[" in text else text)
    monkeypatch.setattr(build_speech, "split_of", lambda group: "test")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_builds_of_speech_are_equal_and_a_stopped_one_goes_on(small_world, tmp_path, monkeypatch):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    data.build("speech", whole)
    assert set(files(whole)) == {*map(speech.language_file, speech.LANGUAGES), "lossless.parquet", "manifest.json"}
    assert shards.find_damage(whole) == []

    honest, made = build_speech.make_parquet, []

    def make(rows, form):
        made.append(rows[0]["language"])
        if len(made) == 3:
            raise KeyboardInterrupt
        return honest(rows, form)

    monkeypatch.setattr(build_speech, "make_parquet", make)
    with pytest.raises(KeyboardInterrupt):
        data.build("speech", stopped)
    assert set(files(stopped)) == {"en.parquet", "ru.parquet", "manifest.json"}
    data.build("speech", stopped)
    assert files(stopped) == files(whole) and made == ["en", "ru", "fr", "fr", "es", "it", "en"]

    monkeypatch.setattr(build_speech, "decode", None)  # what is finished needs no decoding
    data.build("speech", stopped)
    assert files(stopped) == files(whole)


def test_what_a_small_build_holds(small_world, tmp_path):
    data.build("speech", tmp_path)
    rows = building.read_without_audio(tmp_path, ["ru.parquet"])
    assert [(row["prompt"], row["transcript"], row["split"]) for row in rows] == [
        ("digits/1", "one", "test"),
        ("hello", "Hello.", "test"),
    ]
    assert all(0.1 < row["seconds"] < 0.2 for row in rows)


def test_packages_are_pinned():
    pinned = [*build_speech.PACKAGES, build_music.PACKAGE, build_tones.PACKAGE]
    assert len({package.spec for package in pinned}) == len(pinned) == 12
    assert all(isinstance(package, packages.DebianPackage) and len(package.sha256) == 64 for package in pinned)


# --- music ------------------------------------------------------------------------------------------------------------


def test_each_track_and_each_artist_stands_in_one_split():
    rows = texts("music", split="all")
    for column in ("track", "artist"):
        assert len({(row[column], row["split"]) for row in rows}) == len({row[column] for row in rows})
    assert [len(texts("music", split=split)) for split in ("train", "valid", "test")] == [12, 2, 4]
    assert {row["seconds"] for row in rows} == {30.0}


def test_excerpts_do_not_overlap_and_lie_inside_their_track():
    for seconds in (30, 59, 73.1, 121, 322):
        starts = build_music.choose_starts(seconds)
        assert len(starts) == min(4, seconds // 30) and starts[0] >= 0 and starts[-1] + 30 <= seconds
        assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(starts))
    assert build_music.choose_starts(20) == []


def test_music_can_be_heard_and_is_there_lossless_too():
    opus, flac = data.load("music", split="test"), data.load("music", split="lossless")
    assert without_audio(opus) == without_audio(flac)
    pair = sound.decode(opus[0]["audio"]), sound.decode(flac[0]["audio"])
    assert len(pair[0]) == len(pair[1]) == 30 * sound.RATE
    assert torch.nn.functional.cosine_similarity(*pair, dim=0) > 0.95
    assert pair[1][0] == 0 and pair[1].abs().max() > 0.5  # faded in


def test_an_excerpt_is_what_the_whole_track_has_there(monkeypatch):
    monkeypatch.setattr(build_music, "SECONDS", 1)
    monkeypatch.setattr(g722, "BYTES_PER_SECOND", 1_000)  # seconds of an eighth, so that this takes a moment
    monkeypatch.setattr(g722, "RATE", 2_000)
    noise = torch.randint(0, 256, (4 * g722.BYTES_PER_SECOND,), generator=torch.Generator().manual_seed(0))
    track = bytes(noise.tolist())
    name = "reno_project-system"
    content, rows = build_music.make_parquet({name: track}, "flac")
    last = rows_of.parse(content).to_pylist()[-1]
    assert rows == 4 and last["start"] == 3
    (whole,) = g722.decode([track])
    waveform = sound.decode(last["audio"])
    inside = slice(100, -100)  # not where it is faded
    expected = torch.from_numpy(whole[3 * g722.RATE :]).float() / 2**15
    assert (waveform[inside] - expected[inside]).abs().max() < 1e-3  # in noise the last bits settle late


def test_music_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="lossless"):
        data.load("music", split="dev")
    with pytest.raises(ValueError, match="macroform-cold_day"):
        data.credit("music", ["reggae"])
    assert "Manolo Camp" not in data.credit("music", ["reno_project-system"])


# --- tones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("ㄇㄚ", ("ㄇㄚ", "ma", 1)),
        ("ㄇㄚ3", ("ㄇㄚ", "ma", 3)),
        ("ㄌㄜ1", ("ㄌㄜ", "le", 5)),
        ("ㄓ4", ("ㄓ", "zhi", 4)),
        ("ㄌㄩㄝ4", ("ㄌㄩㄝ", "lüe", 4)),
        ("ㄐㄩㄢ", ("ㄐㄩㄢ", "juan", 1)),
        ("ㄩㄢ2", ("ㄩㄢ", "yuan", 2)),
        ("ㄅㄛ2", ("ㄅㄛ", "bo", 2)),
        ("ㄍㄨㄛ2", ("ㄍㄨㄛ", "guo", 2)),
        ("ㄨㄛ3", ("ㄨㄛ", "wo", 3)),
        ("ㄨㄣ2", ("ㄨㄣ", "wen", 2)),
        ("ㄉㄨㄥ", ("ㄉㄨㄥ", "dong", 1)),
        ("ㄧㄡ3", ("ㄧㄡ", "you", 3)),
        ("ㄐㄧㄡ3", ("ㄐㄧㄡ", "jiu", 3)),
        ("ㄒㄩㄥ2", ("ㄒㄩㄥ", "xiong", 2)),
        ("ㄧㄢ2", ("ㄧㄢ", "yan", 2)),
        ("ㄦ4", ("ㄦ", "er", 4)),
        ("ㄅ", None),  # the letter's name
    ],
)
def test_from_bopomofo_to_pinyin(name, read):
    assert read_name(name) == read


@pytest.mark.parametrize("name", ["", "ma", "ㄇㄚ5", "ㄚㄇ", "ㄇㄇ"])
def test_what_is_no_syllable_is_refused(name):
    with pytest.raises(ValueError, match="no syllable"):
        read_name(name)


@pytest.mark.parametrize("split", data.splits("tones"))
def test_speakers_and_syllables_are_held_out_whole(split):
    seen, held_out = tones.SPLITS[split]
    rows = texts("tones", split=split)
    assert {row["speaker"] for row in rows} == {
        name for name, each in tones.SPEAKERS.items() if seen in (None, each.seen)
    }
    assert held_out is None or {is_held_out(row["syllable"]) for row in rows} == {held_out}
    assert len(rows) > 200


def test_every_syllable_is_spelled_by_the_rules_and_there_once():
    rows = texts("tones", split="all")
    assert len(rows) > 2_300 and {row["tone"] for row in rows} == {1, 2, 3, 4, 5}
    keys = {(row["speaker"], row["zhuyin"], row["tone"]) for row in rows}
    assert len(keys) == len(rows)
    spelled = {row["syllable"]: row["zhuyin"] for row in rows}
    assert len(spelled) == len({row["zhuyin"] for row in rows}) > 390  # no two are spelled alike
    assert all(read_name(zhuyin)[1] == syllable for syllable, zhuyin in spelled.items())


def test_what_is_read_of_the_package_of_tones():
    root = build_tones.ROOT
    members = [
        f"{root}ㄓ1/3.ogg",
        f"{root}ㄇㄚ3/3.ogg",
        f"{root}ㄚ/3.ogg",
        f"{root}ㄚ/5.ogg",
        f"{root}ㄅ/3.ogg",
        f"{root}ㄚ",
        "./usr/x",
    ]
    found = build_tones.describe(members, "liu")
    assert [(row["syllable"], row["tone"], row["speaker"]) for row in found] == [("a", 1, "liu"), ("ma", 3, "liu")]
    with pytest.raises(data.DataError, match="no syllable"):
        build_tones.describe([f"{root}xyz/3.ogg"], "liu")


def test_tones_can_be_heard():
    rows = data.load("tones", split="all")
    assert min(rows["seconds"]) > 0.1 and max(rows["seconds"]) < 1
    for row in rows.select(range(0, len(rows), 90)):
        waveform = sound.decode(row["audio"])
        assert len(waveform) == round(row["seconds"] * sound.RATE) and waveform.abs().max() > build_tones.QUIETEST / 2


def test_tones_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="syllables_speakers"):
        data.load("tones", split="test")
    with pytest.raises(ValueError, match="liu, lo"):
        data.credit("tones", ["wang"])
    assert "羅竺" not in data.credit("tones", ["liu"])


# --- keywords ---------------------------------------------------------------------------------------------------------


def test_every_word_is_there_synthetic_and_real():
    real, train, voices = (texts("keywords", split=split) for split in ("real", "train", "voices"))
    words = keywords.vocabulary()
    assert set(words) == {row["word"] for row in real} == {row["word"] for row in train} and len(words) > 150
    assert len(train) == 8 * build_keywords.TIMES * len(words) and len(voices) == 2 * build_keywords.TIMES * len(words)
    assert {row["voice"] for row in real} == {"allison"} and not {row["voice"] for row in train} & {
        row["voice"] for row in voices
    }
    assert all(row["group"] == words[row["word"]] for row in [*real, *train])
    assert data.load("keywords", split="real").features == data.load("keywords").features


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("number", {"zero", "seven", "twenty", "hundred"}),
        ("ordinal", {"first", "tenth"}),
        ("day", {"monday"}),
        ("month", {"may"}),
        ("alphabet", {"alpha", "zulu"}),
        ("sign", {"comma", "dollar"}),
        ("other", {"hello", "at", "star"}),
    ],
)
def test_a_group_of_words_can_be_chosen(group, words):
    for split in ("real", "train"):
        found = {row["word"] for row in texts("keywords", split=split, group=group)}
        assert words <= found
    assert not words & {row["word"] for row in texts("keywords", split="real") if row["group"] != group}


@pytest.mark.parametrize(
    ("prompt", "transcript", "found"),
    [
        ("digits/7", "seven", ("seven", "number")),
        ("digits/h-7", "seventh", ("seventh", "ordinal")),
        ("goodbye", "Goodbye!", ("goodbye", "other")),
        ("digits/at", "at", ("at", "other")),
        ("letters/a", "a", None),
        ("spy-sip", "SIP", None),
        ("sorry", "We're sorry.", None),
        ("spy-h323", "H.323", None),
    ],
)
def test_which_prompts_say_a_word_alone(prompt, transcript, found):
    assert keywords.word_of(prompt, transcript) == found


def test_a_word_is_said_differently_each_time_and_the_same_in_each_build():
    varied = [build_keywords.vary(name, "seven", time) for name in keywords.VOICES for time in range(2)]
    assert len(set(varied)) == len(varied)
    assert varied == [build_keywords.vary(name, "seven", time) for name in keywords.VOICES for time in range(2)]
    rows = data.load("keywords", split="all").filter(lambda word: word == "seven", input_columns="word")
    assert len(rows) == len(varied) == len(set(rows["audio"]))
    for row in rows:
        waveform = sound.decode(row["audio"])
        assert len(waveform) == round(row["seconds"] * sound.RATE) and waveform.abs().max() > 0.1


def test_keywords_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="voices, real"):
        data.load("keywords", split="test")
    with pytest.raises(ValueError, match="ordinal, day, month, number, alphabet"):
        data.load("keywords", group="colours")
    with pytest.raises(ValueError, match="us-f2"):
        data.credit("keywords", ["hal"])
    assert "eSpeak" not in data.credit("keywords", ["allison"]) and "Allison" in data.credit("keywords")
    assert "Allison" not in data.credit("keywords", ["us-f2"])


# --- all --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "megabytes"), [("speech", 20), ("music", 7), ("tones", 4), ("keywords", 5)])
def test_a_set_is_small_counted_and_passes_its_own_check(name, megabytes):
    manifest = shards.read_manifest(data._module(name).folder())
    assert sum(entry["bytes"] for entry in manifest["files"].values()) < megabytes * MEGABYTE
    card = (data._module(name).folder() / "README.md").read_text(encoding="utf-8")
    assert f"{manifest['counts']['clips']:,} clips of " in card
    assert data.check(name) == []


@pytest.mark.parametrize(("name", "options"), [("speech", {}), ("music", {}), ("tones", {}), ("keywords", {})])
def test_no_two_streams_have_numbers_drawn_by_chance(name, options):
    rows = data.load(name, **options)
    assert {content[:4] + content[14:18] for content in rows.select(range(10))["audio"]} == {b"OggSmmln"}
