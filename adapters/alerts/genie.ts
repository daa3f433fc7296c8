import type { Notice } from "../../ports/alerts.ts";
import { cut, jsonRequest, type RequestsOf } from "./request.ts";

export interface GenieOptions {
  /** What `/v2/alerts` stands below. */
  readonly url: string;
  /** Who responds, as the receiver names them. */
  readonly respondersOf: (
    about: Pick<Notice, "team" | "maintainers">,
  ) => readonly Readonly<Record<string, string>>[];
}

/**
 * The alert API that Opsgenie made and Jira Service Management kept: `alias` makes all notices of an
 * alert one there, and closes it. Receivers cut messages at 130 characters.
 */
export function genieRequests({ url, respondersOf }: GenieOptions): RequestsOf {
  return (notice, secret) => {
    const { alias, change, priority, team, maintainers, kind } = notice;
    const { deployment, summary, count, since } = notice;
    const headers = { authorization: `GenieKey ${secret}` };
    const alerts = `${url}/v2/alerts`;
    const one = (what: string) =>
      `${alerts}/${encodeURIComponent(alias)}/${what}?identifierType=alias`;
    const source = `landfall ${deployment}`;
    if (change === "closed") {
      return [jsonRequest(one("close"), { source, note: "its cause is gone" }, { headers })];
    }
    const create = jsonRequest(
      alerts,
      {
        message: cut(summary, messageMax),
        alias,
        description: descriptionOf(notice),
        responders: respondersOf(notice),
        tags: ["landfall", team, kind],
        details: {
          deployment,
          team,
          kind,
          count: String(count),
          since: new Date(since).toISOString(),
          ...(maintainers.length === 0 ? {} : { maintainers: maintainers.join(", ") }),
        },
        entity: team,
        source,
        priority,
      },
      { headers },
    );
    if (change === "opened") return [create];
    // Made again it is the same alert, or a new one when somebody closed it; its words stay the old ones.
    const message = { message: cut(summary, messageMax) };
    return [create, jsonRequest(one("message"), message, { method: "PUT", headers })];
  };
}

const messageMax = 130;
const descriptionMax = 15_000;

function descriptionOf({ summary, details }: Notice): string {
  return cut([summary, "", ...details].join("\n"), descriptionMax);
}
