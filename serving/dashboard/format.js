// Numbers, times and names as people read them; a dash where there is nothing to say.

const DASH = "–";
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const ratio = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const places = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });

const known = (format) => (value) => (value === null || value === undefined ? DASH : format(value));

export const formatCount = known((value) => number.format(value));
export const formatShort = known((value) =>
  Math.abs(value) < 10_000 ? number.format(value) : short.format(value),
);
export const formatRatio = known((value) => ratio.format(value));
export const formatMs = known((value) =>
  value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`,
);

// The two largest units: "3m 08s", "14 days".
export const formatDuration = known((seconds) => {
  const total = Math.round(seconds);
  const [days, hours, minutes] = [86_400, 3600, 60].map((size) => Math.floor(total / size));
  const two = (value) => String(value).padStart(2, "0");
  if (total < 60) return `${total}s`;
  if (total < 3600) return `${minutes}m ${two(total % 60)}s`;
  if (total < 86_400) return minutes % 60 ? `${hours}h ${two(minutes % 60)}m` : `${hours}h`;
  if (total % 86_400 < 3600) return days === 1 ? "1 day" : `${days} days`;
  return `${days}d ${hours % 24}h`;
});

export const formatAge = known((seconds) => {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} days`;
});

export function makeMoneyFormat(currency) {
  const style = currency ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {};
  const [full, compact] = [
    new Intl.NumberFormat("en", { ...style, maximumFractionDigits: 2 }),
    new Intl.NumberFormat("en", { ...style, notation: "compact", maximumFractionDigits: 1 }),
  ];
  const format = known((value) => (Math.abs(value) < 10_000 ? full : compact).format(value));
  // On an axis, where cents say nothing.
  format.short = compact.format;
  return format;
}

export function formatPlace(code) {
  if (!code) return "Unknown";
  return /^[A-Z]{2}$/.test(code) ? places.of(code) : code;
}

export function formatFlag(code) {
  if (!/^[A-Z]{2}$/.test(code ?? "")) return "";
  return String.fromCodePoint(...[...code].map((letter) => 0x1f1e6 + letter.charCodeAt(0) - 65));
}

// Times of the API are shown by their own clock: "2026-05-17T10:00:00+02:00" is ten o'clock.
const wall = (time) =>
  new Date(`${time.slice(0, 16).padEnd(16, "T00:00".slice(time.length - 10))}Z`);
const formats = Object.fromEntries(
  Object.entries({
    hour: { hour: "2-digit", minute: "2-digit" },
    hourOfDay: {
      weekday: "short",
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
    },
    day: { day: "numeric", month: "short" },
    weekday: { weekday: "short", day: "numeric", month: "short" },
    date: { day: "numeric", month: "short", year: "numeric" },
    month: { month: "short", year: "numeric" },
    moment: {
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    },
  }).map(([name, parts]) => [
    name,
    new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: "UTC" }),
  ]),
);

export const formatTime = (time, form) =>
  time ? formats[form].format(form === "moment" ? new Date(time) : wall(time)) : DASH;

const BUCKETS = { hour: "hourOfDay", day: "weekday", week: "date", month: "month" };
const TICKS = { hour: "hour", day: "day", week: "day", month: "month" };

export function formatBucket(bucket, interval) {
  const text = formatTime(bucket, BUCKETS[interval]);
  return interval === "week" ? `Week of ${text}` : text;
}

export function formatTick(bucket, interval, isLong) {
  return formatTime(bucket, interval === "hour" && isLong ? "day" : TICKS[interval]);
}

// A change is good news or bad news; of a bounce rate, less is better.
export function describeChange(now, before, isLessBetter = false) {
  if (!before || now === null || now === undefined) return null;
  const change = (now - before) / before;
  const size =
    Math.abs(change) >= 9.995
      ? "×" + number.format(Math.round(now / before))
      : ratio.format(Math.abs(change));
  const direction = Math.abs(change) < 0.0005 ? "flat" : change > 0 ? "up" : "down";
  const isGood = change > 0 !== isLessBetter;
  return { size, direction, mood: direction === "flat" ? "flat" : isGood ? "good" : "bad" };
}
