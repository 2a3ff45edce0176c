// What each path of the API takes, read from its own description, so that nothing is kept twice:
// a filter that a path learns works here the same day.

import { ask } from "./api.js";

const taken = new Map();

export async function loadContract() {
  const { paths } = await ask("/openapi.json", {}, { isKept: true });
  for (const [path, { get }] of Object.entries(paths)) {
    if (get)
      taken.set(
        path,
        new Set((get.parameters ?? []).filter((one) => one.in === "query").map(({ name }) => name)),
      );
  }
}

export const takes = (path, name) => taken.get(path)?.has(name) ?? false;

const unfit = (path, filters) => Object.keys(filters).filter((name) => !takes(path, name));

// The first of the paths that takes every filter; where none does, the first, and what it lacks.
export function choosePath(paths, filters) {
  const fitting = paths.find((path) => unfit(path, filters).length === 0);
  return { path: fitting ?? paths[0], lacking: fitting ? [] : unfit(paths[0], filters) };
}

// Only what the path takes; what is empty is left out.
export function chooseParameters(path, wanted) {
  const entries = Object.entries(wanted).filter(
    ([name, value]) => value !== "" && value !== undefined && takes(path, name),
  );
  return Object.fromEntries(entries);
}
