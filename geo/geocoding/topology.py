"""Where streets meet, from the network of their centerlines.

Charter: segments to pairs of street names at nodes; merging the nodes of one crossing and choosing among them is the
matcher's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from geo.crs import Floats, from_wgs84, to_wgs84
from geo.geocoding.model import Intersections, Ints, Objects, Segments
from geo.geocoding.reading import street_name

SNAP_M = 1.0
"""End points so close are one node."""

TOUCH_M = 2.0
"""An end point so close to the inside of another segment meets it."""

STRAY_M = 15.0
"""An end point farther from the others of its node number is not at that node, whatever the file says."""


def street_codes(texts: Objects) -> tuple[Ints, Objects]:
    """Every text's street as a position in the sorted canonical names, -1 for '', and those names."""
    codes, distinct = pd.factorize(texts)
    names = [_canonical(text) for text in distinct]
    ordered = np.unique(np.array([name for name in names if name], dtype=object))
    place = {name: k for k, name in enumerate(ordered.tolist())}
    out: Ints = np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int64)[codes]
    return out, ordered


def _canonical(text: str) -> str:
    """The street's canonical name; the text itself where it is in letters that have none ('улица Мира')."""
    return street_name(text).text() or " ".join(text.upper().split())


def intersections_of(segments: Segments, crs: str) -> Intersections:
    """Every unordered pair of different streets that meet at a node, each node once; `crs` is a metric one.

    Nodes are end points within SNAP_M and, where they lie near each other, end points with the same number in the file.
    A street also meets one whose segment passes within TOUCH_M of the node.

    Segments that cross inside both are a bridge and do not meet, unless the network is mostly not split where streets
    meet: that is so where such crossings and touched segments are more than nodes at which three and more segments end.

    A street's alternate names meet what it meets, but not the street itself. `street` sorts before `cross` by canonical
    name; rows are ordered by both, then by node.
    """
    if not len(segments):
        return _none()
    lines = _metric(segments.geometry, crs)
    node, x_m, y_m = _nodes(lines, segments)
    end_segment = np.tile(np.arange(len(segments)), 2)
    tree = STRtree(lines)
    touch_node, touch_segment = _touching(tree, lines, node, x_m, y_m)
    at = np.concatenate([node, touch_node])
    who = np.concatenate([end_segment, touch_segment])
    legs = np.bincount(node, minlength=len(x_m)) + 2 * np.bincount(touch_node, minlength=len(x_m))

    names = np.concatenate([segments.street, *segments.alternates])
    code, ordered = street_codes(names)
    code = code.reshape(1 + len(segments.alternates), len(segments))
    pairs = _pairs(at, who, code, len(ordered))

    over, under, cross_x, cross_y = _crossings(tree, lines, at, who, code[0])
    if len(over) + len(np.unique(touch_node)) > np.count_nonzero(np.bincount(node) >= 3):
        extra = np.arange(len(x_m), len(x_m) + len(over))
        x_m, y_m = np.concatenate([x_m, cross_x]), np.concatenate([y_m, cross_y])
        legs = np.concatenate([legs, np.full(len(over), 4, dtype=legs.dtype)])
        at, who = np.concatenate([at, extra, extra]), np.concatenate([who, over, under])
        pairs = _pairs(at, who, code, len(ordered))
    if pairs.empty:
        return _none()
    pairs = pairs.sort_values(["a", "b", "node"], kind="stable")
    where = pairs["node"].to_numpy()
    lon, lat = to_wgs84(x_m[where], y_m[where], crs)
    text = names.reshape(code.shape)
    return Intersections(
        street=text[pairs["a_kind"].to_numpy(), pairs["a_who"].to_numpy()],
        cross=text[pairs["b_kind"].to_numpy(), pairs["b_who"].to_numpy()],
        lon=lon,
        lat=lat,
        legs=legs[where].astype(np.int64),
    )


def _none() -> Intersections:
    text, number = np.empty(0, dtype=object), np.empty(0)
    return Intersections(text, text.copy(), number, number.copy(), np.empty(0, dtype=np.int64))


def _metric(geometry: Objects, crs: str) -> Objects:
    """Lines in degrees as lines in metres."""
    flat = shapely.force_2d(geometry)
    degrees = shapely.get_coordinates(flat)
    x_m, y_m = from_wgs84(degrees[:, 0], degrees[:, 1], crs)
    lines: Objects = shapely.set_coordinates(flat.copy(), np.column_stack([x_m, y_m]))
    return lines


def _components(count: int, left: Ints, right: Ints) -> Ints:
    """The group of each of `count` things when the pairs are joined: every group has its least member's number."""
    label = np.arange(count)
    while True:
        before = label.copy()
        least = np.minimum(label[left], label[right])
        np.minimum.at(label, left, least)
        np.minimum.at(label, right, least)
        label = label[label]
        if np.array_equal(label, before):
            return label


def _nodes(lines: Objects, segments: Segments) -> tuple[Ints, Floats, Floats]:
    """The node of every segment's start, then of every segment's end; and where the nodes are (metres)."""
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    xy = shapely.get_coordinates(ends)
    spot, distinct = pd.factorize(np.round(xy[:, 0], 3) + 1j * np.round(xy[:, 1], 3))
    points = shapely.points(distinct.real, distinct.imag)
    left, right = STRtree(points).query(points, predicate="dwithin", distance=SNAP_M)
    by_place = _components(len(points), left, right)[spot]
    given = np.concatenate([segments.from_node, segments.to_node])
    label = _with_numbers(by_place, given, xy)
    node, _ = pd.factorize(label)
    many = np.bincount(node)
    return node.astype(np.int64), np.bincount(node, xy[:, 0]) / many, np.bincount(node, xy[:, 1]) / many


def _with_numbers(by_place: Ints, given: Ints, xy: NDArray[np.float64]) -> Ints:
    """Nodes by place, mended by the file's numbers as far as place bears them out.

    Ends with one number that lie within STRAY_M of their middle are joined. Ends at one place under different numbers
    are a road over another, and kept apart, where the numbers are otherwise good: where 19 of 20 ends with a number
    have the commonest number of their place.
    """
    has = np.flatnonzero(given >= 0)
    if not has.size:
        return by_place
    table = pd.DataFrame({"end": has, "place": by_place[has], "number": given[has], "x": xy[has, 0], "y": xy[has, 1]})
    middle = table.groupby("number")[["x", "y"]].transform("median")
    table = table[np.hypot(table["x"] - middle["x"], table["y"] - middle["y"]) <= STRAY_M]
    commonest = table.groupby(["place", "number"]).size().groupby("place").max().sum()
    apart = commonest >= 0.95 * len(table)
    by_number = pd.factorize(table["number"])[0] + len(by_place)
    if apart:
        label = by_place.copy()
        label[table["end"].to_numpy()] = by_number
        # An end without a number joins those of its place, whichever is met first.
        number_at = dict(zip(table["place"].tolist()[::-1], by_number.tolist()[::-1], strict=True))
        loose = np.setdiff1d(np.arange(len(by_place)), table["end"].to_numpy())
        label[loose] = [number_at.get(place, place) for place in by_place[loose].tolist()]
        return label
    joined = _components(len(by_place) + int(by_number.max()) + 1, table["place"].to_numpy(), by_number)
    return joined[by_place]


def _touching(tree: STRtree, lines: Objects, node: Ints, x_m: Floats, y_m: Floats) -> tuple[Ints, Ints]:
    """Nodes and the segments that pass by them within TOUCH_M.

    Not those that end there, nor those whose end is at the very place: they are another node by the file's numbers.
    """
    at, segment = tree.query(shapely.points(x_m, y_m), predicate="dwithin", distance=TOUCH_M)
    fresh = np.ones(len(at), dtype=bool)
    for k, ends in enumerate((node[: len(lines)], node[len(lines) :])):
        tip = shapely.get_coordinates(shapely.get_point(lines, -k))[segment]
        fresh &= (ends[segment] != at) & (np.hypot(tip[:, 0] - x_m[at], tip[:, 1] - y_m[at]) > SNAP_M)
    return at[fresh].astype(np.int64), segment[fresh].astype(np.int64)


def _pairs(at: Ints, who: Ints, code: NDArray[np.int64], names: int) -> pd.DataFrame:
    """Pairs of different names at each node: node, a, b (codes, a < b) and the segment and kind of name of each."""
    kinds = len(code)
    rows = pd.DataFrame(
        {
            "node": np.tile(at, kinds),
            "who": np.tile(who, kinds),
            "kind": np.repeat(np.arange(kinds), len(at)),
            "code": code[:, who].ravel(),
        }
    )
    rows = rows[rows["code"] >= 0]
    once = rows.drop_duplicates(["node", "code"])
    several = once["node"].duplicated(keep=False)
    once = once[several]
    both = once.merge(once, on="node", suffixes=("_a", "_b"))
    both = both[both["code_a"] < both["code_b"]]
    if kinds > 1:
        both = both[~_names_of_one(rows, both, names)]
    return both.rename(
        columns={
            "code_a": "a",
            "code_b": "b",
            "who_a": "a_who",
            "who_b": "b_who",
            "kind_a": "a_kind",
            "kind_b": "b_kind",
        }
    )


def _names_of_one(rows: pd.DataFrame, both: pd.DataFrame, names: int) -> NDArray[np.bool_]:
    """Which pairs are two names of one segment at that node."""
    same = rows.drop_duplicates(["node", "who", "code"])
    same = same[same.duplicated(["node", "who"], keep=False)]
    same = same.merge(same, on=["node", "who"], suffixes=("_a", "_b"))
    same = same[same["code_a"] < same["code_b"]]
    keys = [(f["node"] * names + f["code_a"]) * names + f["code_b"] for f in (both, same)]
    out: NDArray[np.bool_] = np.isin(keys[0].to_numpy(np.int64), keys[1].to_numpy(np.int64))
    return out


def _crossings(tree: STRtree, lines: Objects, at: Ints, who: Ints, code: Ints) -> tuple[Ints, Ints, Floats, Floats]:
    """Two segments of different streets, and where they cross (metres) inside both and do not meet at a node."""
    left, right = tree.query(lines)
    wanted = (left < right) & (code[left] != code[right]) & (code[left] >= 0) & (code[right] >= 0)
    left, right = left[wanted], right[wanted]
    meet = _meeting(at, who, len(lines))
    apart = ~np.isin(left * len(lines) + right, meet)
    left, right = left[apart], right[apart]
    crosses = shapely.crosses(lines[left], lines[right])
    left, right = left[crosses], right[crosses]
    spots, which = shapely.get_parts(shapely.intersection(lines[left], lines[right]), return_index=True)
    single = shapely.get_type_id(spots) == 0
    spots, which = spots[single], which[single]
    return left[which], right[which], shapely.get_x(spots), shapely.get_y(spots)


def _meeting(at: Ints, who: Ints, count: int) -> Ints:
    """Pairs of segments that meet at some node, as lesser * count + greater."""
    rows = pd.DataFrame({"node": at, "who": who}).drop_duplicates()
    both = rows.merge(rows, on="node")
    a, b = both["who_x"].to_numpy(), both["who_y"].to_numpy()
    return np.unique((a * count + b)[a < b])
