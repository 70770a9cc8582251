from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from automl.data.decoding.containers import Archive
from automl.data.decoding.encoding_plausibility import rank_encodings
from automl.data.decoding.zip_names import is_clear
from automl.data.loading import load_data_set
from automl.data.sources.files import ArchiveOfImages
from automl.errors import DataError
from tests.data.pictures import save_picture


def zip_of(path: Path, names: Sequence[bytes], *, extra: Sequence[bytes] = (), content: bytes = b"") -> Path:
    """A zip whose names are these bytes, unmarked, as old packers leave them."""
    stand_ins = [b"%04d" % number + b"x" * (len(name) - 4) for number, name in enumerate(names)]
    with zipfile.ZipFile(path, "w") as archive:
        for number, stand_in in enumerate(stand_ins):
            member = zipfile.ZipInfo(stand_in.decode())
            member.extra = extra[number] if extra else b""
            archive.writestr(member, content)
    packed = path.read_bytes()
    for stand_in, name in zip(stand_ins, names, strict=True):
        packed = packed.replace(stand_in, name)
    path.write_bytes(packed)
    return path


def files_of(folders: Sequence[str], encoding: str) -> list[bytes]:
    return [f"{folder}/{number:04}.png".encode(encoding) for folder in folders for number in range(3)]


@pytest.mark.parametrize(
    ("encoding", "folders"),
    [
        ("cp932", ["猫", "犬"]),
        ("cp932", ["表面", "ソース", "正常"]),  # their second byte is a backslash
        ("cp932", ["りんご", "バナナ"]),
        ("gbk", ["苹果", "香蕉", "橙子", "西瓜"]),
        ("big5", ["蘋果", "香蕉", "橘子", "西瓜"]),
        ("cp949", ["고양이", "강아지", "자동차"]),
        ("cp866", ["кошки", "собаки"]),
        ("cp1251", ["кошки", "собаки"]),
        ("cp850", ["Käfer", "Vögel", "Äpfel"]),
        ("cp437", ["café", "forêt", "château"]),
        ("cp1252", ["café", "forêt", "château"]),
    ],
)
def test_class_names_in_an_unmarked_encoding_are_read_and_reported(
    tmp_path: Path, encoding: str, folders: list[str]
) -> None:
    contents = ArchiveOfImages(zip_of(tmp_path / "x.zip", files_of(folders, encoding))).contents()
    assert contents.class_names == tuple(sorted(folders))
    read_as = "cp437" if encoding == "cp850" else encoding  # the two agree on these letters
    example = sorted(folders, key=lambda name: name.encode(encoding))[0]
    assert contents.notes == (
        f"the zip does not say how its names are encoded: they are read as {read_as} ({example!r}); "
        "if that is wrong, pack it again with names in UTF-8",
    )


@pytest.mark.parametrize("folders", [["кошки", "собаки"], ["猫", "犬"], ["cafe\u0301", "the\u0301"]])
def test_unmarked_names_in_utf8_are_read_without_a_word(tmp_path: Path, folders: list[str]) -> None:
    names = [file.name for file in Archive(zip_of(tmp_path / "x.zip", files_of(folders, "utf-8"))).files()]
    assert {name.partition("/")[0] for name in names} == set(folders)


def test_names_in_the_extra_field_are_read(tmp_path: Path) -> None:
    """As Info-ZIP and 7-Zip write them: the old name, and beside it the one in UTF-8 with a checksum of the old one."""
    raw = [b"????/1.png", b"????/2.png"]
    unicode_names = ["猫/1.png".encode(), "犬/2.png".encode()]
    old = [b"\x94L\xff\xff/1.png", b"\x8c\xa2\xff\xff/2.png"]
    assert len(raw[0]) == len(old[0])
    extra = [
        b"up" + (5 + len(name)).to_bytes(2, "little") + b"\1" + zlib.crc32(before).to_bytes(4, "little") + name
        for name, before in zip(unicode_names, old, strict=True)
    ]
    contents = ArchiveOfImages(zip_of(tmp_path / "x.zip", old, extra=extra)).contents()
    assert contents.class_names == ("犬", "猫")
    assert contents.notes == ()


def test_names_that_may_be_two_things_are_refused_with_both(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", files_of(["合格", "不良"], "gbk"))
    message = (
        f"{path}: The zip does not say how its names are encoded, and they do not tell "
        "(a folder may be '꼇좁' in cp949 or '不良' in gbk). "
        "Pack it again with names in UTF-8, or unpack it and give the folder."
    )
    with pytest.raises(DataError, match="^" + re.escape(message) + "$"):
        ArchiveOfImages(path).contents()


def test_names_of_files_alone_are_never_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.zip", [b"aaaa/\xff\xfe\x81.png", b"bbbb/\xb0\xa1.png"])
    assert ArchiveOfImages(path).contents().class_names == ("aaaa", "bbbb")


def test_files_under_decoded_names_are_opened(tmp_path: Path) -> None:
    save_picture(tmp_path / "1.png", seed=0)
    path = zip_of(
        tmp_path / "x.zip", files_of(["猫の写真", "犬の写真"], "cp932"), content=(tmp_path / "1.png").read_bytes()
    )
    data = load_data_set(str(path), home=tmp_path)
    assert (data.class_names, data.left_out) == (("犬の写真", "猫の写真"), ())


CLASSES = {
    "cp932": "猫 犬 鳥 魚 りんご みかん バナナ 花 木 車 自転車 電車 正常 異常 良品 不良品 傷 汚れ 表 裏 怒り 喜び 肺炎",
    "gbk": "猫 狗 鸟 鱼 马 苹果 香蕉 葡萄 花 树 汽车 自行车 飞机 正常 异常 合格 不合格 划痕 裂纹 愤怒 高兴 肺炎 玫瑰",
    "big5": "貓 狗 鳥 魚 馬 蘋果 香蕉 葡萄 花 樹 汽車 腳踏車 飛機 正常 異常 合格 不合格 刮痕 裂紋 憤怒 高興 肺炎",
    "cp949": "고양이 개 새 물고기 말 사과 바나나 포도 꽃 나무 자동차 자전거 비행기 정상 불량 긁힘 오염 균열 분노 기쁨",
    "cp866": "кошки собаки птицы яблоко банан цветок дерево машина самолёт норма брак трещина злость радость грусть",
    "cp1251": "кошки собаки птицы яблоко банан цветок дерево машина самолёт норма брак трещина злость радость грусть",
    "cp437": "Käfer Vögel Äpfel Bäume Blüte Straße Mädchen Löwe café éléphant écureuil forêt château garçon niño piña",
    "cp1252": "Käfer Vögel Äpfel Bäume Blüte Straße Mädchen Löwe café éléphant écureuil forêt château garçon niño piña",
}


@pytest.mark.parametrize("encoding", CLASSES)
def test_three_classes_are_hardly_ever_read_wrong(encoding: str) -> None:
    """All runs of three of these words: none is misread, and most are read."""
    words = CLASSES[encoding].split()
    read = refused = 0
    for first in range(len(words) - 2):
        folders = words[first : first + 3]
        raw = [word.encode(encoding) for word in folders]
        ranked = rank_encodings(raw)
        text = [word.decode(ranked[0][1]) for word in raw]
        rivals = [score for score, other in ranked[1:] if [word.decode(other, "replace") for word in raw] != text]
        if is_clear(raw, ranked[0][0], rivals[0], ranked[0][1]):
            assert text == folders
            read += 1
        else:
            refused += 1
    assert read >= refused
