import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { PubSub } from "@google-cloud/pubsub";
import { firstValueFrom, take, toArray } from "rxjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudStorage } from "../../adapters/gcp/cloud-storage.ts";
import {
  objectNotifications,
  setUpObjectNotifications,
} from "../../adapters/gcp/object-notifications.ts";
import {
  type CloudStorageOptions,
  cloudStorageObjectStore,
} from "../../adapters/gcp/object-store.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { describeObjectStore } from "../contract/object-store.contract.ts";
import { emulated } from "../support/emulators/emulated.ts";
import { objectsTopic } from "../support/emulators/servers.ts";
import { pubsubProxy } from "../support/pubsub-proxy.ts";

let places = 0;

/**
 * A bucket of its own, with a subscription of its own to the topic on which the emulator tells of
 * all buckets. It takes configurations of a bucket, too, but not as Google's library spells them.
 */
async function newPlace(project: string) {
  const name = `contract-${process.pid}-${++places}`;
  const channel = { topic: objectsTopic, subscription: `${name}-watcher` };
  const apiEndpoint = process.env["STORAGE_EMULATOR_HOST"] ?? "";
  const pubsub = new PubSub({ projectId: project });
  const [bucket] = await cloudStorage({ project, apiEndpoint }).createBucket(name);
  const setUp = () => setUpObjectNotifications(pubsub, bucket, channel);
  await setUp();
  const options = { project, apiEndpoint, bucket: name, subscription: channel.subscription };
  return {
    apiEndpoint,
    bucket,
    subscription: channel.subscription,
    setUp,
    publish: (data: string, attributes: Record<string, string>) =>
      pubsub.topic(channel.topic).publishMessage({ data: Buffer.from(data), attributes }),
    open: (more: Partial<CloudStorageOptions> = {}) =>
      cloudStorageObjectStore({ ...options, ...more }),
    async dispose() {
      await pubsub.subscription(channel.subscription).delete();
      await pubsub.close();
    },
  };
}

/** Stands before Cloud Storage and counts what is read there. */
async function countingReads(upstream: string) {
  let reads = 0;
  const proxy = createServer((request, response) => {
    reads += 1;
    const { method, headers } = request;
    const passed = (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    };
    request.pipe(httpRequest(`${upstream}${request.url}`, { method, headers }, passed));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    apiEndpoint: `http://127.0.0.1:${port}`,
    reads: () => reads,
    close: () => void proxy.close(),
  };
}

/** Stands before Cloud Storage; of the first upload that it did, it does not tell. */
async function losingFirstAnswer(upstream: string) {
  let uploads = 0;
  const forward = async (request: IncomingMessage, response: ServerResponse) => {
    const isUpload = request.method === "POST";
    const answer = await fetch(`${upstream}${request.url}`, {
      method: request.method ?? "GET",
      headers: { "content-type": request.headers["content-type"] ?? "" },
      ...(isUpload ? { body: new Uint8Array(await buffer(request)) } : {}),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    if (isUpload && ++uploads === 1) return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
  };
  const proxy = createServer((request, response) => void forward(request, response));
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  return { port, uploads: () => uploads, close: () => void proxy.close() };
}

const bytes = (text: string) => Buffer.from(text);

emulated(["pubsub", "storage"], "the object store on Cloud Storage", ({ project }) => {
  describeObjectStore("Cloud Storage", async () => {
    const place = await newPlace(project);
    const store = place.open();
    return {
      store,
      again: async () => place.open(),
      async close() {
        await store.close();
        await place.dispose();
      },
    };
  });

  describe("Cloud Storage object store", () => {
    let place: Awaited<ReturnType<typeof newPlace>>;
    beforeAll(async () => {
      place = await newPlace(project);
    });
    afterAll(() => place.dispose());

    test("the precondition of a conditional write is kept by the other end: 412", async () => {
      const file = place.bucket.file("once");
      const options = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };
      await file.save("first", options);
      await expect(file.save("second", options)).rejects.toMatchObject({ code: 412 });
    });

    test("lists more than one page, and not the folders that consoles make", async () => {
      const store = place.open();
      const names = Array.from(
        { length: 1_050 },
        (_, at) => `pages/${String(at).padStart(5, "0")}`,
      );
      for (let from = 0; from < names.length; from += 50) {
        const some = names.slice(from, from + 50);
        await Promise.all(some.map((name) => store.write(name, bytes("x"))));
      }
      await place.bucket.file("pages/00007x/").save("", { resumable: false });
      const listed = async (options = {}) =>
        (await store.list("pages/", options)).map(({ name }) => name);
      expect(await listed()).toEqual(names);
      expect(await listed({ after: "pages/00006", limit: 1_020 })).toEqual(names.slice(7, 1_027));
      await store.close();
    });

    test("two listeners of one store hear all", async () => {
      const store = place.open();
      const hear = (prefix: string) =>
        firstValueFrom(store.notifications([prefix]).pipe(take(20), toArray()));
      const heard = Promise.all([hear("left/"), hear("right/")]);
      for (let at = 0; at < 20; at += 1) {
        await store.write(`left/${at}`, bytes("x"));
        await store.write(`right/${at}`, bytes("x"));
      }
      expect((await heard).map((all) => new Set(all.map(({ name }) => name)).size)).toEqual([
        20, 20,
      ]);
      await store.close();
    });

    test("what is no notification is told and passed over, news of others is passed over", async () => {
      const warnings: string[] = [];
      const store = place.open({ warn: (message) => warnings.push(message) });
      const heard = firstValueFrom(store.notifications(["after-noise"]));
      const finalized = { eventType: "OBJECT_FINALIZE", bucketId: place.bucket.name };
      await place.publish("not JSON", { ...finalized, objectId: "a", objectGeneration: "1" });
      await place.publish("{}", {});
      await place.publish("{}", { ...finalized, eventType: "OBJECT_DELETE", objectId: "a" });
      await place.publish("{}", { ...finalized, bucketId: "another" });
      await store.write("after-noise", bytes("x"));
      await heard;
      await expect.poll(() => warnings).toHaveLength(2);
      expect(warnings[0]).toMatch(/^message \d+ of \S+-watcher is no notification$/);
      await store.close();
    });

    test("setting up again adds no second configuration", async () => {
      await place.setUp();
      expect((await place.bucket.getNotifications())[0]).toHaveLength(1);
    });

    test("a bucket that is not there is told in a sentence", async () => {
      const store = place.open({ bucket: "gone-bucket" });
      const sentence = "the bucket gone-bucket does not exist; make it, or correct its name";
      await expect(store.read("a")).rejects.toThrow(
        new RetryableError(`cannot list all objects: ${sentence}`),
      );
      await expect(store.list("a/")).rejects.toThrow(`cannot list a/: ${sentence}`);
      await expect(store.write("a", bytes("x"))).rejects.toThrow(`cannot write a: ${sentence}`);
      await expect(store.write("a", bytes("x"), { ifAbsent: true })).rejects.toThrow(
        RetryableError,
      );
      await store.close();
    });

    test("what was told of is read by one request, and by two more when it was overwritten since", async () => {
      const { apiEndpoint, reads, close } = await countingReads(place.apiEndpoint);
      const [writer, store] = [place.open(), place.open({ apiEndpoint })];
      const heard = firstValueFrom(store.notifications(["told/a"]));
      await writer.write("told/a", bytes("one"));
      await writer.write("told/b", bytes("two"));
      const told = await heard;
      expect(await store.read("told/a")).toEqual({ ...told, bytes: new Uint8Array(bytes("one")) });
      expect(reads()).toBe(1);
      const [listed] = await store.list("told/b");
      expect(await store.read("told/b")).toEqual({
        ...listed,
        bytes: new Uint8Array(bytes("two")),
      });
      expect(reads()).toBe(3);
      await writer.write("told/a", bytes("other"));
      const [now] = await writer.list("told/a");
      expect(await store.read("told/a")).toEqual({ ...now, bytes: new Uint8Array(bytes("other")) });
      expect(reads()).toBe(6);
      await place.bucket.file("told/a").delete();
      expect(await store.read("told/a")).toBeNull();
      for (const one of [writer, store]) await one.close();
      close();
    });

    test("notifications that come apart are acked together", async () => {
      const proxy = await pubsubProxy(process.env["PUBSUB_EMULATOR_HOST"] ?? "");
      const own = await newPlace(project);
      const pubsub = new PubSub({ projectId: project, apiEndpoint: proxy.address });
      const notifications = objectNotifications({
        pubsub,
        subscription: own.subscription,
        bucket: own.bucket.name,
        warn() {},
      });
      const objects = 20;
      const heard = firstValueFrom(notifications.stream.pipe(take(objects), toArray()));
      const store = own.open();
      for (let n = 0; n < objects; n += 1) {
        await store.write(`apart/${n}`, bytes("x"));
        await sleep(70);
      }
      await heard;
      await notifications.ended();
      expect(proxy.calls("Acknowledge")).toBeLessThan(objects / 2);
      expect(proxy.calls("ModifyAckDeadline")).toBeLessThan(objects / 2);
      await pubsub.close();
      await store.close();
      await own.dispose();
      proxy.close();
    });

    test("without a subscription nobody can listen", async () => {
      const store = cloudStorageObjectStore({ project, bucket: "silent" });
      await expect(firstValueFrom(store.notifications())).rejects.toThrow(PermanentError);
      await store.close();
    });

    test("a conditional write whose answer was lost, and which the library repeats, was ours", async () => {
      const { port, uploads, close } = await losingFirstAnswer(place.apiEndpoint);
      const store = place.open({ apiEndpoint: `http://127.0.0.1:${port}` });
      expect(await store.write("in-doubt", bytes("x"), { ifAbsent: true })).toBe("written");
      expect(uploads()).toBe(2);
      expect(await store.write("in-doubt", bytes("y"), { ifAbsent: true })).toBe("exists");
      await store.close();
      close();
    });

    test("a service out of reach is worth another try", async () => {
      const store = place.open({ apiEndpoint: "http://127.0.0.1:1" });
      const tries = [
        store.read("a"),
        store.list("a/"),
        store.write("a", bytes("x")),
        store.write("a", bytes("x"), { ifAbsent: true }),
      ];
      for (const outcome of await Promise.allSettled(tries)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(RetryableError) });
      }
      await store.close();
    });
  });
});
