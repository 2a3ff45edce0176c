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
const NORTH = 84;
const SOUTH = -57;

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

const EDGE = project([180, 0])[0];
const TOP = project([0, NORTH])[1];
const SCALE = WIDTH / (2 * EDGE);
const HEIGHT = Math.round((project([0, SOUTH])[1] - TOP) * SCALE);

function place(point) {
  const [x, y] = project(point);
  return [(x + EDGE) * SCALE, (y - TOP) * SCALE];
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

// To half a unit, by differences, without points that fall on the one before.
function writeRing(ring) {
  let [x, y] = [0, 0];
  let text = "";
  for (const point of ring.slice(0, -1)) {
    const [nextX, nextY] = place(point).map((value) => Math.round(value * 2));
    const [dx, dy] = [nextX - x, nextY - y];
    if (text && !dx && !dy) continue;
    text += `${text ? "l" : "m"}${dx / 2}${dy < 0 ? "" : " "}${dy / 2}`;
    [x, y] = [nextX, nextY];
  }
  // A relative move after `z` counts from where the ring began: say the place itself.
  return `${text.replace("m", "M")}z`;
}

function findCode({ id, properties: { name } }) {
  if (!id) return UNNUMBERED[name];
  // CLDR knows which letters a number means.
  return new Intl.Locale(Intl.getCanonicalLocales(`und-${id}`)[0]).region;
}

const atlas = JSON.parse(readFileSync(process.argv[2], "utf8"));
const arcs = readArcs(atlas);
const paths = [];
for (const country of atlas.objects.countries.geometries) {
  const code = findCode(country);
  if (LEFT_OUT.has(code)) continue;
  const polygons = country.type === "Polygon" ? [country.arcs] : country.arcs;
  const rings = polygons.flat().map((ring) => writeRing(joinRing(ring, arcs)));
  const id = code ? ` id="${code}"` : "";
  paths.push(`<path${id} d="${rings.join("")}"/>`);
}
paths.sort();
const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">`;
process.stdout.write(`${[head, ...paths, "</svg>"].join("\n")}\n`);
