// A line so small that it has no axes: only the shape.

import { s } from "../dom.js";
import { isKnown, makeLine } from "./scale.js";

const WIDTH = 100;
const HEIGHT = 24;

export function makeSpark(values) {
  const known = values.filter(isKnown);
  const most = Math.max(...known, 0) || 1;
  const x = (index) => (WIDTH * index) / Math.max(values.length - 1, 1);
  const y = (value) => HEIGHT - 2 - ((HEIGHT - 4) * value) / most;
  const line = makeLine(values, x, y);
  const [first, last] = [values.findIndex(isKnown), values.findLastIndex(isKnown)];
  const foot = (index) => `L${x(index).toFixed(1)} ${HEIGHT}`;
  const area = last > first ? `${line}${foot(last)}${foot(first)}Z` : "";
  return s(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    s("path", { class: "area", d: area }),
    s("path", { class: "line", d: line }),
  );
}
