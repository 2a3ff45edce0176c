// Values over time as lines: axes, what the pointer or the arrow keys are at, and a table.
// Drawn in the element's own pixels, again when its width changes; colours are the style sheet's.

import { h, s } from "../dom.js";
import { isKnown, makeLine, makeTicks } from "./scale.js";

const HEIGHT = 260;
const MARGIN = { top: 12, right: 12, bottom: 26 };
const TICK_WIDTH = 72;
const DIGIT_WIDTH = 6.8;

// labels: {tick(index), full(index), fullBefore(index)};
// series: [{name, values, before?, format, tick?}].
export function makeChart({ label, count, labels, series, height = HEIGHT }) {
  const svg = s("svg", {
    class: "plot",
    role: "img",
    "aria-label": label,
    tabindex: "0",
    "data-key": "plot",
    height,
  });
  const tip = h("div", { class: "tip", hidden: true });
  const box = h("div", { class: "chart" }, svg, tip, h("div", { class: "spoken", role: "status" }));
  const all = series.flatMap((one) => [...one.values, ...(one.before?.slice(0, count) ?? [])]);
  const ticks = makeTicks(Math.max(...all.filter(isKnown), 0));
  const top = ticks.at(-1);
  const names = ticks.map(series[0].tick ?? series[0].format);
  const left = Math.max(...names.map((name) => name.length)) * DIGIT_WIDTH + 12;
  let width = 0;
  let at = -1;

  const inner = () => width - left - MARGIN.right;
  const x = (index) => left + (count > 1 ? (inner() * index) / (count - 1) : inner() / 2);
  const y = (value) =>
    height - MARGIN.bottom - ((height - MARGIN.top - MARGIN.bottom) * value) / top;

  // The first and the last name must not stick out.
  function placeOf(index) {
    if (index === 0 && count > 1) return "first";
    return index === count - 1 && count > 1 ? "last" : "";
  }

  function drawAxes() {
    const lines = ticks.map((tick, number) => [
      s("line", {
        class: tick ? "grid" : "base",
        x1: left,
        x2: width - MARGIN.right,
        y1: y(tick),
        y2: y(tick),
      }),
      s("text", { class: "tick left", x: left - 8, y: y(tick) + 4 }, names[number]),
    ]);
    const every = Math.ceil(count / Math.max(Math.floor(inner() / TICK_WIDTH), 1));
    const shown = Array.from({ length: Math.ceil(count / every) }, (_, number) => number * every);
    const times = shown.map((index) => {
      const place = { class: `tick ${placeOf(index)}`, x: x(index), y: height - 8 };
      return s("text", place, labels.tick(index));
    });
    return s("g", { "aria-hidden": "true" }, lines, times);
  }

  function drawSeries(one, number) {
    const firstKnown = one.values.findIndex(isKnown);
    const lastKnown = one.values.findLastIndex(isKnown);
    const line = makeLine(one.values, x, y);
    const isWhole = one.values.slice(firstKnown, lastKnown + 1).every(isKnown);
    const hasArea = number === 0 && lastKnown > firstKnown && isWhole;
    return s(
      "g",
      { class: `series series-${number}` },
      one.before &&
        s("path", { class: "line before", d: makeLine(one.before.slice(0, count), x, y) }),
      hasArea &&
        s("path", {
          class: "area",
          d: `${line}L${x(lastKnown)} ${y(0)}L${x(firstKnown)} ${y(0)}Z`,
        }),
      s("path", { class: "line", d: line }),
      firstKnown >= 0 &&
        firstKnown === lastKnown &&
        s("circle", { class: "dot", cx: x(firstKnown), cy: y(one.values[firstKnown]), r: 3.5 }),
    );
  }

  function draw() {
    const drawn = Math.round(box.clientWidth);
    if (!drawn || drawn === width) return;
    width = drawn;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(
      drawAxes(),
      ...series.map(drawSeries).reverse(),
      s("g", { class: "cursor" }),
    );
    if (at >= 0) point(at);
  }

  function point(index) {
    at = Math.min(Math.max(index, 0), count - 1);
    const dots = series.map((one, number) =>
      !isKnown(one.values[at])
        ? null
        : s("circle", { class: `dot series-${number}`, cx: x(at), cy: y(one.values[at]), r: 4 }),
    );
    svg
      .querySelector(".cursor")
      .replaceChildren(
        s("line", { x1: x(at), x2: x(at), y1: MARGIN.top, y2: height - MARGIN.bottom }),
        ...dots.filter(Boolean),
      );
    tip.replaceChildren(...describe(at));
    tip.hidden = false;
    const side = x(at) > width / 2 ? x(at) - tip.offsetWidth - 12 : x(at) + 12;
    tip.style.setProperty("left", `${Math.max(0, side)}px`);
  }

  function describe(index) {
    const row = (number, name, value, isBefore) =>
      h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          h("span", { class: `key series-${number} ${isBefore ? "before" : ""}` }),
          name,
        ),
        h("td", {}, value),
      );
    const hasBefore = series.some((one) => one.before);
    return [
      h("p", {}, labels.full(index)),
      h(
        "table",
        {},
        series.map((one, number) =>
          row(
            number,
            one.name,
            one.values[index] === undefined ? "–" : one.format(one.values[index]),
          ),
        ),
      ),
      hasBefore && h("p", { class: "was" }, labels.fullBefore(index)),
      hasBefore &&
        h(
          "table",
          {},
          series.map((one, number) =>
            row(number, one.name, one.format(one.before[index] ?? null), true),
          ),
        ),
    ].filter(Boolean);
  }

  function leave() {
    at = -1;
    tip.hidden = true;
    svg.querySelector(".cursor")?.replaceChildren();
  }

  svg.addEventListener("pointermove", (event) => {
    const share = (event.clientX - svg.getBoundingClientRect().left - left) / inner();
    point(Math.round(share * (count - 1)));
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const moves = {
      ArrowLeft: at < 0 ? count - 1 : at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: count - 1,
    };
    if (event.key === "Escape") leave();
    if (!(event.key in moves)) return;
    event.preventDefault();
    point(moves[event.key]);
    box.querySelector("[role=status]").textContent = [
      labels.full(at),
      ...series.map((one) => `${one.name} ${one.format(one.values[at] ?? null)}`),
    ].join(", ");
  });
  new ResizeObserver(draw).observe(box);
  return box;
}

// The same numbers for whoever cannot see lines; made when somebody opens it.
export function makeChartTable({ caption, ...about }) {
  const box = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
  const details = h("details", { class: "as-table" }, h("summary", {}, "Show as table"), box);
  details.addEventListener("toggle", () => {
    if (details.open && !box.firstChild) box.append(drawTable(caption, about));
  });
  return details;
}

function drawTable(caption, { count, labels, series }) {
  const columns = series.flatMap((one) => {
    const now = { name: one.name, at: (index) => one.format(one.values[index] ?? null) };
    const before = {
      name: `${one.name}, before`,
      at: (index) => one.format(one.before[index] ?? null),
    };
    return one.before ? [now, before] : [now];
  });
  const rows = Array.from({ length: count }, (_, index) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, labels.full(index)),
      columns.map(({ at }) => h("td", {}, at(index))),
    ),
  );
  const names = ["Time", ...columns.map(({ name }) => name)];
  return h(
    "table",
    {},
    h("caption", { class: "spoken" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        names.map((name) => h("th", { scope: "col" }, name)),
      ),
    ),
    h("tbody", {}, rows),
  );
}
