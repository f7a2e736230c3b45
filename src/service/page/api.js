// The service's routes. The key lives as long as the browser's tab, and goes nowhere but there.

const KEY = "nextbest.key";
const WAIT_MS = 15_000;

/** What went wrong: `status` of the answer, 0 if there was none. */
export class Refused extends Error {
  constructor(status, body = {}) {
    super(body.detail ?? `status ${status}`);
    this.status = status;
    this.faults = body.faults ?? [];
  }
}

/** Whether a text can be a key: others, like Cyrillic letters, cannot even be sent in a header. */
export const isKey = (text) => /^[\x21-\x7e]+$/.test(text);

export const hasKey = () => sessionStorage.getItem(KEY) !== null;
export const keepKey = (key) => sessionStorage.setItem(KEY, key);
export const forgetKey = () => sessionStorage.removeItem(KEY);

async function request(method, path, body) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(WAIT_MS),
    });
  } catch {
    throw new Refused(0);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export const getReady = () => request("GET", "ready");
export const getVocabulary = () => request("GET", "vocabulary");
export const getStatistics = () => request("GET", "get_statistics");
// Ids are text: JavaScript's numbers end at 2^53. In the query they may be anything, '/' and '..', too.
export const getCustomer = (id) => request("GET", `customers?customer=${encodeURIComponent(id)}`);
export const recommend = (customer) => request("POST", "recommendations", { customer });
export const getOperations = (client) => request("POST", "payments/operations", { client });
export const getExamples = (client) => request("POST", "payments/examples", { client });
export const sendFeedback = (feedback) => request("POST", "feedback", feedback);
