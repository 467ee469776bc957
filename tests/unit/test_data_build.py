"""How a set is made: packages that must be the pinned ones, drawings that must come out the same, builds that go on."""

import hashlib
import io
import json
import shutil
import tarfile

import pytest
from PIL import Image

from mmlearn import data
from mmlearn.data import build_emoji, building, emoji_icons, packages, shards
from mmlearn.data.emoji_rules import why_dropped
from mmlearn.data.emoji_sources import STYLES, TEXTS

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 16" width="64" height="64">'
    '<defs><linearGradient id="g"><stop stop-color="#f00"/><stop offset="1" stop-color="#00f"/></linearGradient></defs>'
    '<path fill="url(#g)" d="M0 0h32v16H0z"/><circle cx="8" cy="8" r="5" fill="#0c0" fill-opacity=".5"/></svg>'
)


def tarball(path, members):
    """A tarball of these members, and the package that pins it."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return packages.Package("@scope/thing", "1.0.0", shards.sha256(path.read_bytes()), "MIT", "nobody")


def test_drawing_is_white_outside_and_keeps_its_shape():
    image = build_emoji.draw(SVG)
    assert image.size == (64, 64) and image.mode == "RGB"
    assert image.getpixel((5, 5)) == image.getpixel((60, 60)) == (255, 255, 255)  # above and below the wide drawing
    left, right = image.getpixel((1, 32)), image.getpixel((62, 32))
    assert left[0] > 200 > 50 > left[2] and right[2] > 200 > 50 > right[0]


def test_drawing_gives_the_same_bytes_as_when_the_set_was_made():
    encoded = building.encode_picture(build_emoji.draw(SVG))
    assert encoded == building.encode_picture(build_emoji.draw(SVG))
    assert Image.open(io.BytesIO(encoded)).convert("RGB").tobytes() == build_emoji.draw(SVG).tobytes()
    # If this fails, a library of constraints.txt has changed: the shards would change with it.
    assert hashlib.sha256(encoded).hexdigest() == "4a854dc796c0ad9d1ec07c50582a1571f564899b0a3a2eafaefad3f269452b1a"


def test_transparent_parts_of_a_picture_become_white():
    picture = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (64, 64, 192, 192))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True)
    small = build_emoji.shrink(buffer.getvalue())
    assert small.size == (64, 64)
    assert small.getpixel((2, 2)) == (255, 255, 255) and small.getpixel((32, 32)) == (255, 0, 0)


def test_a_drawing_of_nothing_counts_as_blank():
    assert building.is_blank(Image.new("RGB", (64, 64), "white"))
    assert not building.is_blank(build_emoji.draw(SVG))


def test_a_blank_drawing_stops_the_build():
    with pytest.raises(data.DataError, match="1F600 of noto came out blank"):
        build_emoji._images_parquet("noto", {"1F600": icon_set({"nothing": {"body": ""}}).svg("nothing")})


@pytest.mark.parametrize(
    ("code", "group", "subgroup", "kept"),
    [
        ("1F600", "smileys-emotion", "face-smiling", True),
        ("1F43B-200D-2744-FE0F", "animals-nature", "animal-mammal", True),  # polar bear
        ("1F9D1-200D-1F680", "people-body", "person-role", True),  # astronaut
        ("1F469-200D-1F680", "people-body", "person-role", False),  # woman astronaut
        ("1F3C3-200D-2640-FE0F", "people-body", "person-activity", False),  # woman running
        ("1F3C3-200D-27A1-FE0F", "people-body", "person-activity", False),  # facing right
        ("1F9D1-200D-1F9B0", "people-body", "person", False),  # red hair
        ("1F9D1-200D-1F9D1-200D-1F9D2", "people-body", "family", False),
        ("1F46A", "people-body", "family", True),
        ("1F552", "travel-places", "time", False),  # three o'clock
        ("23F0", "travel-places", "time", True),  # alarm clock
        ("0023-FE0F-20E3", "symbols", "keycap", False),
        ("1F1EB-1F1F7", "flags", "country-flag", False),
        ("1F1E6", None, None, False),  # a regional indicator
        ("00A9", "symbols", "other-symbol", False),
        ("2764", "smileys-emotion", "heart", True),
    ],
)
def test_what_is_left_out(code, group, subgroup, kept):
    assert (why_dropped(code, group, subgroup) is None) is kept


def icon_set(icons, aliases=None, chars=None):
    made = object.__new__(emoji_icons.IconSet)
    made.style, made.icons, made.aliases, made.chars = "test", icons, aliases or {}, chars or {}
    made.size = {"width": 10, "height": 10}
    return made


def test_icons_are_found_by_code_by_label_and_by_alias_in_that_order():
    concepts = [
        {"codepoint": "1F3CF", "label_en": "cricket game"},
        {"codepoint": "1F997", "label_en": "cricket"},
        {"codepoint": "2764-FE0F", "label_en": "red heart"},
    ]
    says_codes = icon_set({"heart": {"body": "<a/>"}}, chars={"2764": "heart"})
    by_name = icon_set({"cricket-game": {"body": "<b/>"}, "love": {"body": "<c/>"}})
    by_name.aliases = {"cricket": {"parent": "cricket-game"}, "heart": {"parent": "love"}}
    meanings = emoji_icons._meanings([says_codes, by_name], concepts)
    drawn = emoji_icons._named_drawings(by_name, meanings, concepts)
    assert set(drawn) == {"1F3CF", "2764-FE0F"}  # the bat is no insect, though it is also called "cricket"
    assert "<c/>" in drawn["2764-FE0F"]
    assert set(emoji_icons._named_drawings(says_codes, meanings, concepts)) == {"2764-FE0F"}


def test_an_icon_that_asks_for_other_files_is_refused():
    for body in ('<image href="/etc/passwd"/>', "<text>x</text>"):
        with pytest.raises(data.DataError, match="not plain vector graphics"):
            icon_set({"bad": {"body": body}}).svg("bad")


def test_a_mirrored_alias_is_mirrored():
    body = '<path fill="#f00" d="M0 0h5v10H0z"/>'
    icons = icon_set({"left": {"body": body}}, {"right": {"parent": "left", "hFlip": True}})
    left, right = build_emoji.draw(icons.svg("left")), build_emoji.draw(icons.svg("right"))
    assert left.getpixel((10, 30)) == right.getpixel((53, 30)) == (255, 0, 0)
    assert left.getpixel((53, 30)) == right.getpixel((10, 30)) == (255, 255, 255)


def test_members_are_read_by_exact_name_and_only_plain_files(tmp_path):
    path = tmp_path / "thing.tgz"
    tarball(path, [("package/a.json", b"1"), ("../evil", b"2"), ("package/link", None)])
    assert packages.read_members(path, {"package/a.json"}) == {"package/a.json": b"1"}
    with pytest.raises(data.DataError, match="no plain file"):
        packages.read_members(path, {"package/link"})
    with pytest.raises(data.DataError, match=r"lacks 1 .*package/b\.json"):
        packages.read_members(path, {"package/a.json", "package/b.json"})
    tarball(path, [("package/a.json", b"1"), ("package/a.json", b"2")])
    with pytest.raises(data.DataError, match="is there twice"):
        packages.read_members(path, {"package/a.json"})
    assert [item.name for item in tmp_path.iterdir()] == ["thing.tgz"]


def deb(path, members):
    """A Debian package that installs these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w:gz"):
        pass
    files = [("debian-binary", b"2.0\n"), ("control.tar.gz", control.getvalue()), ("data.tar.gz", buffer.getvalue())]
    body = b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        + content
        + b"\n" * (len(content) % 2)
        for name, content in files
    )
    path.write_bytes(b"!<arch>\n" + body)
    return packages.DebianPackage("thing-data", "1:2.0-1", shards.sha256(path.read_bytes()), "GPL-2.0-only", "nobody")


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed here")
def test_a_debian_package_is_read_in_memory(tmp_path):
    path = tmp_path / "thing.deb"
    deb(path, [("./usr/share/a.txt", b"1"), ("../evil", b"2")])
    assert packages.list_members(path) == ["./usr/share/a.txt", "../evil"]
    assert packages.read_members(path, {"./usr/share/a.txt"}) == {"./usr/share/a.txt": b"1"}
    with pytest.raises(data.DataError, match=r"lacks 1 .*\./b"):
        packages.read_members(path, {"./b"})
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(data.DataError, match=r"thing\.deb"):
        packages.list_members(path)
    assert [item.name for item in tmp_path.iterdir()] == ["thing.deb"]


def test_a_debian_package_is_named_as_apt_names_it_and_its_tools_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    kept = packages.cache_folder() / "thing-data_1%3a2.0-1_all.deb"
    kept.parent.mkdir(parents=True)
    package = deb(kept, [("./a", b"1")])
    assert package.spec == "thing-data=1:2.0-1" and packages.fetch(package) == kept
    with pytest.raises(data.DataError, match="dpkg-deb is needed to read thing-data"):
        packages.list_members(kept)
    kept.unlink()
    with pytest.raises(data.DataError, match="apt-get is needed to fetch thing-data=1:2"):
        packages.fetch(package)


def test_a_cached_package_needs_no_client_and_a_changed_one_is_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    kept = packages.cache_folder() / "scope-thing-1.0.0.tgz"
    kept.parent.mkdir(parents=True)
    package = tarball(kept, [("package/a.json", b"1")])
    assert packages.fetch(package) == kept
    kept.write_bytes(b"damaged")
    with pytest.raises(data.DataError, match=r"npm is needed to fetch @scope/thing@1\.0\.0"):
        packages.fetch(package)


def test_a_package_with_another_checksum_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def pack(package, folder):
        tarball(folder / package.file, [("package/a.json", b"changed")])
        return folder / package.file

    monkeypatch.setattr(packages, "_npm_pack", pack)
    package = packages.Package("@scope/thing", "1.0.0", "0" * 64, "MIT", "nobody")
    with pytest.raises(data.DataError, match="not the package that this set was made from"):
        packages.fetch(package)
    assert list(packages.cache_folder().iterdir()) == []


def test_a_missing_renderer_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    def version(name):
        if name == "resvg-py":
            raise building.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(building, "version", version)
    with pytest.raises(data.DataError, match=r"needs resvg-py.*pip install"):
        data.build("emoji", tmp_path)


def test_packages_are_pinned():
    pinned = [TEXTS, *(style.package for style in STYLES.values())]
    assert len({package.spec for package in pinned}) == len(pinned) == 9
    assert all(len(package.sha256) == 64 and package.licence and package.author for package in pinned)


@pytest.fixture
def small_world(monkeypatch):
    """A set of two concepts in every style, so that a whole build takes a moment."""
    concepts = [
        {"codepoint": code, "emoji": "x", "group": "objects", "subgroup": "tool", "label_en": code}
        for code in ("1F528", "1FA93")
    ]
    drawings = {style: {concept["codepoint"]: SVG for concept in concepts} for style in STYLES}
    monkeypatch.setattr(emoji_icons, "read_concepts", lambda: concepts)
    monkeypatch.setattr(emoji_icons, "read_drawings", lambda concepts: drawings)


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_builds_are_equal_and_a_stopped_one_goes_on(small_world, tmp_path, monkeypatch):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    data.build("emoji", whole)
    assert len(files(whole)) == 10 and shards.find_damage(whole) == []

    honest, drawn = building.encode_picture, []

    def encode(image):
        drawn.append(image)
        if len(drawn) == 6:
            raise KeyboardInterrupt
        return honest(image)

    monkeypatch.setattr(build_emoji, "encode_picture", encode)
    with pytest.raises(KeyboardInterrupt):
        data.build("emoji", stopped)
    half = files(stopped)
    assert set(half) == {"manifest.json", "concepts.parquet", "images/twemoji.parquet", "images/emojione.parquet"}
    assert set(json.loads(half["manifest.json"])["files"]) == set(half) - {"manifest.json"}

    data.build("emoji", stopped)
    assert files(stopped) == files(whole)
    assert len(drawn) == 6 + 6 * 2  # the finished styles were not drawn again


def test_a_damaged_or_outdated_shard_is_made_again(small_world, tmp_path, monkeypatch):
    data.build("emoji", tmp_path)
    before = files(tmp_path)
    (tmp_path / "images" / "noto.parquet").write_bytes(b"damaged")
    data.build("emoji", tmp_path)
    assert files(tmp_path) == before
    monkeypatch.setattr(build_emoji, "RECIPE", build_emoji.RECIPE + 1)
    monkeypatch.setattr(build_emoji, "encode_picture", lambda image: b"another encoding")
    data.build("emoji", tmp_path)
    assert all(files(tmp_path)[name] != before[name] for name in before if name.startswith("images/"))
