// Asks the API: a few requests at once, the rest wait; what was just answered is not asked again.
// From path and parameters to `{data, meta}`, or an ApiError that says what to do.

// The API computes on as many cores as its machine has; more at once would only wait there.
const MOST_AT_ONCE = 4;
const KEPT_MS = 15_000;
const MOST_KEPT = 200;
const MOST_TRIES = 4;
const KEY = "web-analytics-key";

const waiting = [];
const kept = new Map();
const metaListeners = [];
let running = 0;

export class ApiError extends Error {
  constructor(status, { type = "", message = "", details = [] } = {}) {
    super(message);
    Object.assign(this, { status, type, details });
  }
}

export const setKey = (key) => sessionStorage.setItem(KEY, key);
export const onMeta = (listener) => metaListeners.push(listener);
export const forgetAnswers = () => kept.clear();

export function makeAddress(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return query ? `${path}?${query}` : path;
}

function addHeaders(headers) {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...headers, "X-API-Key": key } : headers;
}

function takeTurn(signal) {
  if (running < MOST_AT_ONCE) {
    running += 1;
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const turn = { resolve };
    waiting.push(turn);
    signal?.addEventListener("abort", () => {
      const place = waiting.indexOf(turn);
      if (place < 0) return;
      waiting.splice(place, 1);
      reject(signal.reason);
    });
  });
}

function endTurn() {
  const next = waiting.shift();
  if (next) next.resolve();
  else running -= 1;
}

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

async function readError(response) {
  try {
    return new ApiError(response.status, (await response.json()).error);
  } catch {
    return new ApiError(response.status, { message: `${response.status} ${response.statusText}` });
  }
}

async function send(address, options) {
  try {
    return await fetch(address, {
      ...options,
      headers: addHeaders(options.headers),
      cache: "no-cache",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { type: "unreachable", message: String(error.message) });
  }
}

// Busy, not ready and limited say when to come back: so it does, a few times.
async function sendPatiently(address, options) {
  for (let tries = 1; ; tries += 1) {
    options.signal?.throwIfAborted();
    const response = await send(address, options);
    if (response.ok) return response;
    const isSoon = [429, 503].includes(response.status) && tries < MOST_TRIES;
    if (!isSoon) throw await readError(response);
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    if (seconds > 10) throw await readError(response);
    await pause(1000 * seconds, options.signal);
  }
}

async function request(address, options = {}) {
  await takeTurn(options.signal);
  try {
    return await sendPatiently(address, options);
  } finally {
    endTurn();
  }
}

function keep(address, answer) {
  kept.delete(address);
  kept.set(address, { answer, at: Date.now() });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
}

// `isFresh`: ask even if there is an answer of just now. `isKept`: one answer for the whole visit.
export async function ask(path, parameters = {}, { signal, isFresh = false, isKept = false } = {}) {
  const address = makeAddress(path, parameters);
  const known = kept.get(address);
  if (known && !isFresh && (isKept || Date.now() - known.at < KEPT_MS)) return known.answer;
  const response = await request(address, { signal, headers: { Accept: "application/json" } });
  const answer = await response.json();
  keep(address, answer);
  if (answer.meta) for (const listener of metaListeners) listener(answer.meta);
  return answer;
}

export async function post(path, body, { signal } = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const response = await request(path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal,
  });
  return response.json();
}

// Through the page, not by a link alone: a link cannot carry a key, and would save errors as files.
export async function download(address, name) {
  const response = await request(address);
  saveFile(await response.blob(), name);
}

export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const REMEDIES = {
  0: () => "The API does not answer. Check that it runs; this page tries again by itself.",
  401: () =>
    "This page has no valid API key. Enter one above, or open it on the machine that runs the API.",
  403: (error) => `The API key may not do this: ${error.message}`,
  404: (error) => error.message,
  422: (error) => `The API does not allow this: ${error.message}`,
  429: (error) => `Too many requests for this API key: ${error.message}`,
  500: () => "The API failed at this. Its log has the reason.",
  503: (error) => `The API cannot answer now: ${error.message}`,
  504: () => "This took too long. Choose a shorter range or fewer filters.",
};

export function explain(error) {
  const remedy = error instanceof ApiError ? REMEDIES[error.status] : null;
  return remedy ? remedy(error) : `This could not be shown: ${error.message}`;
}
