// The service's counts. Every chart is a table whose rows carry a bar: one thing to read and to hear.

import { getStatistics } from "./api.js";
import { source } from "./attributes.js";
import { announce, bar, byId, element } from "./dom.js";
import { number, percent, say, sentence, time, titled } from "./text.js";

let shown = null; // { counts, at }

/** Ask for the counts and show them. Raises Refused. */
export async function refresh() {
  byId("charts").setAttribute("aria-busy", "true");
  try {
    shown = { counts: await getStatistics(), at: new Date() };
    show();
    announce(say("asOf", { time: time(shown.at) }));
  } finally {
    byId("charts").removeAttribute("aria-busy");
  }
}

/** Forget the counts. */
export function clear() {
  shown = null;
  show();
}

/** Draw the counts in the language of now. */
export function show() {
  if (!shown) return byId("charts").replaceChildren();
  const { counts, at } = shown;
  const answers = sum(counts.answers);
  byId("charts").replaceChildren(
    element(
      "header",
      { class: "who" },
      element("h1", {}, say("statisticsTitle")),
      element("p", { class: "facts" }, say("asOf", { time: time(at) })),
      element(
        "button",
        { id: "refresh", type: "button", onclick: () => document.dispatchEvent(new Event("refresh")) },
        say("refresh"),
      ),
    ),
    element(
      "dl",
      { class: "figures" },
      figure("requests", number(sum(counts.requests))),
      figure("errors", number(counts.errors), counts.errors > 0),
      figure("answers", number(answers)),
      figure("fallbacks", answers ? percent(counts.fallbacks / answers) : "–"),
    ),
    element(
      "div",
      { class: "charts" },
      chart("recommended", "product", counts.recommended, (product) => titled(counts.products?.[product], product)),
      chart("requestsByRoute", "route", counts.requests, (name) => name, isFault),
      chart("answersBySource", "source", counts.answers, (name) => sentence(source(name))),
      counts.latency ? latency(counts.latency) : null,
      chart("feedback", "action", counts.feedback, (action) => say(`actions.${action}`)),
      Object.keys(counts.payments ?? {}).length
        ? chart("paymentsAnswers", "source", counts.payments, (name) => name.split(" ").map((part) => say(`paymentsOf.${part}`)).join(": "))
        : null,
      chart("removedByRule", "rule", counts.removed, (rule) => (rule === "cooldown" ? say("cooldown") : rule)),
    ),
  );
}

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
const isFault = (name) => / 5\d\d$/.test(name);

function figure(key, text, bad = false) {
  return element("div", {}, element("dt", {}, say(key)), element("dd", { class: bad ? "bad" : null }, text));
}

/** Counts by name, the largest first, with the share of each. */
function chart(key, column, counts, name, bad = () => false) {
  const rows = Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([raw, count]) => ({ label: name(raw), count, bad: bad(raw) }));
  return table(key, column, rows);
}

/** Counts by upper bound in seconds (null: longer), in the order of the bounds. */
function latency(buckets) {
  const rows = buckets.map(([seconds, count]) => ({
    label: seconds === null ? say("longer") : say("milliseconds", { count: seconds * 1000 }),
    count,
  }));
  return table("latency", "latencyColumn", rows);
}

function table(key, column, rows) {
  const total = rows.reduce((sofar, { count }) => sofar + count, 0);
  const most = Math.max(...rows.map(({ count }) => count));
  return element(
    "section",
    { class: "chart", id: `chart-${key}`, "aria-labelledby": `chart-${key}-title` },
    element("h2", { id: `chart-${key}-title` }, say(key)),
    total === 0
      ? element("p", { class: "muted" }, say("nothingYet"))
      : element(
          "table",
          {},
          element(
            "thead",
            {},
            element(
              "tr",
              {},
              element("th", { scope: "col" }, say(column)),
              element("td", { "aria-hidden": "true" }),
              element("th", { scope: "col" }, say("count")),
              element("th", { scope: "col" }, say("share")),
            ),
          ),
          element("tbody", {}, rows.map((row) => line(row, most, total))),
        ),
  );
}

function line({ label, count, bad }, most, total) {
  return element(
    "tr",
    { class: bad ? "bad" : null },
    element("th", { scope: "row" }, label),
    element("td", { class: "drawn", "aria-hidden": "true" }, bar(count / most)),
    element("td", {}, number(count)),
    element("td", {}, percent(count / total)),
  );
}
