"""Lists of networks: what a file may say, and which addresses are members."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streaming.enrichment.addresses import read_address
from streaming.enrichment.networks import NetworkListError, are_members, load_networks

LIST = """\
# data centres
20.0.0.0/8      # one
20.1.0.0/16     # inside the first
21.0.0.0/8
8.8.8.8
3.5.140.9/22    # host bits are ignored

2600:1f00::/24
2a01:4f8:1:2::/64
fd00::/8
"""
INSIDE = ["20.0.0.0", "20.1.2.3", "20.255.255.255", "21.255.255.255", "8.8.8.8", "3.5.143.255"]
INSIDE += ["2600:1fff::1", "2a01:4f8:1:2:3:4:5:6", "::ffff:20.0.0.1", "[2600:1f00::1]:443"]
OUTSIDE = ["19.255.255.255", "22.0.0.0", "8.8.8.7", "8.8.8.9", "3.5.144.0", "2600:2000::1"]
OUTSIDE += ["2a01:4f8:1:3::", "fd00::1", "garbage", ""]


@pytest.mark.parametrize(("texts", "expected"), [(INSIDE, True), (OUTSIDE, False)])
def test_membership(tmp_path: Path, texts: list[str], expected: bool) -> None:
    file = tmp_path / "networks.txt"
    file.write_text(LIST)
    networks = load_networks(file, "bots.data_center_networks")
    keys = np.array([read_address(text) for text in texts], dtype=np.int64)
    assert are_members(networks, keys).tolist() == [expected] * len(texts)


def test_neighbours_and_parts_are_one_range(tmp_path: Path) -> None:
    file = tmp_path / "networks.txt"
    file.write_text("21.0.0.0/8\n20.0.0.0/8\n20.1.0.0/16\n")
    assert load_networks(file, "s").tolist() == [20 << 24, 22 << 24]


def test_empty_list_has_no_members(tmp_path: Path) -> None:
    file = tmp_path / "networks.txt"
    file.write_text("# nothing yet\n")
    assert not are_members(load_networks(file, "s"), np.array([-1, 0, 2**62])).any()


def test_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "networks.txt"
    file.write_text("20.0.0.0/8\n20.0.0.0/33\n")
    with pytest.raises(NetworkListError, match=r"a\.setting: .*networks\.txt, line 2"):
        load_networks(file, "a.setting")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "networks.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NetworkListError, match=r"a\.setting: .*networks\.txt"):
        load_networks(file, "a.setting")
