// Which times are meant: from the state to ranges as the API takes them, and to the intervals of
// a chart. All by the wall clock of the site's time zone, which the API knows: no offsets here.

const DAY_MS = 86_400_000;
const DAYS = { today: 1, "7d": 7, "30d": 30, "90d": 90 };

const toDate = (ms) => new Date(ms).toISOString().slice(0, 10);
const toHour = (ms) => new Date(ms).toISOString().slice(0, 16);

// What the clock in the zone shows, as if it were UTC.
function readClock(zone, now) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  }).formatToParts(now);
  const { year, month, day, hour, minute } = Object.fromEntries(
    parts.map(({ type, value }) => [type, value]),
  );
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}Z`);
}

function chooseInterval(days) {
  if (days <= 2) return "hour";
  return days <= 100 ? "day" : "week";
}

// `before` is as long and comes just before, so that Mondays meet Mondays in 7 days. `beforeSoFar`
// ends at the same hour of it as now: half a day is compared with half a day.
export function resolveRange(state, zone, now = new Date()) {
  const clock = readClock(zone, now);
  const today = Math.floor(clock / DAY_MS) * DAY_MS;
  const isCustom = state.range === "custom";
  const end = isCustom ? Date.parse(state.end) : today + DAY_MS;
  const start = isCustom ? Date.parse(state.start) : end - DAYS[state.range] * DAY_MS;
  const days = (end - start) / DAY_MS;
  const comingHour = Math.floor(clock / 3_600_000 + 1) * 3_600_000;
  const isRunning = start <= clock && clock < end;
  const back = (ms) => ms - days * DAY_MS;
  return {
    days,
    isRunning,
    clock: toHour(clock),
    interval: state.interval || chooseInterval(days),
    start: toDate(start),
    end: toDate(end),
    lastDay: toDate(end - DAY_MS),
    before: { start: toDate(back(start)), end: toDate(start) },
    beforeSoFar: {
      start: toDate(back(start)),
      end: isRunning ? toHour(back(comingHour)) : toDate(start),
    },
  };
}

function floorTo(ms, interval) {
  const date = new Date(ms);
  if (interval === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  if (interval === "week") return ms - ((date.getUTCDay() + 6) % 7) * DAY_MS;
  return ms;
}

function step(ms, interval) {
  const date = new Date(ms);
  if (interval === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  return ms + { hour: DAY_MS / 24, day: DAY_MS, week: 7 * DAY_MS }[interval];
}

// The start of every interval, also of those in which nothing happened.
export function listBuckets({ start, end }, interval) {
  const buckets = [];
  const last = Date.parse(end.length === 10 ? end : `${end}Z`);
  for (let at = floorTo(Date.parse(start), interval); at < last; at = step(at, interval))
    buckets.push(toHour(at));
  return buckets;
}

// One row per interval: the API's, or an empty one. An hour that comes twice stays two rows.
export function fillBuckets(rows, range, interval) {
  const found = Map.groupBy(rows, (row) => row.bucket.slice(0, 16));
  return listBuckets(range, interval).flatMap(
    (bucket) => found.get(bucket) ?? [{ bucket, isEmpty: true }],
  );
}
