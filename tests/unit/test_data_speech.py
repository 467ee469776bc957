"""The committed sets that are heard: what `load` hands out, what is held out, and how a clip is made."""

import shutil
import subprocess

import pytest
import torch

from mmlearn import data
from mmlearn.data import build_spoken_emoji, build_stamps_audio, building, shards, sound, spoken_emoji, stamps_audio
from mmlearn.data.emoji_rules import is_held_out
from mmlearn.data.spoken_emoji import VOICES
from mmlearn.data.stamps_files import Stamp
from mmlearn.data.stamps_rules import DROPPED_SOUNDS

MEGABYTE = 2**20


def without_audio(rows):
    return rows.remove_columns("audio").to_list()


@pytest.fixture(scope="module")
def clips():
    return data.load("stamps_audio")


@pytest.fixture(scope="module")
def stamps():
    return {row["name"]: row for row in data.load("stamps").remove_columns("image")}


# --- stamps_audio -----------------------------------------------------------------------------------------------------


def test_a_clip_belongs_to_a_stamp(clips, stamps):
    for row in without_audio(clips):
        stamp = stamps[row["name"]]
        assert row["item"] == stamp["item"]
        assert row["text"] == (stamp[f"caption_{row['language']}"] if row["language"] else None)


def test_the_splits_are_the_kinds(clips):
    captions, sounds = (without_audio(data.load("stamps_audio", split=split)) for split in ("captions", "sounds"))
    assert {row["kind"] for row in captions} == {"caption"} and {row["language"] for row in captions} == {"ru", "fr"}
    assert {row["kind"] for row in sounds} == {"sound"} and {row["language"] for row in sounds} == {None}
    assert len(captions) + len(sounds) == len(clips) and data.splits("stamps_audio") == ("all", "captions", "sounds")
    assert len(captions) > 1_200 and len(sounds) > 85
    keys = [(row["name"], row["kind"], row["language"]) for row in without_audio(clips)]
    assert len(set(keys)) == len(keys)


def test_a_language_can_be_chosen(clips):
    russian = data.load("stamps_audio", split="captions", language="ru")
    assert set(russian["language"]) == {"ru"} and len(russian) > 600
    mixed = data.load("stamps_audio", language="fr")
    assert set(mixed["language"]) == {"fr", None}
    with pytest.raises(ValueError, match="ru, fr"):
        data.load("stamps_audio", language="en")
    with pytest.raises(ValueError, match="has no language"):
        data.load("stamps_audio", split="sounds", language="fr")
    with pytest.raises(ValueError, match="captions"):
        data.load("stamps_audio", split="train")


def test_stamp_clips_can_be_heard(clips):
    for row in clips.select(range(0, len(clips), 40)):
        waveform = sound.decode(row["audio"])
        assert len(waveform) == round(row["seconds"] * sound.RATE)
        assert waveform.isfinite().all() and waveform.abs().max() > 0.02
    sounds = data.load("stamps_audio", split="sounds")
    assert max(sounds["seconds"]) <= stamps_audio.LONGEST_SOUND and min(clips["seconds"]) > 0.1


def test_longer_captions_take_longer(clips):
    """The one thing about "is this text what is said" that a machine can see here."""
    for language in stamps_audio.LANGUAGES:
        rows = without_audio(data.load("stamps_audio", split="captions", language=language))
        pairs = torch.tensor([[len(row["text"]), row["seconds"]] for row in rows], dtype=torch.float32)
        assert torch.corrcoef(pairs.T)[0, 1] > 0.9


def test_no_clip_without_a_free_licence(clips):
    assert not set(DROPPED_SOUNDS) & {row["name"] for row in without_audio(clips) if row["kind"] == "sound"}
    credit = data.credit("stamps_audio")
    assert "Edwin Veber" in credit and "Sonar_pings" in credit and "CREDITS.md" in credit
    assert "Sonar" not in data.credit("stamps_audio", {"animals/birds/duck"})


def test_what_is_read_of_a_stamp():
    captions = {"en": "A duck.", "ru": "Утка.", "fr": None, "es": None, "de": None}
    sounds = {"": "duck.ogg", "ru": "duck_desc_ru.ogg", "fr": "duck_desc_fr.ogg"}
    duck = Stamp("animals/birds/duck", "animals/birds/duck", captions, "duck.png", sounds)
    truck = Stamp(next(iter(DROPPED_SOUNDS)), "x", captions, "truck.png", sounds)
    texts, members = build_stamps_audio.describe([duck, truck], "ru")
    assert [row["text"] for row in texts] == ["Утка."] * 2 and members == ["duck_desc_ru.ogg"] * 2
    assert build_stamps_audio.describe([duck, truck], "fr") == ([], [])  # spoken, but written nowhere
    texts, members = build_stamps_audio.describe([duck, truck], None)
    name = "animals/birds/duck"
    assert texts == [{"name": name, "item": name, "kind": "sound", "language": None, "text": None}]
    assert members == ["duck.ogg"]


def test_a_clip_is_trimmed_and_a_long_one_fades_out():
    noise = 0.3 * torch.randn(8 * sound.RATE, generator=torch.Generator().manual_seed(0))
    quiet = torch.zeros(sound.RATE)
    content = sound.encode(torch.cat([quiet, noise, quiet]))
    assert abs(len(build_stamps_audio.prepare(content)) - 8 * sound.RATE) < 0.1 * sound.RATE
    short = build_stamps_audio.prepare(content, longest=5)
    assert len(short) == 5 * sound.RATE and short[-1] == 0 and short[-2_000:-1_000].abs().max() > 0.3
    assert len(build_stamps_audio.prepare(sound.encode(quiet))) == 0


# --- spoken_emoji -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", data.splits("spoken_emoji"))
def test_voices_and_concepts_are_held_out_whole(split):
    seen, held_out = spoken_emoji.SPLITS[split]
    rows = without_audio(data.load("spoken_emoji", split=split))
    voices, codes = {row["voice"] for row in rows}, {row["codepoint"] for row in rows}
    assert voices == {name for name, each in VOICES.items() if each.language == "en" and seen in (None, each.seen)}
    assert held_out is None or {is_held_out(code) for code in codes} == {held_out}
    assert len(rows) == len(voices) * len(codes)


def test_every_name_is_that_of_the_emoji_set():
    emoji = {row["codepoint"]: row for row in data.load("emoji", split="openmoji").remove_columns("image")}
    rows = without_audio(data.load("spoken_emoji", language=None))
    assert {row["language"] for row in rows} == {"en", "ru"}
    assert {row["codepoint"] for row in rows} == set(emoji)
    assert all(row["text"] == emoji[row["codepoint"]][f"label_{row['language']}"] for row in rows)


def test_a_language_and_a_split_can_be_chosen():
    russian = data.load("spoken_emoji", split="voices_concepts", language="ru")
    assert set(russian["voice"]) == {name for name, each in VOICES.items() if each.language == "ru" and not each.seen}
    with pytest.raises(ValueError, match="en, ru"):
        data.load("spoken_emoji", language="fr")
    with pytest.raises(ValueError, match="voices_concepts"):
        data.load("spoken_emoji", split="test")
    with pytest.raises(ValueError, match="us-f2"):
        data.credit("spoken_emoji", ["hal"])
    assert "eSpeak NG" in data.credit("spoken_emoji") and "emojibase" in data.credit("spoken_emoji")


def test_spoken_clips_can_be_heard():
    rows = data.load("spoken_emoji", split="all", language=None)
    for row in rows.select(range(0, len(rows), 400)):
        waveform = sound.decode(row["audio"])
        assert len(waveform) == round(row["seconds"] * sound.RATE) and waveform.abs().max() > 0.1
    seconds = torch.tensor(rows["seconds"][:])
    assert seconds.min() > 0.1 and seconds.max() < 6


def test_the_voices_differ():
    """One name by all voices: no two clips are alike, and their lengths differ."""
    rows = data.load("spoken_emoji", split="all").filter(lambda text: text == "red heart", input_columns="text")
    assert len(rows) == 6 == len(set(rows["audio"])) and len(set(rows["seconds"])) >= 5


def test_speed_and_pitch_vary_around_the_voice_and_are_the_same_each_time():
    codes = [f"{number:X}" for number in range(0x1F600, 0x1F700)]
    varied = [build_spoken_emoji.vary("us-f2", code) for code in codes]
    assert varied == [build_spoken_emoji.vary("us-f2", code) for code in codes]
    speeds, pitches = zip(*varied, strict=True)
    assert 145 <= min(speeds) < 155 and 175 < max(speeds) <= 185
    assert 47 <= min(pitches) < 50 and 60 < max(pitches) <= 63
    assert build_spoken_emoji.vary("gb-m3", codes[0]) != varied[0]


def test_another_espeak_is_refused(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(data.DataError, match=r"espeak-ng is needed .* Install version 1\.51, Debian"):
        build_spoken_emoji.find_espeak()
    monkeypatch.setattr(shutil, "which", lambda name: "espeak-ng")

    def answers(version, wav):
        def run(command, **options):
            said = f"eSpeak NG text-to-speech: {version}  Data at: x" if "--version" in command else wav
            return subprocess.CompletedProcess(command, 0, said, b"")

        monkeypatch.setattr(subprocess, "run", run)

    answers("1.52", b"")
    with pytest.raises(data.DataError, match=r"is version 1\.52, and speaks otherwise"):
        build_spoken_emoji.find_espeak()
    answers("1.51", b"RIFF" + bytes(100))
    with pytest.raises(data.DataError, match="other voice data"):
        build_spoken_emoji.find_espeak()
    answers("1.51", b"")
    with pytest.raises(data.DataError, match="could not say"):
        build_spoken_emoji.find_espeak()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed here")
def test_espeak_says_again_what_is_committed():
    try:
        espeak = build_spoken_emoji.find_espeak()
    except data.DataError as error:
        pytest.skip(str(error))
    (row,) = data.load("spoken_emoji", split="train").filter(
        lambda code, voice: (code, voice) == ("1F600", "us-f2"), input_columns=["codepoint", "voice"]
    )
    speed, pitch = build_spoken_emoji.vary("us-f2", "1F600")
    waveform = build_spoken_emoji.prepare(
        build_spoken_emoji.speak(espeak, VOICES["us-f2"], "grinning face", speed=speed, pitch=pitch)
    )
    assert len(waveform) == round(row["seconds"] * sound.RATE)
    again = sound.decode(sound.encode(waveform, format="opus", kbps=build_spoken_emoji.KBPS))
    assert torch.nn.functional.cosine_similarity(again, sound.decode(row["audio"]), dim=0) > 0.999


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "megabytes"), [("stamps_audio", 8), ("spoken_emoji", 14)])
def test_a_set_is_small_counted_and_passes_its_own_check(name, megabytes):
    manifest = shards.read_manifest(data._module(name).folder())
    assert sum(entry["bytes"] for entry in manifest["files"].values()) < megabytes * MEGABYTE
    card = (data._module(name).folder() / "README.md").read_text(encoding="utf-8")
    assert f"{manifest['counts']['clips']:,} clips of " in card
    assert data.check(name) == []


@pytest.mark.parametrize(("name", "options"), [("stamps_audio", {"split": "sounds"}), ("spoken_emoji", {})])
def test_no_two_streams_have_numbers_drawn_by_chance(name, options):
    rows = data.load(name, **options)
    heads = {content[:4] + content[14:18] for content in rows.select(range(50))["audio"]}
    assert heads == {b"OggSmmln"}


def test_a_table_of_clips_is_the_same_bytes_each_time():
    clip = {"name": "a", "language": None, "audio": b"x", "seconds": 0.5}
    (content, rows), (again, _) = building.clips_parquet([clip]), building.clips_parquet([clip])
    assert rows == 1 and content == again
