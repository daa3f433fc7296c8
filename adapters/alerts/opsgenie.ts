import { genieRequests } from "./genie.ts";
import type { RequestsOf } from "./request.ts";

export interface OpsgenieOptions {
  readonly url: string;
  /** Team → name of the team there; of a team that is not named, its own name. */
  readonly responders: Readonly<Record<string, string>>;
}

/** Opsgenie, which its maker ends in April 2027. Its users go by their e-mail addresses. */
export function opsgenieRequests({ url, responders }: OpsgenieOptions): RequestsOf {
  return genieRequests({
    url,
    respondersOf: ({ team, maintainers }) => [
      { type: "team", name: Object.hasOwn(responders, team) ? (responders[team] ?? team) : team },
      ...maintainers.map((username) => ({ type: "user", username })),
    ],
  });
}
