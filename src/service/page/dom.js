// Elements are made here and nowhere else: text is always text, never markup.

/** Make an element; listeners are attributes like `onclick`, children are nodes or text. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an element of a drawing. */
export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Text for screen readers only. */
export function unseen(text) {
  return element("span", { class: "hidden" }, text);
}

/** A horizontal bar, `share` (0 … 1) of the width; the number stands beside it as text. */
export function bar(share) {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return shape(
    "svg",
    { class: "bar", "aria-hidden": "true", focusable: "false" },
    shape("rect", { class: "bar-ground", width: "100%", height: "100%", rx: 2 }),
    shape("rect", { class: "bar-value", width, height: "100%", rx: 2 }),
  );
}

export function byId(id) {
  return document.getElementById(id);
}

/** Tell screen readers what has changed. */
export function announce(text) {
  byId("status").textContent = text;
}
