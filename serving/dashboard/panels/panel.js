// The frame of every panel: asks when it is seen, and shows waiting, numbers, nothing, or an error
// in words. One panel's trouble stays in its frame.
//
// A panel is {id, title, tabs?, tools?, paths(state), requests(context, path),
// render(answers, context, path)}. Of `paths` the first is asked that takes all filters.

import { ask, explain } from "../api.js";
import { choosePath } from "../contract.js";
import { choices, element, h } from "../dom.js";
import { nameFilters, nameKinds } from "../filters.js";
import { dropFilter, getState, openTab } from "../state.js";
import { makeContext } from "./context.js";
import { makeCsvLink } from "./csv.js";
import { replaceBody } from "./replace.js";

// The API is away, or busy, or has no tables yet: that passes.
const AGAIN = [0, 503];
const AGAIN_MS = 10_000;

export function makePanel(spec) {
  const section = element(spec.id);
  const body = section.querySelector(".body");
  body.tabIndex = -1;
  const head = section.querySelector(".head");
  const tools = h("div", { class: "tools" });
  head.append(tools);
  const self = {
    isSeen: false,
    shown: "",
    asked: "",
    ignored: new Set(),
    filters: "",
    control: null,
    timer: 0,
  };

  new IntersectionObserver(
    (entries) => {
      self.isSeen = entries.at(-1).isIntersecting;
      if (self.isSeen) update();
    },
    { rootMargin: "250px" },
  ).observe(section);

  function plan() {
    const filters = JSON.stringify(getState().filters);
    if (filters !== self.filters) self.ignored.clear();
    self.filters = filters;
    const context = makeContext(self.ignored);
    const { path, lacking } = choosePath(spec.paths(context.state), context.filters);
    return { context, path, lacking, requests: lacking.length ? [] : spec.requests(context, path) };
  }

  async function update({ isFresh = false } = {}) {
    if (!self.isSeen) return;
    const planned = plan();
    drawTools(planned);
    const { requests, lacking, context } = planned;
    const key = JSON.stringify([requests, lacking, [...self.ignored], spec.key?.(context)]);
    if (!isFresh && key === (self.asked || self.shown)) return;
    stop();
    if (!isFresh && key === self.shown) return;
    if (lacking.length) {
      self.shown = key;
      replaceBody(body, [tellUnfit(planned)]);
      return;
    }
    self.control = new AbortController();
    self.asked = key;
    section.setAttribute("aria-busy", "true");
    section.classList.toggle("changing", key !== self.shown);
    await load(planned, key, isFresh, self.control.signal);
  }

  async function load({ context, path, requests }, key, isFresh, signal) {
    try {
      const answers = await Promise.all(
        requests.map((one) => ask(one.path, one.parameters, { signal, isFresh })),
      );
      signal.throwIfAborted();
      const nodes = spec.render(answers, context, path);
      replaceBody(body, [...tellIgnored(), ...[nodes].flat()]);
      self.shown = key;
    } catch (error) {
      if (signal.aborted) return;
      stop();
      showError(error, key);
      return;
    }
    stop();
  }

  // Also what is under way: its answer would replace what is wanted now.
  function stop() {
    self.control?.abort();
    clearTimeout(self.timer);
    self.asked = "";
    section.removeAttribute("aria-busy");
    section.classList.remove("changing");
  }

  // Numbers that are still what was asked for stay, and say that they are old.
  function showError(error, key) {
    const again = h(
      "button",
      { type: "button", onclick: () => update({ isFresh: true }) },
      "Try again",
    );
    const isKept = key === self.shown;
    const message = h(
      "div",
      { class: isKept ? "note problem" : "message problem" },
      h("p", {}, explain(error)),
      again,
    );
    body.querySelector(".problem")?.remove();
    if (isKept) body.prepend(message);
    else body.replaceChildren(message);
    if (!isKept) self.shown = "";
    if (AGAIN.includes(error.status)) {
      self.timer = setTimeout(() => update({ isFresh: true }), AGAIN_MS);
    }
    section.dispatchEvent(new CustomEvent("trouble", { bubbles: true, detail: error }));
  }

  function tellUnfit({ lacking, path }) {
    const ignore = () => {
      lacking.forEach((name) => self.ignored.add(name));
      update();
    };
    return h(
      "div",
      { class: "message", "data-unfit": path },
      h(
        "p",
        {},
        `These numbers are not kept by ${nameKinds(lacking)}, so the filter `,
        `${nameFilters(lacking)} cannot apply here.`,
      ),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: ignore }, "Show without it"),
        h(
          "button",
          { type: "button", onclick: () => lacking.forEach(dropFilter) },
          "Remove the filter",
        ),
      ),
    );
  }

  function tellIgnored() {
    if (!self.ignored.size) return [];
    return [h("p", { class: "note" }, `Not filtered by ${nameKinds([...self.ignored])}.`)];
  }

  function drawTools({ context, requests }) {
    const nodes = [];
    if (spec.tabs) {
      const { name, label, options } = spec.tabs;
      nodes.push(choices(label, options, context.state.tabs[name], (key) => openTab(name, key)));
    }
    if (spec.tools) nodes.push(...spec.tools(context));
    const csv = requests.find((one) => one.isCsv) ?? requests[0];
    if (csv) nodes.push(makeCsvLink(csv, spec.id, spec.title, (problem) => body.prepend(problem)));
    const key = JSON.stringify([csv, context.state.tabs, spec.toolsKey?.()]);
    if (tools.dataset.key === key) return;
    const focused = tools.contains(document.activeElement)
      ? document.activeElement.dataset.key
      : null;
    tools.replaceChildren(...nodes);
    tools.dataset.key = key;
    if (focused !== null)
      [...tools.querySelectorAll("[data-key]")].find((one) => one.dataset.key === focused)?.focus();
  }

  return { update, section };
}

export const tellEmpty = (text) => h("p", { class: "message empty" }, text);
