// SQL: a statement, POST /query, and what came of it. Ctrl+Enter runs it. The text stays in this
// tab of the browser, not in the address: statements may name people.

import { explain, post } from "../api.js";
import { element, h } from "../dom.js";
import { formatCount } from "../format.js";
import { showResult } from "./result.js";
import { showSchema } from "./schema.js";

const TEXT = "web-analytics-sql";
const EXAMPLE = `SELECT date, sum(page_views) AS views,
       hll_sketch_estimate(hll_union_agg(visitors)) AS visitors
FROM gold.devices
WHERE NOT is_bot AND date >= current_date - INTERVAL 30 DAYS
GROUP BY date ORDER BY date`;

let isStarted = false;
let control = null;

export function startSql() {
  if (isStarted) return;
  isStarted = true;
  const text = element("sql");
  text.value = sessionStorage.getItem(TEXT) ?? EXAMPLE;
  text.addEventListener("input", () => sessionStorage.setItem(TEXT, text.value));
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  });
  element("run").addEventListener("click", run);
  element("stop").addEventListener("click", () => control?.abort());
  showSchema(insert);
}

function insert(name) {
  const text = element("sql");
  text.setRangeText(name, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input"));
  text.focus();
}

async function run() {
  const sql = element("sql").value.trim();
  if (!sql) return say("Write a statement first.");
  control?.abort();
  control = new AbortController();
  const { signal } = control;
  setRunning(true);
  say("Running. The first statement takes about ten seconds, for its engine starts then.");
  try {
    const answer = await post(
      "/query",
      { sql: element("sql").value, limit: Number(element("sql-limit").value) },
      { signal },
    );
    showResult(element("result"), answer);
    say(describe(answer));
  } catch (error) {
    if (signal.aborted) say("Stopped.");
    else showError(error);
  }
  if (control?.signal === signal) setRunning(false);
  return undefined;
}

function describe({ rows, truncated, meta }) {
  const more = truncated ? ", and there are more" : "";
  const name = rows.length === 1 ? "row" : "rows";
  return `${formatCount(rows.length)} ${name}${more}, ${formatCount(meta.elapsed_ms)} ms.`;
}

function setRunning(isRunning) {
  element("run").disabled = isRunning;
  element("stop").hidden = !isRunning;
  element("result").setAttribute("aria-busy", String(isRunning));
}

function say(text) {
  element("sql-state").textContent = text;
}

// Spark says where; the editor's cursor goes there.
function showError(error) {
  say("");
  const [detail = {}] = error.details ?? [];
  const isTheirs = error.status === 422;
  const place = detail.line ? `Line ${detail.line}, column ${detail.column}` : null;
  element("result").replaceChildren(
    h(
      "div",
      { class: "message problem", role: "alert" },
      h("p", {}, place && h("strong", {}, `${place}: `), isTheirs ? error.message : explain(error)),
      place && h("pre", {}, quote(detail)),
      detail.hint && h("p", {}, detail.hint),
      error.type === "sql_refused" &&
        h("p", { class: "muted" }, "Only statements that read Silver and Gold run here."),
    ),
  );
  if (place) select(detail);
}

function quote({ line, column, given }) {
  const text = element("sql").value.split("\n")[line - 1] ?? "";
  const length = Math.max(
    1,
    Math.min((given ?? "").split("\n")[0].length, text.length - column + 1),
  );
  return `${text}\n${" ".repeat(column - 1)}${"^".repeat(length)}`;
}

function select({ line, column, given }) {
  const text = element("sql");
  const start =
    text.value
      .split("\n")
      .slice(0, line - 1)
      .reduce((sum, one) => sum + one.length + 1, 0) +
    column -
    1;
  text.focus();
  text.setSelectionRange(start, start + (given?.length ?? 1));
}
