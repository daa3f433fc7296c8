import { genieRequests } from "./genie.ts";
import type { RequestsOf } from "./request.ts";

export interface JiraServiceManagementOptions {
  readonly url: string;
  /** Team → id of the team at Atlassian. Without one, the integration's own team responds. */
  readonly responders: Readonly<Record<string, string>>;
}

/** Jira Service Management: the alert API of an integration there; teams go by id, and people too. */
export function jiraServiceManagementRequests(options: JiraServiceManagementOptions): RequestsOf {
  const { url, responders } = options;
  return genieRequests({
    url,
    respondersOf({ team }) {
      const id = Object.hasOwn(responders, team) ? responders[team] : undefined;
      return id === undefined ? [] : [{ type: "team", id }];
    },
  });
}
