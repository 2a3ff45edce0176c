// The dashboard's one page: asks the API, shows the answers, asks again.
// From GET /pages and GET /sessions to the elements of index.html. `?start=...&end=...&site_id=...`
// of the page's own address is handed on, so another range can be looked at.

const REFRESH_MS = 10_000;
const OLD_AFTER_S = 300;
const HANDED_ON = ["start", "end", "site_id", "include_bots"];
const SVG = "http://www.w3.org/2000/svg";
const CHART = { width: 700, height: 160, foot: 22, head: 18 };

const whole = new Intl.NumberFormat("en");
const share = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
const minute = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium", timeStyle: "short", timeZone: "UTC",
});

const element = (id) => document.getElementById(id);
const orDash = (value, format) => (value === null || value === undefined ? "–" : format(value));

class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  const own = new URLSearchParams(location.search);
  for (const name of HANDED_ON) if (own.has(name)) query.set(name, own.get(name));
  const response = await fetch(`${path}?${query}`, { headers: { Accept: "application/json" } });
  const answer = await response.json();
  if (!response.ok) throw new ApiError(response.status, answer.error.message);
  return answer;
}

function formatDuration(seconds) {
  const total = Math.round(seconds);
  return total < 60 ? `${total} s` : `${Math.floor(total / 60)} min ${total % 60} s`;
}

function formatAge(seconds) {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

function showTotals(pages, sessions) {
  const total = sessions.data[0] ?? {};
  const views = pages.data.reduce((sum, row) => sum + row.page_views, 0);
  element("page_views").textContent = whole.format(views);
  element("unique_visitors").textContent = whole.format(total.unique_visitors ?? 0);
  element("sessions").textContent = whole.format(total.sessions ?? 0);
  element("bounce_rate").textContent = orDash(total.bounce_rate, share.format);
  element("avg_duration_s").textContent = orDash(total.avg_duration_s, formatDuration);
  const until = sessions.meta.complete_until;
  element("complete").textContent = until ? `, all of them up to ${minute.format(new Date(until))}` : "";
}

function showRange(meta) {
  const last = new Date(new Date(meta.end) - 1);
  const text = `${day.format(new Date(meta.start))} – ${day.format(last)} ${last.getUTCFullYear()}`;
  element("range").textContent = text;
}

function showFreshness(asOf) {
  const badge = element("freshness");
  if (!asOf) {
    badge.dataset.state = "waiting";
    badge.textContent = "Waiting for data";
    return;
  }
  const age = (Date.now() - new Date(asOf)) / 1000;
  badge.dataset.state = age <= OLD_AFTER_S ? "fresh" : "old";
  badge.textContent = `Newest data ${formatAge(age)} old`;
  badge.title = `As of ${minute.format(new Date(asOf))} UTC`;
}

function makeCell(tag, text, className = "") {
  const cell = document.createElement(tag);
  cell.textContent = text;
  cell.className = className;
  return cell;
}

function makeRow(page, most) {
  const row = document.createElement("tr");
  const name = makeCell("th", page.page_path, "share");
  name.scope = "row";
  name.title = page.page_path;
  name.style.backgroundSize = `${(100 * page.page_views) / Math.max(most, 1)}% 70%`;
  row.append(
    name,
    makeCell("td", whole.format(page.page_views), "number"),
    makeCell("td", whole.format(page.unique_visitors), "number"),
    makeCell("td", whole.format(page.entries), "number"),
    makeCell("td", whole.format(page.exits), "number"),
    makeCell("td", orDash(page.bounce_rate, share.format), "number"),
    makeCell("td", orDash(page.load_time_p50_ms, (ms) => `${Math.round(ms)} ms`), "number"),
  );
  return row;
}

function showPages(pages) {
  const top = pages.data.slice(0, 20);
  const rows = top.map((page) => makeRow(page, top[0].page_views));
  if (rows.length === 0) {
    const empty = document.createElement("tr");
    const cell = makeCell("td", "No page views in this range.", "muted");
    cell.colSpan = 7;
    empty.append(cell);
    rows.push(empty);
  }
  element("rows").replaceChildren(...rows);
}

function draw(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

function showChart(days) {
  const svg = element("chart");
  const most = Math.max(1, ...days.data.map((row) => row.sessions));
  const step = CHART.width / Math.max(days.data.length, 1);
  const room = CHART.height - CHART.foot - CHART.head;
  const base = CHART.height - CHART.foot;
  const nodes = [draw("line", { x1: 0, x2: CHART.width, y1: base, y2: base })];
  const sparse = Math.ceil(days.data.length / 10);
  days.data.forEach((row, index) => {
    const height = (room * row.sessions) / most;
    const middle = step * (index + 0.5);
    const width = Math.min(step * 0.7, 60);
    nodes.push(draw("rect", { x: middle - width / 2, y: base - height, width, height, rx: 3 }));
    if (index % sparse) return;
    nodes.push(draw("text", { x: middle, y: base - height - 5 }, whole.format(row.sessions)));
    nodes.push(draw("text", { x: middle, y: CHART.height - 6 }, day.format(new Date(row.bucket))));
  });
  const text = days.data.map((row) => `${day.format(new Date(row.bucket))}: ${row.sessions}`);
  const description = draw("desc", { id: "chart-text" }, text.join(", ") || "No sessions yet.");
  svg.replaceChildren(description, ...nodes);
}

function showProblem(error) {
  const problem = element("problem");
  problem.hidden = !error;
  if (!error) return;
  const isKey = error.status === 401;
  problem.textContent = isKey
    ? "This page may not read the API. Open it as http://localhost on the machine that runs it."
    : `The API could not answer: ${error.message}`;
  element("freshness").dataset.state = "lost";
  element("freshness").textContent = "No answer";
}

async function refresh() {
  try {
    const [pages, sessions, days] = await Promise.all([
      ask("/pages", { limit: 10_000 }),
      ask("/sessions"),
      ask("/sessions", { interval: "day", limit: 400 }),
    ]);
    showProblem(null);
    showRange(pages.meta);
    showTotals(pages, sessions);
    showFreshness(pages.meta.as_of);
    showChart(days);
    showPages(pages);
  } catch (error) {
    showProblem(error);
  }
}

// One after another, and only while somebody looks.
async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, REFRESH_MS);
}

document.addEventListener("visibilitychange", () => document.hidden || refresh());
keepFresh();
