// Named funnels: how many of those who take the first step take each next one.

import { ask } from "../api.js";
import { h, spoken } from "../dom.js";
import { formatCount, formatDuration, formatRatio } from "../format.js";
import { openTab } from "../state.js";
import { tellEmpty } from "./panel.js";

let known = [];

// Asked before the panels are: which funnels there are says which path is asked.
export async function loadFunnels() {
  known = (await ask("/funnels", {}, { isKept: true })).data;
}

const chosenOf = (state) => known.find((one) => one.name === state.tabs.funnel) ?? known[0];
const titleOf = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll(/[_-]/g, " ");
const TEMPLATE = "/funnels/{name}";

export const funnels = {
  id: "funnels",
  title: "Funnel",
  paths: () => [TEMPLATE],
  requests(context, path) {
    const chosen = chosenOf(context.state);
    if (!chosen) return [];
    const { parameters } = context.request(path);
    return [{ path: path.replace("{name}", encodeURIComponent(chosen.name)), parameters }];
  },
  toolsKey: () => known.length,
  tools: ({ state }) => {
    if (known.length < 2) return [];
    const options = known.map(({ name }) =>
      h("option", { value: name, selected: name === chosenOf(state).name }, titleOf(name)),
    );
    return [
      h(
        "label",
        { class: "choose" },
        spoken("Funnel"),
        h(
          "select",
          { "data-key": "funnel", onchange: (event) => openTab("funnel", event.target.value) },
          options,
        ),
      ),
    ];
  },
  render(answers, { state }) {
    if (!answers.length)
      return tellEmpty("No funnel is named. conf/funnels.yaml is where they are.");
    const steps = answers[0].data;
    const chosen = chosenOf(state);
    if (!steps.length || !steps[0].visitors)
      return [tellHelp(chosen), tellEmpty("Nobody took the first step in this range.")];
    return [
      tellHelp(chosen),
      h(
        "ol",
        { class: "funnel" },
        steps.map((step, index) => drawStep(step, steps[index - 1])),
      ),
    ];
  },
};

const tellHelp = ({ help, window_s }) =>
  h("p", { class: "note" }, `${help ? `${help} ` : ""}Within ${formatDuration(window_s)}.`);

function drawStep(step, before) {
  const lost = before ? before.visitors - step.visitors : 0;
  const details = before
    ? [
        `${formatRatio(step.step_conversion_rate)} of the step before`,
        lost ? `${formatCount(lost)} left` : null,
        step.median_time_to_convert_s === null
          ? null
          : `median ${formatDuration(step.median_time_to_convert_s)}`,
      ]
    : ["begin here"];
  return h(
    "li",
    { style: { "--share": `${100 * step.conversion_rate}%` } },
    h(
      "div",
      { class: "step" },
      h("span", { class: "name" }, step.name),
      h(
        "span",
        { class: "count", "data-value": step.visitors },
        formatCount(step.visitors),
        spoken(" visitors"),
      ),
      h("span", { class: "rate" }, formatRatio(step.conversion_rate)),
    ),
    h("div", { class: "track" }),
    h("p", { class: "detail" }, details.filter(Boolean).join(" · ")),
  );
}
