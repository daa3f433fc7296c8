import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { type AlertRequest, cut } from "./request.ts";

export interface Sending {
  readonly requests: readonly AlertRequest[];
  /** Blanked wherever an answer repeats it. */
  readonly secret: string;
  readonly timeoutMs: number;
}

/**
 * Makes requests one after the other; resolves with the last answer, one line. Throws `RetryableError`
 * for no answer in time, 408, 429 and 5xx, `PermanentError` for everything else that is no success:
 * a redirect is not followed, since it would be told the secret.
 */
export async function sendRequests({ requests, secret, timeoutMs }: Sending): Promise<string> {
  let last = "nothing was to be sent";
  for (const request of requests) last = await sendOne(request, secret, timeoutMs);
  return last;
}

async function sendOne(request: AlertRequest, secret: string, timeoutMs: number): Promise<string> {
  const { method, url, headers, body } = request;
  const { host } = new URL(url);
  let status: number;
  let text: string;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(url, { method, headers, body, signal, redirect: "manual" });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    throw new RetryableError(`${host} does not answer: ${reasonOf(cause)}`, { cause });
  }
  const said = oneLine(text, secret);
  const answer = `HTTP ${status}${said === "" ? "" : ` ${said}`}`;
  if (status >= 200 && status < 300) return answer;
  if (status === 408 || status === 429 || status >= 500) {
    throw new RetryableError(`${host} answers ${answer}`);
  }
  throw new PermanentError(`${host} refuses: ${answer}`);
}

/** `fetch` hides the reason in the cause of its error. */
function reasonOf(cause: unknown): string {
  const { message, cause: inner } = cause as Error;
  return inner instanceof Error && inner.message !== "" ? inner.message : message;
}

const answerMax = 200;

function oneLine(text: string, secret: string): string {
  const blanked = secret === "" ? text : text.replaceAll(secret, "***");
  return cut(blanked.replaceAll(/\s+/g, " ").trim(), answerMax);
}
