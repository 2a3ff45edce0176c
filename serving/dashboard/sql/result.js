// What a statement gave: as a table, as a chart, as CSV.

import { saveFile } from "../api.js";
import { makeChart } from "../charts/line.js";
import { choices, h } from "../dom.js";
import { formatCount, formatTime } from "../format.js";
import { tellEmpty } from "../panels/panel.js";
import { makeTable } from "../panels/table.js";

const MOST_SHOWN = 1_000;
const MOST_BARS = 50;
const MOST_LINES = 4;
const NUMBERS = /^(tinyint|smallint|int|bigint|float|double|decimal)/;
const TIMES = /^(date|timestamp)/;
// A cell that begins so may be run as a formula by a spreadsheet; the API's own CSV does the same.
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

let form = "table";

export function showResult(box, answer) {
  const draw = () => {
    const nodes = form === "chart" ? drawChart(answer) : drawTable(answer);
    const csv = h(
      "button",
      {
        type: "button",
        class: "csv",
        onclick: () => saveFile(new Blob([writeCsv(answer)], { type: "text/csv" }), "query.csv"),
      },
      "CSV",
    );
    const tabs = choices(
      "Result as",
      [
        ["table", "Table"],
        ["chart", "Chart"],
      ],
      form,
      (key) => {
        form = key;
        draw();
        box.querySelector(`[data-key=${key}]`).focus();
      },
    );
    box.replaceChildren(
      h("div", { class: "head" }, h("h2", {}, "Result"), h("div", { class: "tools" }, tabs, csv)),
      ...[nodes].flat(),
    );
  };
  draw();
}

const isNumber = (column) => NUMBERS.test(column.type);
const show = (value) =>
  value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value);

function drawTable({ columns, rows }) {
  if (!rows.length) return tellEmpty("The statement gave no rows.");
  const cell = (value, index) =>
    h(
      "td",
      { class: `${isNumber(columns[index]) ? "number" : ""} ${value === null ? "muted" : ""}` },
      isNumber(columns[index]) && typeof value === "number" ? formatCount(value) : show(value),
    );
  const table = h(
    "table",
    {},
    h("caption", { class: "spoken" }, "Result of the statement"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((column) =>
          h(
            "th",
            { scope: "col", title: column.type, class: isNumber(column) ? "number" : null },
            column.name,
          ),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      rows.slice(0, MOST_SHOWN).map((row) => h("tr", {}, row.map(cell))),
    ),
  );
  const note =
    rows.length > MOST_SHOWN &&
    h("p", { class: "note" }, `The first ${formatCount(MOST_SHOWN)} rows; the CSV has all.`);
  return [
    h(
      "div",
      { class: "scroll result", tabindex: "0", role: "region", "aria-label": "Result" },
      table,
    ),
    note,
  ].filter(Boolean);
}

// By time as lines, by anything else as bars: the first column that is no number names the rows.
function drawChart({ columns, rows }) {
  const naming = columns.findIndex((column) => !isNumber(column));
  const numbers = columns
    .map((column, index) => ({ ...column, index }))
    .filter((column) => isNumber(column) && column.index !== naming);
  if (!rows.length || !numbers.length)
    return tellEmpty(
      "A chart takes a column of numbers, and best one of times or names before it.",
    );
  const isTime = naming >= 0 && TIMES.test(columns[naming].type);
  return isTime || naming < 0
    ? drawLines(columns, rows, naming, numbers)
    : drawBars(columns, rows, naming, numbers[0]);
}

function drawLines(columns, rows, naming, numbers) {
  const sorted =
    naming < 0
      ? rows
      : [...rows].sort((one, other) => String(one[naming]).localeCompare(String(other[naming])));
  const isDay = naming >= 0 && columns[naming].type === "date";
  const name = (index, short) => {
    if (naming < 0) return String(index + 1);
    const value = sorted[index][naming];
    if (value === null) return "null";
    return isDay
      ? formatTime(value, short ? "day" : "date")
      : formatTime(value, short ? "hour" : "hourOfDay");
  };
  const series = numbers.slice(0, MOST_LINES).map((column) => ({
    name: column.name,
    format: (value) => (value === null ? "–" : formatCount(value)),
    values: sorted.map((row) => row[column.index]),
  }));
  const labels = { tick: (index) => name(index, true), full: (index) => name(index, false) };
  const legend = h(
    "ul",
    { class: "legend" },
    series.map((one, number) =>
      h("li", {}, h("span", { class: `key series-${number}` }), one.name),
    ),
  );
  return [
    legend,
    makeChart({
      label: series.map((one) => one.name).join(", "),
      count: sorted.length,
      labels,
      series,
    }),
  ];
}

function drawBars(columns, rows, naming, column) {
  return makeTable({
    caption: `${column.name} by ${columns[naming].name}`,
    rows: rows
      .slice(0, MOST_BARS)
      .map((row) => ({ name: show(row[naming]), value: row[column.index] })),
    shown: MOST_BARS,
    name: { label: columns[naming].name, of: (row) => row.name },
    bar: "value",
    columns: [{ key: "value", label: column.name, format: formatCount }],
  });
}

function writeCsv({ columns, rows }) {
  const write = (value) => {
    if (value === null) return "";
    const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : show(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((column) => column.name), ...rows]
    .map((row) => `${row.map(write).join(",")}\r\n`)
    .join("");
}
