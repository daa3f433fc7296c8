import { createSign, generateKeyPairSync } from "node:crypto";

const google = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** Somebody who is not Google. */
export const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** What tokens are verified with. */
export const keys = {
  "key-1": google.publicKey.export({ type: "spki", format: "pem" }).toString(),
};
export const audience = "https://watcher.example.com/push";
export const account = "landfall-push@project.iam.gserviceaccount.com";

export interface TokenOptions {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: typeof google.privateKey;
}

/** A token as Google signs them for Pub/Sub, unless told otherwise. */
export function token({
  claims = {},
  header = {},
  key = google.privateKey,
}: TokenOptions = {}): string {
  const now = Math.floor(Date.now() / 1_000);
  const payload = {
    iss: "https://accounts.google.com",
    aud: audience,
    email: account,
    email_verified: true,
    sub: "1234567890",
    iat: now,
    exp: now + 3_600,
    ...claims,
  };
  const encoded = [{ alg: "RS256", kid: "key-1", typ: "JWT", ...header }, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const signed = encoded.join(".");
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}

let messages = 0;

/** The body of a push, with a message id nobody had before. */
export function push(data: string, attributes?: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    message: { data: Buffer.from(data).toString("base64"), messageId: `${++messages}`, attributes },
    subscription: "projects/p/subscriptions/landfall-events-watcher",
    deliveryAttempt: 1,
  });
}
