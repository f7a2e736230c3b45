// A customer's attributes and the sources of offers in words. All words are the service's, which has
// them from the bank's configuration; nothing here knows a column, a code or a model.

import { number, regionName, say, sentence, titled } from "./text.js";

const NONE = { headline: [], attributes: {}, sources: {} };

let words = NONE; // what the service calls things

/** Use the words of the service; without any, forget them. */
export function useVocabulary(given = NONE) {
  words = given;
}

/** Attributes that stand beside a customer's id. */
export const headline = () => words.headline;

/** The name of an attribute of the profile. */
export const attribute = (name) =>
  sentence(titled(words.attributes[name]?.title, name.replaceAll("_", " ")));

/** A value of the profile in words; null if it is not known. */
export function value(name, given) {
  if (given === null || given === undefined || given === "unknown") return null;
  const { unit, codes } = words.attributes[name] ?? {};
  if (unit === "years") return say("years", { count: given });
  if (unit === "months") return duration(given);
  if (typeof given === "number") return number(given);
  const code = String(given);
  if (codes === "countries") return /^[A-Z]{2}$/.test(code) ? regionName(code) : code;
  return titled(codes?.[code], code);
}

function duration(months) {
  const whole = Math.floor(months);
  const years = Math.floor(whole / 12);
  const rest = whole % 12;
  const parts = [];
  if (years > 0) parts.push(say("years", { count: years }));
  if (rest > 0 || years === 0) parts.push(say("months", { count: rest }));
  return parts.join(" ");
}

/** The name of a source of offers; one that nobody has named is shown as it is. */
export const source = (name) => titled(words.sources[name]?.title, say(`sources.${name}`, {}, name));

/** A source of offers, and what its score is. */
export function scoreOf(name) {
  const known = words.sources[name];
  return known ? `${titled(known.title)}: ${titled(known.score)}` : say(`fallbacksTo.${name}`, {}, name);
}
