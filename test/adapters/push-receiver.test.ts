import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Letter } from "../../adapters/gcp/bus-dead-letters.ts";
import { type PushReceiver, pushReceiver } from "../../adapters/gcp/push-receiver.ts";
import type { Delivery } from "../../ports/bus.ts";
import { poison } from "../contract/bus-dead-letters.contract.ts";
import { at, listen } from "../support/bus.ts";
import { tick } from "../support/documents.ts";
import { account, audience, keys, push, stranger, token } from "../support/push.ts";

describe("push receiver", () => {
  let receiver: PushReceiver;
  let letters: Letter[];
  let lines: string[];
  let trouble: Error | null;
  let available: boolean;
  beforeEach(async () => {
    [letters, lines, trouble, available] = [[], [], null, true];
    const log = (fields: object, message: string) =>
      void lines.push(JSON.stringify({ ...fields, message }));
    receiver = await pushReceiver({
      port: 0,
      host: "127.0.0.1",
      audience,
      account,
      keys: async () => {
        if (!available) throw new Error("no answer");
        return keys;
      },
      putAside: async (letter) => {
        if (trouble !== null) throw trouble;
        letters.push(letter);
      },
      log: { info: log, warn: log, error: log },
    });
  });
  afterEach(() => receiver.close());

  const send = async (
    body: string,
    authorization: string | null = `Bearer ${token()}`,
    path = "/push",
  ): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${receiver.port}${path}`, {
      method: "POST",
      body,
      headers: authorization === null ? {} : { authorization },
    });
    return answer.status;
  };
  const hear = (react?: (delivery: Delivery) => void, options = {}) =>
    listen({ ...receiver, publish: never, deadLetter: never, deadLetters: never }, options, react);
  const never = async () => {
    throw new Error("nobody asked");
  };
  const event = (n = 1) => push(JSON.stringify(tick(n)));

  test("a push is a delivery, answered with 204 only when it was acked", async () => {
    const listener = hear();
    let status: number | null = null;
    const sent = send(event(7)).then((answer) => {
      status = answer;
    });
    const delivery = await listener.next();
    expect(delivery).toMatchObject({ event: tick(7), attempt: 1 });
    expect(delivery.id).toMatch(/^landfall-events-watcher-\d+$/);
    expect(status).toBeNull();
    delivery.ack();
    await sent;
    expect(status).toBe(204);
    expect(receiver.counts()).toMatchObject({ acked: 1, nacked: 0 });
  });

  test.each([
    [
      { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` },
      `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    ],
    [{ traceparent: "Bearer of bad news" }, undefined],
    [{}, undefined],
  ])("a push is delivered in the trace that its attributes name: %o", async (attributes, trace) => {
    const listener = hear((delivery) => delivery.ack());
    expect(await send(push(JSON.stringify(tick(8)), attributes))).toBe(204);
    expect((await listener.next()).trace).toBe(trace);
  });

  test("a nack, and a lease that ended, are answered so that Pub/Sub pushes again", async () => {
    hear(
      (delivery) => {
        if (at(delivery.event) === 1) delivery.nack();
      },
      { leaseMs: 50 },
    );
    expect(await send(event(1))).toBe(503);
    expect(await send(event(2))).toBe(503);
    expect(receiver.counts()).toMatchObject({ nacked: 2 });
  });

  test("while nobody listens pushes come again later", async () => {
    expect(await send(event())).toBe(503);
    expect(receiver.counts()).toMatchObject({ "nobody-listens": 1 });
  });

  test("what was acked and is pushed again is acked without being delivered", async () => {
    const listener = hear((delivery) => delivery.ack());
    const body = event(3);
    expect(await send(body)).toBe(204);
    expect(await send(body)).toBe(204);
    expect(listener.seen).toHaveLength(1);
  });

  test("what is pushed again while it is in hand is answered with the first", async () => {
    const listener = hear();
    const body = event(4);
    const both = [send(body), send(body)];
    const delivery = await listener.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    delivery.ack();
    expect(await Promise.all(both)).toEqual([204, 204]);
    expect(listener.seen).toHaveLength(1);
  });

  test("no more are in hand than allowed; what waits for room too long is refused", async () => {
    const listener = hear(undefined, { unackedMax: 2 });
    const all = [send(event(1)), send(event(2)), send(event(3))];
    await listener.count(2);
    expect(await Promise.race(all)).toBe(503);
    expect(listener.seen).toHaveLength(2);
    for (const delivery of listener.seen) delivery.ack();
    expect((await Promise.all(all)).toSorted((a, b) => a - b)).toEqual([204, 204, 503]);
  });

  const refused: readonly (readonly [string, number, () => string | null])[] = [
    ["no token", 401, () => null],
    ["an empty token", 401, () => "Bearer "],
    ["another scheme", 401, () => `Basic ${token()}`],
    ["a garbled token", 401, () => "Bearer not.a.token"],
    ["a token of one part", 401, () => "Bearer garbage"],
    ["a token that is cut", 401, () => `Bearer ${token().slice(0, -20)}`],
    ["a changed payload", 401, () => `Bearer ${changed(token())}`],
    ["an expired token", 401, () => `Bearer ${token({ claims: { iat: 1_000, exp: 2_000 } })}`],
    ["a token of the future", 401, () => `Bearer ${token({ claims: { iat: 9_999_999_999 } })}`],
    ["a token without an end", 401, () => `Bearer ${token({ claims: { exp: undefined } })}`],
    ["another issuer", 401, () => `Bearer ${token({ claims: { iss: "https://evil.example" } })}`],
    ["another's signature", 401, () => `Bearer ${token({ key: stranger.privateKey })}`],
    ["an unknown key", 401, () => `Bearer ${token({ header: { kid: "key-2" } })}`],
    ["no algorithm", 401, () => `Bearer ${unsigned()}`],
    ["another account", 403, () => `Bearer ${token({ claims: { email: "eve@example.com" } })}`],
    [
      "an account not verified",
      403,
      () => `Bearer ${token({ claims: { email_verified: false } })}`,
    ],
    ["no account", 403, () => `Bearer ${token({ claims: { email: undefined } })}`],
    ["another audience", 403, () => `Bearer ${token({ claims: { aud: "https://other" } })}`],
    ["several audiences", 403, () => `Bearer ${token({ claims: { aud: [audience, "x"] } })}`],
  ];
  test.each(refused)("%s is answered with %i, counted, and delivers nothing", async (...row) => {
    const [, status, authorization] = row;
    const listener = hear((delivery) => delivery.ack());
    const sent = authorization();
    expect(await send(event(), sent)).toBe(status);
    expect(receiver.counts()[status === 401 ? "unauthenticated" : "forbidden"]).toBe(1);
    expect(await send(event(2))).toBe(204);
    expect(listener.seen.map((delivery) => at(delivery.event))).toEqual([2]);
    const parts = (sent ?? "").split(/[ .]/).filter((part) => part.length > 10);
    for (const part of parts) expect(lines.join("\n")).not.toContain(part);
    expect(lines).toHaveLength(1);
  });

  test("a token from shortly before, as a slow clock sees it, is fine", async () => {
    hear((delivery) => delivery.ack());
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iat: now + 60, exp: now + 3_600 };
    expect(await send(event(), `Bearer ${token({ claims })}`)).toBe(204);
  });

  test("while Google's keys are out of reach nobody is let in and nothing is lost", async () => {
    hear((delivery) => delivery.ack());
    available = false;
    expect(await send(event())).toBe(503);
    available = true;
    expect(await send(event())).toBe(204);
    expect(receiver.counts()).toMatchObject({ "keys-unavailable": 1, acked: 1 });
  });

  test.each(poison)("what is no event is put aside with its reason: %s", async (body, found) => {
    const listener = hear((delivery) => delivery.ack());
    expect(await send(push(body))).toBe(204);
    expect(letters).toMatchObject([{ reason: expect.stringMatching(/^not (JSON|an event): \S/) }]);
    expect(letters[0]?.data.toString()).toBe(body);
    expect(found).toBeDefined();
    expect(listener.seen).toEqual([]);
  });

  test.each(["", "[]", "not JSON", '{"message":{}}'])(
    "a body that Pub/Sub does not post is put aside: %s",
    async (body) => {
      hear((delivery) => delivery.ack());
      expect(await send(body)).toBe(204);
      expect(letters).toMatchObject([
        { reason: expect.stringContaining("not what Pub/Sub posts") },
      ]);
    },
  );

  test("what cannot be put aside now comes again", async () => {
    trouble = new Error("the topic does not answer");
    expect(await send(push("poison"))).toBe(503);
    expect(receiver.counts()).toMatchObject({ failed: 1, "put-aside": 0 });
    expect(lines).toEqual([expect.stringContaining("the topic does not answer")]);
  });

  test("a body larger than any message is refused", async () => {
    expect(await send("x".repeat(15_000_001))).toBe(413);
  });

  test("says that it lives, and that it is ready while somebody listens", async () => {
    const probe = async (path: string) =>
      (await fetch(`http://127.0.0.1:${receiver.port}${path}`)).status;
    expect([await probe("/healthz"), await probe("/readyz")]).toEqual([200, 503]);
    const listener = hear();
    expect(await probe("/readyz")).toBe(200);
    listener.unsubscribe();
    expect(await probe("/readyz")).toBe(503);
    expect([await probe("/push"), await probe("/other")]).toEqual([405, 404]);
  });

  test("closing lets what is in hand be acked, gives back the rest, and takes nothing new", async () => {
    const listener = hear();
    const [first, second] = [send(event(1)), send(event(2))];
    await listener.count(2);
    const closing = receiver.close();
    listener.seen.find((delivery) => at(delivery.event) === 1)?.ack();
    expect(await first).toBe(204);
    expect(await second).toBe(503);
    await closing;
    expect(listener.completed()).toBe(true);
    await expect(send(event())).rejects.toThrow("fetch failed");
    await expect(hear().next()).rejects.toThrow("closed");
  });
});

/** The same token with another account in its payload. */
function changed(jwt: string): string {
  const [header, payload, signature] = jwt.split(".");
  const claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: "eve" })).toString("base64url");
  return [header, forged, signature].join(".");
}

/** A token whose header says that it needs no signature. */
function unsigned(): string {
  const [, payload] = token().split(".");
  const header = Buffer.from('{"alg":"none","kid":"key-1"}').toString("base64url");
  return `${header}.${payload}.`;
}
