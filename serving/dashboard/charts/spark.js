// A line so small that it has no axes: only the shape.

import { s } from "../dom.js";
import { makeLine } from "./scale.js";

const WIDTH = 100;
const HEIGHT = 24;

export function makeSpark(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const most = Math.max(...known, 0) || 1;
  const x = (index) => (WIDTH * index) / Math.max(values.length - 1, 1);
  const y = (value) => HEIGHT - 2 - ((HEIGHT - 4) * value) / most;
  const last = values.findLastIndex((value) => value !== null && value !== undefined);
  const line = makeLine(values, x, y);
  const area =
    known.length > 1
      ? `${line}L${x(last).toFixed(1)} ${HEIGHT}L${x(values.findIndex((value) => value !== null && value !== undefined)).toFixed(1)} ${HEIGHT}Z`
      : "";
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
