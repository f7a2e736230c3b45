// What to offer and why, and what became of the offer.

import { Refused, sendFeedback } from "./api.js";
import { scoreOf, source } from "./attributes.js";
import { announce, bar, element, unseen } from "./dom.js";
import { list, month, number, percent, say, sentence, titled } from "./text.js";

/** The list of what was found: `shown` holds the customer, the answer and what was said of it. */
export function offers(shown) {
  const { answer } = shown;
  return element(
    "section",
    { class: "offers", "aria-labelledby": "offers-title" },
    element(
      "h2",
      { id: "offers-title" },
      say("offers"),
      element("small", {}, say("offersFor", { month: month(answer.for_month_after, "long") })),
    ),
    anything(answer),
    answer.recommendations.some((one) => one.source === "personal")
      ? element("p", { class: "meaning" }, say("scoreMeaning"))
      : null,
    fallback(shown),
    answer.recommendations.length
      ? element("ol", {}, answer.recommendations.map((one, place) => offer(shown, one, place)))
      : element("p", { class: "muted" }, say("offersNone")),
    removed(answer),
  );
}

/** The chance that they add anything, what it is then, and why; null if it is not known. */
function anything(answer) {
  const { chance, recommendations: [first] } = answer;
  if (chance === null) return null;
  const then = first?.source === "personal"
    ? say("chanceThen", { title: titled(first.title, first.product), chance: percent(first.score) })
    : null;
  return element(
    "div",
    { class: "anything" },
    element(
      "p",
      {},
      `${say("chanceAnything")}: `,
      element("strong", {}, rarely(chance) ? say("chanceRarely", { chance: percent(RARELY) }) : percent(chance)),
      oneIn(chance),
      then ? ` ${then}` : "",
    ),
    reasons({ reasons: answer.chance_reasons }, say("whyAnything")),
  );
}

const RARELY = 0.001; // what is less would be rounded to nothing
const rarely = (chance) => chance < RARELY;

/** " (1 in 14).": for chances that are small enough for it to be about right. */
function oneIn(chance) {
  const times = chance <= 0.2 && !rarely(chance);
  return times ? ` ${say("oneIn", { number: number(1 / chance) })}.` : ".";
}

function fallback({ customer, answer }) {
  const used = [...new Set(answer.recommendations.map((one) => one.source))];
  if (!customer || used.every((name) => name === "personal")) return null;
  return element("p", { class: "note" }, say("fallbackUsed", { sources: list(used.map(source)) }));
}

function removed(answer) {
  const parts = Object.entries(answer.removed).map(([rule, count]) =>
    rule === "cooldown" ? say("removedCooldown", { count }) : say("removedRule", { count, rule }));
  if (parts.length === 0) return null;
  return element("p", { class: "removed" }, say("removed", { list: list(parts) }));
}

function offer(shown, recommendation, place) {
  const title = titled(recommendation.title, recommendation.product);
  const item = element(
    "li",
    { class: "offer", "data-product": recommendation.product, "data-answer": shown.answer.answer },
    element("span", { class: "rank", "aria-hidden": "true" }, number(place + 1)),
    element("h3", {}, title),
    element(
      "p",
      { class: "score" },
      bar(recommendation.score),
      unseen(`${say("score")}: `),
      element("span", { class: "number" }, percent(recommendation.score)),
    ),
    reasons(recommendation),
    origin(recommendation),
    buttons(shown, recommendation, title),
  );
  showAction(item, shown.actions.get(recommendation.product));
  return item;
}

/** What speaks for something that is offered; null if nothing is known. */
export function reasons(recommendation, label = say("why")) {
  if (recommendation.reasons.length === 0) return null;
  return element(
    "ul",
    { class: "reasons", "aria-label": label },
    recommendation.reasons.map((reason) => {
      const against = reason.contribution < 0;
      return element(
        "li",
        { class: against ? "against" : "for" },
        against ? unseen(say("against")) : null,
        sentence(titled(reason, reason.feature)),
      );
    }),
  );
}

function origin(recommendation) {
  if (recommendation.source !== "personal") {
    const text = scoreOf(recommendation.source);
    return element("p", { class: "origin" }, element("span", { class: "tag" }, say("fallback")), sentence(text));
  }
  const others = recommendation.supported_by.filter((one) => one !== recommendation.source).map(source);
  const values = { source: source(recommendation.source), others: list(others) };
  return element(
    "p",
    { class: "origin" },
    unseen(`${say("source")}: `),
    sentence(say(others.length ? "supported" : "unsupported", values)),
  );
}

// Feedback

function buttons(shown, recommendation, title) {
  const button = (action, label) =>
    element(
      "button",
      {
        type: "button",
        "data-action": action,
        "aria-pressed": "false",
        onkeydown: (event) => event.repeat && event.preventDefault(), // a key that is held down
        onclick: (event) => {
          if (event.detail > 1) return; // the second click of two
          answerOffer(event.currentTarget.closest("li"), shown, recommendation, title, action);
        },
      },
      say(label),
    );
  return element(
    "div",
    { class: "answer", role: "group", "aria-label": say("answerFor", { title }) },
    button("accepted", "accept"),
    button("dismissed", "dismiss"),
    element("p", { class: "outcome" }),
  );
}

/**
 * Show the answer at once, store it, and take it back if it could not be stored. The same button
 * once more withdraws it. Where nobody knows whether it is stored, the next press of the same button
 * sends the same token, so that it is stored once.
 */
async function answerOffer(item, { actions, tokens, answer }, { product }, title, pressed) {
  const before = actions.get(product);
  if (before?.sending) return;
  const action = before?.action === pressed ? "withdrawn" : pressed;
  const said = { action, sending: true };
  actions.set(product, said);
  showAction(item, said);
  announce(say(`${action}Said`, { title }));
  const same = `${action} ${product}`;
  const token = tokens.get(same) ?? newToken();
  tokens.delete(same);
  try {
    const stored = await sendFeedback(feedback(answer, product, action, token));
    said.days = stored.cooldown_days;
    said.sending = false;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    actions.set(product, before);
    const unsure = error.status === 0 || error.status >= 500;
    if (unsure) tokens.set(same, token);
    const detail = { error, prefix: (cause) => say(unsure ? "perhapsStored" : "notStored", { title, cause }) };
    document.dispatchEvent(new CustomEvent("refused", { detail }));
  }
  showAction(nowInPlaceOf(item), actions.get(product));
}

const feedback = ({ answer, customer_id: customer }, product, action, token) =>
  ({ customer, product, action, answer, token });

const newToken = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The item of the same offer that is on the screen: a change of language draws the list again. */
function nowInPlaceOf(item) {
  const { answer, product } = item.dataset;
  const same = (one) => one.dataset.answer === answer && one.dataset.product === product;
  return [...document.querySelectorAll(".offer")].find(same) ?? item;
}

function showAction(item, said) {
  item.classList.toggle("turned-down", said?.action === "dismissed");
  for (const button of item.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.action === said?.action));
  }
  const outcome = said ? [say(said.action), said.days ? say("cooldownFor", { count: said.days }) : null] : [];
  item.querySelector(".outcome").textContent = outcome.filter(Boolean).join(", ");
}

/** Tell the service which offers were on the screen; a key without that scope does not matter. */
export function reportShown({ answer }) {
  for (const { product } of answer.recommendations) {
    sendFeedback(feedback(answer, product, "shown", newToken())).catch(() => {});
  }
}
