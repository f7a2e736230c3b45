// Holdings over time: products the customer ever held by month. The picture is the table itself.

import { element, unseen } from "./dom.js";
import { month, say, titled } from "./text.js";

/** A table of products × months, earliest month first. */
export function timeline(customer) {
  const months = [...customer.months].reverse();
  const products = Object.keys(customer.products).filter((product) =>
    months.some(({ holdings }) => holdings?.includes(product)));
  if (products.length === 0) return element("p", { class: "muted" }, say("holdingsNone"));
  const held = new Map(
    products.map((product) => [product, months.map(({ holdings }) => state(holdings, product))]),
  );
  products.sort((one, other) => recency(held.get(other)) - recency(held.get(one)));
  return element(
    "table",
    { class: "timeline" },
    element("caption", { class: "hidden" }, say("holdings")),
    head(months),
    element(
      "tbody",
      {},
      products.map((product) => row(titled(customer.products[product], product), held.get(product), months)),
    ),
  );
}

const state = (holdings, product) => (holdings ? (holdings.includes(product) ? "held" : "notHeld") : "absent");

/** Held products first, then those dropped last; among them the one held longest. */
function recency(states) {
  return states.lastIndexOf("held") * 1000 + states.filter((one) => one === "held").length;
}

function head(months) {
  const years = new Map();
  for (const one of months) years.set(yearOf(one), (years.get(yearOf(one)) ?? 0) + 1);
  return element(
    "thead",
    {},
    element(
      "tr",
      { class: "years", "aria-hidden": "true" },
      element("td"),
      [...years].map(([year, count]) => element("td", { colspan: count }, year)),
      element("td"),
    ),
    element(
      "tr",
      { class: "months" },
      element("th", { scope: "col" }, unseen(say("product"))),
      months.map((one) =>
        element(
          "th",
          { scope: "col", class: startsYear(one, months) },
          element("span", { "aria-hidden": "true" }, month(one.month, "narrow")),
          unseen(month(one.month, "long")),
        )),
      element("th", { scope: "col" }, unseen(say("summary"))),
    ),
  );
}

const yearOf = (one) => one.month.slice(0, 4);
const startsYear = (one, months) => (one !== months[0] && one.month.slice(5, 7) === "01" ? "new-year" : null);

function row(title, states, months) {
  return element(
    "tr",
    { class: states.at(-1) === "held" ? null : "dropped" },
    element("th", { scope: "row" }, title),
    states.map((one, place) => {
      const ends = [
        one,
        one === "held" && states[place - 1] !== "held" ? "begins" : "",
        one === "held" && states[place + 1] !== "held" ? "ends" : "",
        startsYear(months[place], months) ?? "",
      ];
      return element(
        "td",
        { class: ends.filter(Boolean).join(" ") },
        element("span", { class: "mark", "aria-hidden": "true" }),
        unseen(say(one)),
      );
    }),
    element("td", { class: "short" }, inWords(states, months)),
  );
}

/** Runs of months in words: `since March 2016`, `until Jan 2016`, `Jun 2015 – Aug 2015`. */
export function inWords(states, months) {
  const runs = [];
  states.forEach((one, place) => {
    if (one !== "held") return;
    if (states[place - 1] === "held") runs.at(-1).last = place;
    else runs.push({ first: place, last: place });
  });
  const name = (place) => month(months[place].month);
  const end = states.length - 1;
  return runs
    .map(({ first, last }) => {
      if (first === 0 && last === end) return say("whole", { count: states.length });
      if (last === end) return say("since", { month: name(first) });
      if (first === 0) return say("until", { month: name(last) });
      if (first === last) return name(first);
      return say("during", { first: name(first), last: name(last) });
    })
    .join(", ");
}
