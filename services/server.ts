import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Why the service is not ready; null when it is. */
  readonly trouble: () => Promise<string | null>;
  /** What becomes of a push, as an HTTP status; not found where nothing is pushed. */
  readonly push?: (request: IncomingMessage) => Promise<number>;
}

/** What a service answers over HTTP. */
export interface ServiceServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * `/healthz`: the process lives. `/readyz`: it can work, else 503 and why in one line. `/push`: where
 * Pub/Sub pushes to, if it does. Listens already when resolved.
 */
export async function serviceServer(options: ServerOptions): Promise<ServiceServer> {
  const { host, port, push } = options;
  const ready = async (response: ServerResponse) => {
    const trouble = await options.trouble();
    if (trouble === null) answer(response, 200, "ready");
    else answer(response, 503, trouble);
  };
  const pushed = async (request: IncomingMessage, response: ServerResponse) => {
    if (push === undefined) return answer(response, 404, "nothing is pushed here");
    if (request.method !== "POST") return answer(response, 405, "a push is a POST");
    const status = await push(request);
    if (status === 401) response.setHeader("www-authenticate", "Bearer");
    if (!request.complete) response.setHeader("connection", "close");
    answer(response, status, "");
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://service");
    if (pathname === "/healthz") answer(response, 200, "alive");
    else if (pathname === "/readyz") void ready(response);
    else if (pathname === "/push") void pushed(request, response);
    else answer(response, 404, "there are /healthz and /readyz");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const ended = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await ended;
    },
  };
}

/** A text without its line end; a status that has no body gets none. */
function answer(response: ServerResponse, status: number, text: string): void {
  const body = status === 204 || text === "" ? "" : `${text}\n`;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body);
}
