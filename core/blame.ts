/** By whose fault a job failed, as its driver's own words say. */
export interface Blamed {
  readonly blame: "job" | "infrastructure";
  /** What was seen, for the reason of a failure. */
  readonly what: string;
}

interface Sign extends Blamed {
  readonly words: RegExp;
}

const job = (words: RegExp, what: string): Sign => ({ words, blame: "job", what });
const ground = (words: RegExp, what: string): Sign => ({ words, blame: "infrastructure", what });

/**
 * Words of which it is known what they mean. The first that is found decides: what the job itself did
 * wrong explains all that came of it, memory for one, for which YARN takes its containers away.
 *
 * Sources: Spark's `ExecutorLossReason` and `YarnAllocator`, Hadoop's `SchedulerUtils`, ZooKeeper's
 * `KeeperException`, status codes of gRPC and of Google's JSON APIs.
 */
const SIGNS: readonly Sign[] = [
  job(/OutOfMemoryError|(?:exceeding|beyond) (?:\w+ )*memory limits/, "it needs more memory"),
  job(/\b(?:Analysis|Parse)Exception\b/, "its query is wrong"),
  job(
    /\b(?:ClassNotFoundException|NoClassDefFoundError|NoSuchMethodError)\b/,
    "a class of it is missing",
  ),
  ground(/Container released on a \*lost\* node/, "a node was lost"),
  ground(
    /Container preempted by scheduler|\b(?:spot|instance|machine|VM|node)\b.*\bpreempt(?:ed|ion)\b/i,
    "a machine was preempted",
  ),
  ground(/Executor decommission: /, "an executor was decommissioned"),
  ground(
    /Quota '\w+' exceeded|RESOURCE_EXHAUSTED|\b(?:quotaExceeded|rateLimitExceeded)\b|429 Too Many Requests/,
    "a quota was used up",
  ),
  ground(/KeeperErrorCode = (?:ConnectionLoss|SessionExpired)/, "ZooKeeper was lost"),
  ground(
    /\b50[0234] (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Timeout)|\bbackendError\b|StatusRuntimeException: UNAVAILABLE/,
    "a service of Google Cloud was not available",
  ),
  ground(
    /UnknownHostException: (?:metadata\.google\.internal|[\w.-]+\.googleapis\.com)|NoRouteToHostException/,
    "the network failed",
  ),
  ground(
    /Could not connect to meta store using any of the URIs provided/,
    "the metastore could not be reached",
  ),
];

/** Null: nothing in it is known to mean one or the other. */
export function blamedBy(output: string): Blamed | null {
  const failure = failureIn(output);
  const found = SIGNS.find(({ words }) => words.test(failure));
  return found === undefined ? null : { blame: found.blame, what: found.what };
}

/** A failure as it is told: with what was seen where the ground is blamed by words. */
export function blamedText(error: string, { blame, what }: Blamed): string {
  return blame === "job" ? error : `${error} (not the job's fault: ${what})`;
}

const everyday = /^\S+ \S+ (?:TRACE|DEBUG|INFO|WARN|ERROR)\b/;
const uncaught = /^Exception in thread /;
const linesMax = 60;

/**
 * What a driver failed with: from its last uncaught exception on, else its last lines. What its log says
 * on the way does not count: Spark puts up with lost nodes, and jobs go on.
 */
function failureIn(output: string): string {
  const lines = output.split("\n").map((line) => line.trim());
  const from = lines.findLastIndex((line) => uncaught.test(line));
  const failure = from === -1 ? lines.slice(-linesMax) : lines.slice(from, from + linesMax);
  return failure.filter((line) => !everyday.test(line)).join("\n");
}
