import { describe, expect, test } from "vitest";
import { objectError } from "../../adapters/gcp/object-errors.ts";
import { pubsubError } from "../../adapters/gcp/pubsub-errors.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";

const failure = (fields: object) => Object.assign(new Error("said so\nin detail"), fields);

describe("failures of Cloud Storage", () => {
  const told = (fields: object) =>
    objectError({ doing: "read db/t/x", bucket: "lake" }, failure(fields));

  test.each([
    [404, "cannot read db/t/x: the bucket lake does not exist; make it, or correct its name"],
    [
      403,
      "cannot read db/t/x: permission denied on the bucket lake; grant the service account roles/storage.objectUser there",
    ],
  ])("%i is for an operator to put right: it waits for that, in one sentence", (code, sentence) => {
    expect(told({ code })).toEqual(new RetryableError(sentence));
  });

  test.each([400, 405, 412, 413])("%i is permanent", (code) => {
    expect(told({ code })).toEqual(new PermanentError("cannot read db/t/x: said so"));
  });

  test.each([{ code: 429 }, { code: 500 }, { code: 503 }, { code: 408 }, { code: 401 }, {}])(
    "%o is worth another try",
    (fields) => {
      expect(told(fields)).toEqual(new RetryableError("cannot read db/t/x: said so"));
    },
  );

  test("a broken connection, and a 403 about how often, are worth another try", () => {
    expect(told({ code: "ECONNRESET" })).toBeInstanceOf(RetryableError);
    const often = { code: 403, errors: [{ reason: "rateLimitExceeded" }] };
    expect(told(often)).toEqual(new RetryableError("cannot read db/t/x: said so"));
  });
});

describe("failures of Pub/Sub", () => {
  test.each([
    [5, "it does not exist; run the setup"],
    [7, "permission denied; grant the service account roles/pubsub.publisher"],
    [3, "said so"],
    [9, "said so"],
  ])("status %i is permanent, in one sentence", (code, sentence) => {
    const error = pubsubError("publish", failure({ code }));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error.message).toContain(`cannot publish: ${sentence}`);
    expect(error.message).not.toContain("\n");
  });

  test.each([1, 2, 4, 8, 10, 13, 14, 16, undefined])("status %s is worth another try", (code) => {
    expect(pubsubError("publish", failure({ code }))).toEqual(
      new RetryableError("cannot publish: said so"),
    );
  });
});
