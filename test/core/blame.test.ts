import { describe, expect, test } from "vitest";
import { blamedBy, blamedText } from "../../core/blame.ts";

const aborted = (reason: string) =>
  [
    "26/03/02 01:00:07 WARN TaskSetManager: Lost task 12.0 in stage 5.0 (TID 800)",
    'Exception in thread "main" org.apache.spark.SparkException: Job aborted due to stage failure: ' +
      "Task 12 in stage 5.0 failed 4 times, most recent failure: Lost task 12.3 in stage 5.0 " +
      `(TID 841) (chronon-w-3 executor 9): ${reason}`,
    "Driver stacktrace:",
    "\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2844)",
    "26/03/02 01:00:08 INFO ShutdownHookManager: Shutdown hook called",
  ].join("\n");

const lost = (why: string) =>
  `ExecutorLostFailure (executor 9 exited unrelated to the running tasks) Reason: ${why}`;

describe("whose fault a failure is, by the driver's words", () => {
  test.each([
    [
      "a lost node",
      aborted(lost("Exit status: -100. Diagnostics: Container released on a *lost* node.")),
      "a node was lost",
    ],
    [
      "YARN's preemption",
      aborted(lost("Container preempted by scheduler")),
      "a machine was preempted",
    ],
    [
      "a spot machine",
      aborted(lost("worker decommissioned because of spot instance preemption, preempted")),
      "a machine was preempted",
    ],
    [
      "a node that is taken away",
      aborted(lost("Executor decommission: Executor 9 is decommissioned.")),
      "an executor was decommissioned",
    ],
    [
      "a quota of Compute Engine",
      "Exception in thread \"main\" java.io.IOException: Quota 'CPUS' exceeded. Limit: 24.0",
      "a quota was used up",
    ],
    [
      "a quota of BigQuery",
      'Exception in thread "main" com.google.cloud.bigquery.BigQueryException: Exceeded rate limits\n"reason": "rateLimitExceeded"',
      "a quota was used up",
    ],
    [
      "a quota over gRPC",
      "io.grpc.StatusRuntimeException: RESOURCE_EXHAUSTED: Received message",
      "a quota was used up",
    ],
    [
      "ZooKeeper",
      'Exception in thread "main" org.apache.zookeeper.KeeperException$ConnectionLossException: KeeperErrorCode = ConnectionLoss for /hiveserver2',
      "ZooKeeper was lost",
    ],
    [
      "Cloud Storage",
      'Exception in thread "main" java.io.IOException: Error accessing gs://lake/t\nCaused by: com.google.api.client.googleapis.json.GoogleJsonResponseException: 503 Service Unavailable',
      "a service of Google Cloud was not available",
    ],
    [
      "Bigtable",
      'Exception in thread "main" com.google.api.gax.rpc.UnavailableException: io.grpc.StatusRuntimeException: UNAVAILABLE: io exception',
      "a service of Google Cloud was not available",
    ],
    [
      "the network",
      'Exception in thread "main" java.net.UnknownHostException: metadata.google.internal',
      "the network failed",
    ],
    [
      "Hive's metastore",
      "MetaException(message:Could not connect to meta store using any of the URIs provided.",
      "the metastore could not be reached",
    ],
  ])("%s is the ground's", (_, output, what) => {
    expect(blamedBy(output)).toEqual({ blame: "infrastructure", what });
  });

  test.each([
    [
      "a wrong query",
      'Exception in thread "main" org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN] amount',
      "its query is wrong",
    ],
    [
      "a missing class",
      'Exception in thread "main" java.lang.ClassNotFoundException: com.acme.Udf',
      "a class of it is missing",
    ],
    [
      "memory, though YARN took the container",
      aborted(
        lost(
          "Container killed by YARN for exceeding physical memory limits. 12.1 GB of 12 GB used",
        ),
      ),
      "it needs more memory",
    ],
    [
      "memory, though a node is said to be lost after it",
      `${aborted("java.lang.OutOfMemoryError: Java heap space")}\nCaused by: Container released on a *lost* node`,
      "it needs more memory",
    ],
  ])("%s is the job's", (_, output, what) => {
    expect(blamedBy(output)).toEqual({ blame: "job", what });
  });

  test.each([
    [
      "an exception of its own",
      'Exception in thread "main" java.lang.IllegalStateException: no rows',
    ],
    [
      "a silent executor: of load or of a network, who knows",
      aborted(lost("Executor heartbeat timed out")),
    ],
    ["a host that somebody named wrongly", "java.net.UnknownHostException: kafka-1.acme"],
    ["nothing", ""],
    ["a number that only looks like a status", "5030 rows, 503 of them null"],
  ])("%s is not known", (_, output) => {
    expect(blamedBy(output)).toBeNull();
  });

  test("what the log says on the way does not count, a job goes on after it", () => {
    const output = [
      "26/03/02 01:00:01 ERROR YarnScheduler: Lost executor 3: Container released on a *lost* node",
      "26/03/02 01:00:02 WARN GhfsStorage: 503 Service Unavailable, trying again",
      'Exception in thread "main" java.lang.IllegalArgumentException: no such column: amount',
    ];
    expect(blamedBy(output.join("\n"))).toBeNull();
    expect(blamedBy(output.slice(0, 2).join("\n"))).toBeNull();
  });

  test("the last uncaught exception counts", () => {
    const first = 'Exception in thread "shutdown" java.net.UnknownHostException: nowhere';
    const last = 'Exception in thread "main" org.apache.spark.sql.AnalysisException: no';
    expect(blamedBy(`${first}\n${last}`)?.blame).toBe("job");
  });

  test("the reason says what was seen where the job is not blamed", () => {
    const what = { blame: "infrastructure", what: "a node was lost" } as const;
    expect(blamedText("it failed", what)).toBe("it failed (not the job's fault: a node was lost)");
    expect(blamedText("it failed", { blame: "job", what: "no" })).toBe("it failed");
  });
});
