// A customer: who it is, what to offer, what was held when; and who was looked at before.

import { getCustomer, recommend } from "./api.js";
import { attribute, headline, value } from "./attributes.js";
import { announce, byId, element } from "./dom.js";
import { offers, reportShown } from "./offers.js";
import { askPayments, payments } from "./payments.js";
import { month, say } from "./text.js";
import { timeline } from "./timeline.js";

const RECENT = "nextbest.recent";
const MOST_RECENT = 6;

let shown = null; // { id, customer (null: unknown), answer, paid, actions: product -> what was said, tokens }
let asked = 0; // the latest search; answers to earlier ones are dropped

/** Find a customer and show them; nobody else is on the screen meanwhile. Raises Refused. */
export async function find(id) {
  const turn = ++asked;
  shown = null;
  show();
  byId("found").setAttribute("aria-busy", "true");
  try {
    const customer = await getCustomer(id).catch(nullIfUnknown);
    if (turn !== asked) return;
    const [answer, paid] = await Promise.all([recommend(id), askPayments(id)]);
    if (turn !== asked) return;
    shown = { id, customer, answer, paid, actions: new Map(), tokens: new Map() };
    if (customer) remember(id);
    show();
    const count = answer.recommendations.length;
    announce(customer ? say("foundCustomer", { id, products: say("products", { count }) }) : notFound());
    reportShown(shown);
  } catch (error) {
    if (turn === asked) throw error;
  } finally {
    if (turn === asked) byId("found").removeAttribute("aria-busy");
  }
}

/** Show nobody; an answer that is under way is dropped. */
export function leave() {
  asked += 1;
  shown = null;
  byId("found").removeAttribute("aria-busy");
  show();
}

function nullIfUnknown(error) {
  if (error.status === 404) return null;
  throw error;
}

/** Forget who was looked at. */
export function clear() {
  sessionStorage.removeItem(RECENT);
  leave();
}

/** Draw what was found last, in the language of now. */
export function show() {
  showRecent();
  const found = byId("found");
  if (!shown) return found.replaceChildren();
  const { customer, paid } = shown;
  found.replaceChildren(
    heading(),
    offers(shown),
    ...(paid ? [payments(paid)] : []),
    ...(customer ? [profile(customer), holdings(customer)] : []),
  );
}

/** Somebody without products may have payments. */
function notFound() {
  const { id, paid } = shown;
  return say(paid?.operations?.top.length ? "noProducts" : "notFound", { id });
}

function heading() {
  const { id, customer } = shown;
  if (!customer) return element("p", { class: "note" }, notFound());
  const given = customer.profile ?? {};
  const facts = headline().map((name) => value(name, given[name])).filter(Boolean);
  const count = customer.months[0].holdings?.length ?? 0;
  facts.push(say("products", { count }));
  return element(
    "header",
    { class: "who" },
    element("h1", {}, `${say("customer")} ${id}`),
    element("p", { class: "facts" }, facts.map((fact) => fact.replaceAll(" ", "\u00a0")).join(" · ")),
  );
}

// Profile and holdings

function profile(customer) {
  const lastMonth = month(customer.months[0].month, "long");
  const given = Object.entries(customer.profile ?? {}).filter(([name]) => !isFlagOfMissing(name, customer.profile));
  return element(
    "section",
    { class: "profile", "aria-labelledby": "profile-title" },
    element("h2", { id: "profile-title" }, say("profile"), element("small", {}, lastMonth)),
    customer.profile
      ? element("dl", {}, given.map(([name, one]) => attributeOf(name, one, customer.profile)))
      : element("p", { class: "note" }, say("noProfile", { month: lastMonth })),
  );
}

/** Whether an attribute only says that another one was missing and is imputed. */
const isFlagOfMissing = (name, profile) => name.endsWith("_missing") && name.slice(0, -"_missing".length) in profile;

function attributeOf(name, given, whole) {
  const words = value(name, given);
  const assumed = whole[`${name}_missing`] && words !== null;
  const known = words !== null && !assumed;
  return element(
    "div",
    {},
    element("dt", {}, attribute(name)),
    element(
      "dd",
      { class: known ? null : "missing" },
      known ? words : say("unknown"),
      assumed ? element("small", {}, say("assumed", { value: words })) : null,
    ),
  );
}

function holdings(customer) {
  return element(
    "section",
    { class: "holdings", "aria-labelledby": "holdings-title" },
    element("h2", { id: "holdings-title" }, say("holdings")),
    timeline(customer),
  );
}

// Recent searches

const recent = () => JSON.parse(sessionStorage.getItem(RECENT) ?? "[]");

function remember(id) {
  const ids = [id, ...recent().filter((one) => one !== id)].slice(0, MOST_RECENT);
  sessionStorage.setItem(RECENT, JSON.stringify(ids));
}

function showRecent() {
  const ids = recent();
  const group = byId("recent");
  group.hidden = ids.length === 0;
  group.replaceChildren(
    element("span", { "aria-hidden": "true" }, say("recent")),
    ...ids.map((id) =>
      element(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-current": shown?.id === id ? "true" : null,
          onclick: () => {
            byId("id").value = id;
            byId("find").requestSubmit();
          },
        },
        id,
      )),
  );
}
