// Texts by key in the language of now; and how numbers, months and times are written.

import { TEXT } from "./texts.js";

const LANGUAGE = "nextbest.language";

let language = localStorage.getItem(LANGUAGE) ?? (navigator.language.startsWith("ru") ? "ru" : "en");

export const LANGUAGES = Object.keys(TEXT);
export const currentLanguage = () => language;

/** Speak a language from now on. */
export function setLanguage(name) {
  language = name;
  localStorage.setItem(LANGUAGE, name);
}

/**
 * A text by its key, `{names}` filled in; `count` chooses the plural and is written as a number. A
 * key that there is not gives `otherwise`.
 */
export function say(key, values = {}, otherwise = key) {
  let text = key.split(".").reduce((part, name) => part?.[name], TEXT[language]) ?? otherwise;
  if (typeof text === "object") {
    text = text[new Intl.PluralRules(language).select(values.count)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (_, name) =>
    name === "count" ? number(values.count, 1) : String(values[name]));
}

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

/** With two digits, as money is written. */
export const amount = (value) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);

export const percent = (value) =>
  new Intl.NumberFormat(language, {
    style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1,
  }).format(value);

export const list = (parts) => new Intl.ListFormat(language, { type: "conjunction" }).format(parts);

/** With a capital at the beginning. */
export const sentence = (text) => text[0].toLocaleUpperCase(language) + text.slice(1);

/** A title of the API in the language of the page. */
export const titled = (title, fallback) => title?.[language] ?? title?.en ?? fallback;

/** `2016-05-28` or `2016-05` as a month; `style` is "long", "short" or "narrow". */
export function month(date, style = "short") {
  const [year, number] = date.split("-").map(Number);
  const options = style === "narrow" ? { month: "narrow" } : { month: style, year: "numeric" };
  const parts = new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" })
    .formatToParts(Date.UTC(year, number - 1, 1));
  return parts.filter((part) => !/^\s*г\./.test(part.value)).map((part) => part.value).join("").trim();
}

/** `2025-09-01` as a day; `style` is "long" (with the year) or "short". */
export function day(date, style = "short") {
  const options = { day: "numeric", month: style, ...(style === "long" ? { year: "numeric" } : {}), timeZone: "UTC" };
  return new Intl.DateTimeFormat(language, options).format(new Date(date));
}

/** The name of a country by its code. */
export const regionName = (code) => new Intl.DisplayNames([language], { type: "region" }).of(code);

export const time = (moment) =>
  new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(moment);
