import { createHmac } from "node:crypto";
import { jsonRequest, type RequestsOf } from "./request.ts";

/**
 * A webhook, signed as Standard Webhooks says, so that receivers need no code of their own: HMAC-SHA256
 * of `{id}.{timestamp}.{body}`. A secret that begins with `whsec_` is base64, any other its own bytes.
 */
export function webhookRequests({ url }: { readonly url: string }): RequestsOf {
  return (notice, secret, now) => {
    const { alias, change, count } = notice;
    const request = jsonRequest(url, { schema: 1, ...notice });
    const id = `${alias}:${change}:${count}`;
    const timestamp = String(Math.floor(now / 1_000));
    return [
      {
        ...request,
        headers: {
          ...request.headers,
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": webhookSignature(secret, `${id}.${timestamp}.${request.body}`),
        },
      },
    ];
  };
}

const base64Secret = "whsec_";

/** The header `webhook-signature` of `{id}.{timestamp}.{body}`. */
export function webhookSignature(secret: string, text: string): string {
  const key = secret.startsWith(base64Secret)
    ? Buffer.from(secret.slice(base64Secret.length), "base64")
    : secret;
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}
