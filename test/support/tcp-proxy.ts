import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

/** Stands between clients and a server on this machine, and can be cut. */
export interface TcpProxy {
  /** `host:port` that clients are given. */
  readonly address: string;
  /** Breaks every connection, with what is under way on it. */
  cut(): void;
  /** Breaks every connection and takes no new ones until `mend`. */
  sever(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const open = new Set<Socket>();
  let severed = false;
  const keep = (socket: Socket, other: () => Socket) => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      open.delete(socket);
      other().destroy();
    });
  };
  const server = createServer({ noDelay: true }, (client) => {
    if (severed) return void client.resetAndDestroy();
    const upstream = createConnection({ host: hostname, port: Number(port), noDelay: true });
    keep(client, () => upstream);
    keep(upstream, () => client);
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    sever() {
      severed = true;
      cut();
    },
    mend() {
      severed = false;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
