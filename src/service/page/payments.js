// What a client is likely to pay: cards, the top of the search page, and providers new to them.

import { Refused, getExamples, getOperations } from "./api.js";
import { bar, element, unseen } from "./dom.js";
import { reasons } from "./offers.js";
import { amount, day, list, percent, say } from "./text.js";

let served = false;

/** Ask about payments from now on, if the service has loaded some. */
export function usePayments(state) {
  served = Boolean(state?.ready);
}

/**
 * What the service says of a client's payments: { operations, examples }, or { failed } with the
 * status; null if it cannot know the client. Products are shown whatever happens here.
 */
export async function askPayments(id) {
  if (!served) return null;
  try {
    const [operations, examples] = await Promise.all([getOperations(id), getExamples(id)]);
    return { operations, examples };
  } catch (error) {
    if (!(error instanceof Refused) || error.status === 401) throw error;
    return error.status === 422 ? null : { failed: error.status }; // ids of payments are other ones
  }
}

/** The section of the page. */
export function payments(shown) {
  if (shown.failed !== undefined) return section(null, element("p", { class: "note" }, say("paymentsFailed")));
  const { operations, examples } = shown;
  return section(
    say("paymentsOn", { day: day(operations.day, "long") }),
    block("cards", cards(operations)),
    block("searchTop", top(operations)),
    block("searchExamples", ...newProviders(examples)),
  );
}

function section(small, ...parts) {
  return element(
    "section",
    { class: "payments", "aria-labelledby": "payments-title" },
    element("h2", { id: "payments-title" }, say("payments"), small ? element("small", {}, small) : null),
    ...parts,
  );
}

const block = (key, ...parts) => element("div", { class: key }, element("h3", {}, say(key)), ...parts);
const nothing = (text) => element("p", { class: "muted" }, text);
const called = ({ name, provider }) => name ?? say("providerCode", { code: provider });

// Cards

function cards({ cards: found, threshold }) {
  if (found.length === 0) return nothing(say("cardsNone", { threshold: percent(threshold) }));
  return element("ul", {}, found.map(card));
}

function card(operation) {
  return element(
    "li",
    { class: "card" },
    element("h4", {}, called(operation)),
    chance(operation),
    element("p", { class: "facts" }, facts(operation)),
    reasons(operation),
  );
}

function chance(operation) {
  return element(
    "p",
    { class: "score" },
    bar(operation.chance),
    unseen(`${say("chance")}: `),
    element("span", { class: "number" }, percent(operation.chance)),
  );
}

function facts({ usual_amount: usual, last_paid: last, expected }) {
  const due = expected && { day: day(expected.day), count: expected.within_days };
  return [
    usual === null ? null : say("usualAmount", { amount: amount(usual) }),
    say("lastPaid", { day: day(last) }),
    due && say(due.count ? "expectedAround" : "expectedOn", due),
  ].filter(Boolean).join(" · ");
}

// The search page

function top({ top: found }) {
  if (found.length === 0) return nothing(say("operationsNone"));
  return element(
    "ol",
    {},
    found.map((operation) =>
      element(
        "li",
        { class: "operation" },
        element("span", { class: "title" }, called(operation)),
        chance(operation),
        element("span", { class: "facts" }, facts(operation)),
      )),
  );
}

function newProviders({ examples }) {
  if (examples.length === 0) return [nothing(say("offersNone"))];
  const others = [...new Set(examples.map(({ source }) => source))].filter((source) => source !== "personal");
  return [
    others.length
      ? element("p", { class: "muted" }, say("examplesFrom", { sources: list(others.map((one) => say(`popularIn.${one}`))) }))
      : null,
    element("ul", {}, examples.map((example) => element("li", { class: "example" }, called(example)))),
  ].filter(Boolean);
}
