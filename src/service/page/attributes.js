// A customer's attributes and their codes in words.

import { inLanguage, number, regionName, say } from "./text.js";

const ATTRIBUTES = {
  age: ["Age", "Возраст"],
  tenure: ["With the bank", "В банке"],
  income: ["Income a year", "Доход в год"],
  employee: ["Employee of the bank", "Сотрудник банка"],
  country: ["Country", "Страна"],
  sex: ["Sex", "Пол"],
  new_customer: ["New in 6 months", "Новый за 6 месяцев"],
  primary: ["Primary customer", "Основной клиент"],
  customer_type: ["Type of customer", "Тип клиента"],
  relation: ["Relation", "Отношения"],
  resident: ["Resident", "Резидент"],
  foreign_born: ["Born abroad", "Рождение за границей"],
  employee_spouse: ["Spouse of an employee", "Супруг(а) сотрудника"],
  channel: ["Joined through", "Канал"],
  deceased: ["Deceased", "Умер(ла)"],
  province: ["Province", "Провинция"],
  active: ["Active", "Активный клиент"],
  segment: ["Segment", "Сегмент"],
};

const BINARY = new Set([
  "new_customer", "primary", "resident", "foreign_born", "employee_spouse", "deceased", "active",
]);
const YES = new Set(["1", "S", "true"]);
const NO = new Set(["0", "N", "99", "false"]);

// Codes of the Santander data; a code that is not here is shown as it is.
const CODES = {
  employee: {
    A: ["active", "работает"], B: ["former", "бывший"], F: ["of a subsidiary", "филиал"],
    N: ["no", "нет"], P: ["passive", "на пенсии"],
  },
  sex: { V: ["male", "мужской"], H: ["female", "женский"] },
  customer_type: {
    1: ["primary", "основной"], 2: ["co-owner", "совладелец"], P: ["potential", "возможный"],
    3: ["former primary", "бывший основной"], 4: ["former co-owner", "бывший совладелец"],
  },
  relation: {
    A: ["active", "активные"], I: ["inactive", "неактивные"], P: ["former customer", "бывший клиент"],
    R: ["potential", "возможный клиент"],
  },
  segment: {
    "01 - TOP": ["top", "VIP"], "02 - PARTICULARES": ["individuals", "частные лица"],
    "03 - UNIVERSITARIO": ["students and graduates", "студенты и выпускники"],
  },
};

/** The name of an attribute of the profile. */
export function attribute(name) {
  const names = ATTRIBUTES[name];
  return names ? inLanguage(names) : name.replaceAll("_", " ");
}

/** A value of the profile in words; null if it is not known. */
export function value(name, given) {
  if (given === null || given === undefined || given === "unknown") return null;
  if (name === "age") return say("age", { count: given });
  if (name === "tenure") return tenure(given);
  if (typeof given === "number") return number(given);
  const code = String(given);
  if (BINARY.has(name) && YES.has(code)) return say("yes");
  if (BINARY.has(name) && NO.has(code)) return say("no");
  if (name === "country" && /^[A-Z]{2}$/.test(code)) {
    return regionName(code);
  }
  const words = CODES[name]?.[code];
  return words ? inLanguage(words) : code;
}

function tenure(months) {
  const whole = Math.floor(months);
  const years = Math.floor(whole / 12);
  const rest = whole % 12;
  const parts = [];
  if (years > 0) parts.push(say("tenureYears", { count: years }));
  if (rest > 0 || years === 0) parts.push(say("tenureMonths", { count: rest }));
  return parts.join(" ");
}
