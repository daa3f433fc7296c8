import type { Notice } from "../../ports/alerts.ts";

/** One request over HTTPS. What it holds of secrets is in its headers or body, never in its address. */
export interface AlertRequest {
  readonly method: "POST" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Requests that tell a receiver of a notice, to be made in this order. */
export type RequestsOf = (notice: Notice, secret: string, now: number) => readonly AlertRequest[];

/** A request whose body is JSON. */
export function jsonRequest(
  url: string,
  body: object,
  more: Partial<Pick<AlertRequest, "method" | "headers">> = {},
): AlertRequest {
  return {
    method: more.method ?? "POST",
    url,
    headers: { "content-type": "application/json", ...more.headers },
    body: JSON.stringify(body),
  };
}

/** A text of at most so many characters, which shows that it was cut. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
