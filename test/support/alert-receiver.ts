import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Behaviour = "accepts" | "is slow" | "hangs up" | { readonly status: number };

/** An on-call tool on this machine, which is up, down, slow or refuses, as it is told. */
export interface AlertReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

export async function alertReceiver(): Promise<AlertReceiver> {
  let behaviour: Behaviour = "accepts";
  const received: Received[] = [];
  const hanging: ServerResponse[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      received.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() });
      if (behaviour === "is slow") hanging.push(response);
      else if (behaviour === "hangs up") request.socket.destroy();
      else {
        const status = behaviour === "accepts" ? 202 : behaviour.status;
        // As some do, it repeats what it was sent.
        response.writeHead(status).end(`said: ${headers.authorization ?? ""}`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    behave(next) {
      behaviour = next;
    },
    async close() {
      for (const response of hanging) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
