// Makes serving/dashboard/vendor/world-atlas/world.svg: one path per country, its id the ISO-3166 code.
// From the TopoJSON of npm's world-atlas (Natural Earth, 1:110m), which needs no package to read:
//   npm pack world-atlas && tar xzf world-atlas-*.tgz
//   node scripts/make_world_map.mjs package/countries-110m.json > serving/dashboard/vendor/world-atlas/world.svg

import { readFileSync } from "node:fs";

const WIDTH = 960;
// Without Antarctica, where nobody browses, the map is a third larger.
const LEFT_OUT = new Set(["AQ"]);
// What world-atlas gives no number; the others have their name only for the table.
const UNNUMBERED = { Kosovo: "XK" };

// Equal Earth (Šavrič, Patterson, Jenny 2018): areas are true, so a large country is a large one.
const A = [1.340264, -0.081106, 0.000893, 0.003796];
const M = Math.sqrt(3) / 2;

function project([longitude, latitude]) {
  const theta = Math.asin(M * Math.sin((latitude * Math.PI) / 180));
  const t2 = theta ** 2;
  const t6 = t2 ** 3;
  const lambda = (longitude * Math.PI) / 180;
  const slope = A[0] + 3 * A[1] * t2 + t6 * (7 * A[2] + 9 * A[3] * t2);
  return [
    (lambda * Math.cos(theta)) / (M * slope),
    -theta * (A[0] + A[1] * t2 + t6 * (A[2] + A[3] * t2)),
  ];
}

// Arcs are whole numbers, each point as its distance from the one before.
function readArcs({ arcs, transform: { scale, translate } }) {
  return arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => {
      [x, y] = [x + dx, y + dy];
      return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
    });
  });
}

// A ring names its arcs; ~i is arc i the other way round. The first point of each but the first
// is the last of the one before.
function joinRing(indexes, arcs) {
  return indexes.flatMap((index, position) => {
    const arc = index < 0 ? [...arcs[~index]].reverse() : arcs[index];
    return position ? arc.slice(1) : arc;
  });
}

// Across the 180th meridian longitudes go on (181, not -179), so Russia and Fiji are in one piece.
function unwrap(ring) {
  let turn = 0;
  const whole = ring.map(([longitude, latitude], index) => {
    const step = index ? longitude - ring[index - 1][0] : 0;
    if (Math.abs(step) > 180) turn -= 360 * Math.sign(step);
    return [longitude + turn, latitude];
  });
  const middle = whole.reduce((sum, [longitude]) => sum + longitude, 0) / whole.length;
  const back = 360 * Math.round(middle / 360);
  return whole.map(([longitude, latitude]) => [longitude - back, latitude]);
}

// To half a unit, by differences, without points that fall on the one before.
function writeRing(ring, place) {
  let [x, y] = [0, 0];
  let text = "";
  for (const point of ring.slice(0, -1)) {
    const [nextX, nextY] = place(point).map((value) => Math.round(value * 2));
    const [dx, dy] = [nextX - x, nextY - y];
    if (text && !dx && !dy) continue;
    text += `${text ? "l" : "M"}${dx / 2}${dy < 0 ? "" : " "}${dy / 2}`;
    [x, y] = [nextX, nextY];
  }
  return `${text}z`;
}

function findCode({ id, properties: { name } }) {
  if (!id) return UNNUMBERED[name];
  // CLDR knows which letters a number means.
  return new Intl.Locale(Intl.getCanonicalLocales(`und-${id}`)[0]).region;
}

const atlas = JSON.parse(readFileSync(process.argv[2], "utf8"));
const arcs = readArcs(atlas);
const countries = atlas.objects.countries.geometries
  .map((country) => ({ code: findCode(country), ...country }))
  .filter(({ code }) => !LEFT_OUT.has(code))
  .map(({ code, type, arcs: indexes }) => {
    const polygons = type === "Polygon" ? [indexes] : indexes;
    const rings = polygons.flat().map((ring) => unwrap(joinRing(ring, arcs)).map(project));
    return { code, rings };
  });

// The picture ends where the land does.
const points = countries.flatMap(({ rings }) => rings.flat());
const [left, top, right, bottom] = [
  [0, Math.min],
  [1, Math.min],
  [0, Math.max],
  [1, Math.max],
].map(([axis, choose]) => points.map((point) => point[axis]).reduce((a, b) => choose(a, b)));
const scale = WIDTH / (right - left);
const place = ([x, y]) => [(x - left) * scale, (y - top) * scale];
const paths = countries.map(({ code, rings }) => {
  const id = code ? ` id="${code}"` : "";
  return `<path${id} d="${rings.map((ring) => writeRing(ring, place)).join("")}"/>`;
});
paths.sort();
const height = Math.ceil((bottom - top) * scale);
const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}">`;
process.stdout.write(`${[head, ...paths, "</svg>"].join("\n")}\n`);
