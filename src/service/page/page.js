// The page: signing in and out, tabs, language, and what is said when the service refuses.

import { Refused, forgetKey, getReady, getVocabulary, hasKey, isKey, keepKey } from "./api.js";
import { useVocabulary } from "./attributes.js";
import * as customer from "./customer.js";
import { announce, byId } from "./dom.js";
import { usePayments } from "./payments.js";
import * as statistics from "./statistics.js";
import { LANGUAGES, currentLanguage, month, number, say, setLanguage } from "./text.js";

const NAMES = { en: "English", ru: "Русский" };
const TABS = ["customer", "statistics"];

let ready = null; // what the service has loaded; null while nobody is signed in
let refusal = null; // makes the sentence that stands in the alert, in the language of now

// Language

function otherLanguage() {
  return LANGUAGES.find((name) => name !== currentLanguage());
}

function showTexts() {
  document.documentElement.lang = currentLanguage();
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
  }
  byId("language").textContent = NAMES[otherLanguage()];
  byId("language").lang = otherLanguage();
  byId("alert").textContent = refusal ? refusal() : "";
  byId("about").textContent = ready
    ? say("models", {
        revision: ready.revision,
        month: month(ready.month, "long"),
        customers: number(ready.known_customers),
      })
    : "";
  customer.show();
  statistics.show();
}

byId("language").addEventListener("click", () => {
  setLanguage(otherLanguage());
  announce("");
  showTexts();
});

// Refusals

function explained({ status, faults }) {
  const known = [0, 401, 403, 408, 429, 503];
  if (status === 422) {
    if (faults.some(({ field }) => /^(query\.)?customer$/.test(field))) return say("wrongId");
    return [say("refused422"), ...faults.map(({ field, reason }) => `${field}: ${reason}.`)].join(" ");
  }
  return known.includes(status) ? say(`refused${status}`) : say("refusedOther", { status });
}

function complain(error, prefix = (cause) => cause) {
  if (!(error instanceof Refused)) throw error;
  refusal = () => prefix(explained(error));
  byId("alert").textContent = refusal();
  byId("alert").hidden = false;
  if (error.status === 401) showSignIn();
}

function calm() {
  refusal = null;
  byId("alert").hidden = true;
  byId("id").removeAttribute("aria-invalid");
}

document.addEventListener("refused", ({ detail }) => complain(detail.error, detail.prefix));

// Signing in and out

function showSignIn() {
  forgetKey();
  ready = null;
  useVocabulary();
  customer.clear();
  statistics.clear();
  byId("id").value = "";
  showParts();
  showTexts();
  byId("key").focus();
}

function showParts() {
  byId("sign-in").hidden = ready !== null;
  byId("sign-out").hidden = ready === null;
  byId("tabs").hidden = ready === null;
  for (const name of TABS) {
    byId(name).hidden = ready === null || byId(`tab-${name}`).getAttribute("aria-selected") !== "true";
  }
}

async function enter() {
  let vocabulary;
  try {
    [ready, vocabulary] = await Promise.all([getReady(), getVocabulary()]);
  } catch (error) {
    complain(error);
    return showSignIn();
  }
  useVocabulary(vocabulary);
  usePayments(ready.payments);
  calm();
  selectTab("customer");
  showTexts();
  byId("id").focus();
  await followAddress();
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key").value.trim();
  byId("key").value = "";
  if (!isKey(key)) return complain(new Refused(401), () => say("wrongKey"));
  keepKey(key);
  enter();
});

byId("sign-out").addEventListener("click", () => {
  calm();
  history.replaceState(null, "", location.pathname); // who was looked at is nobody's business
  showSignIn();
});

// Finding a customer

byId("find").addEventListener("submit", async (event) => {
  event.preventDefault();
  const id = byId("id").value.trim();
  if (!id) return;
  if (id !== inAddress()) history.pushState(null, "", `#customer=${encodeURIComponent(id)}`);
  await look(id);
});

async function look(id) {
  calm();
  try {
    await customer.find(id);
    byId("id").focus();
    if (matchMedia("(pointer: coarse)").matches) byId("id").blur(); // lets the keyboard go
    else byId("id").select();
  } catch (error) {
    complain(error);
    if (error.status === 422) byId("id").setAttribute("aria-invalid", "true");
  }
}

// The customer in the address: back and forward of the browser go from one to the other

/** The id that the address names; null if it names none. */
function inAddress() {
  const [, encoded] = /^#customer=(.+)$/.exec(location.hash) ?? [];
  try {
    return encoded === undefined ? null : decodeURIComponent(encoded);
  } catch {
    return null; // somebody has typed it
  }
}

async function followAddress() {
  const id = inAddress();
  byId("id").value = id ?? "";
  if (id === null) return customer.leave();
  selectTab("customer");
  await look(id);
}

addEventListener("popstate", () => {
  if (ready !== null) followAddress();
});

// Tabs, by the pattern of the ARIA practices: arrows, Home and End move and select

function selectTab(name) {
  for (const one of TABS) {
    const selected = one === name;
    byId(`tab-${one}`).setAttribute("aria-selected", String(selected));
    byId(`tab-${one}`).tabIndex = selected ? 0 : -1;
  }
  showParts();
  if (name === "statistics") refreshStatistics();
}

async function refreshStatistics() {
  calm();
  try {
    await statistics.refresh();
  } catch (error) {
    complain(error);
  }
}

for (const [place, name] of TABS.entries()) {
  byId(`tab-${name}`).addEventListener("click", () => selectTab(name));
  byId(`tab-${name}`).addEventListener("keydown", (event) => {
    const last = TABS.length - 1;
    const target = {
      ArrowRight: place === last ? 0 : place + 1,
      ArrowLeft: place === 0 ? last : place - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    byId(`tab-${TABS[target]}`).focus();
    selectTab(TABS[target]);
  });
}

document.addEventListener("refresh", async () => {
  await refreshStatistics();
  byId("refresh")?.focus();
});

// Start

showTexts();
if (hasKey()) enter();
else showSignIn();
