// Makes elements: from names, properties and children to nodes. Text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function apply(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    // The policy of the page forbids style attributes; single properties are allowed.
    else if (name === "style")
      for (const [key, set] of Object.entries(value)) node.style.setProperty(key, set);
    else node.setAttribute(name, value === true ? "" : value);
  }
}

function build(node, properties, children) {
  apply(node, properties);
  node.append(
    ...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

export function h(tag, properties = {}, ...children) {
  return build(document.createElement(tag), properties, children);
}

export function s(tag, properties = {}, ...children) {
  return build(document.createElementNS(SVG, tag), properties, children);
}

export const element = (id) => document.getElementById(id);

// Text for those who listen, not for those who look.
export const spoken = (text) => h("span", { class: "spoken" }, text);

// What a list of choices looks like as buttons of which one is pressed.
export function choices(label, options, chosen, choose) {
  return h(
    "div",
    { class: "choices", role: "group", "aria-label": label },
    options.map(([key, text]) =>
      h(
        "button",
        {
          type: "button",
          "data-key": key,
          "aria-pressed": String(key === chosen),
          onclick: () => choose(key),
        },
        text,
      ),
    ),
  );
}
