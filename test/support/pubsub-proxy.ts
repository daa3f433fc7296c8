import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

export interface PubsubProxy {
  readonly address: string;
  /** How often a method was called. */
  calls(method: string): number;
  close(): void;
}

/**
 * Stands before Pub/Sub's emulator and tells it of subscribers that are gone. The emulator hands
 * messages for ever to streams whose connection broke; it drops those that their client ended. So
 * when a stream of a client breaks this one ends the emulator's. Pub/Sub itself needs no telling. It counts what it is
 * asked.
 */
export async function pubsubProxy(target: string): Promise<PubsubProxy> {
  const upstream = new Client(target, credentials.createInsecure());
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const pass = (bytes: Buffer) => bytes;
  const calls = new Map<string, number>();
  const count = (path: string) => calls.set(path, (calls.get(path) ?? 0) + 1);
  const unary =
    (path: string) => (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      count(path);
      upstream.makeUnaryRequest(
        path,
        pass,
        pass,
        call.request,
        new Metadata(),
        {},
        (error, response) =>
          error === null
            ? answer(null, response ?? Buffer.alloc(0))
            : answer({ code: error.code, details: error.details }),
      );
    };
  const streaming = (path: string) => (call: ServerDuplexStream<Buffer, Buffer>) => {
    count(path);
    const stream = upstream.makeBidiStreamRequest(path, pass, pass, new Metadata(), {});
    call.on("data", (bytes: Buffer) => stream.write(bytes));
    call.on("end", () => stream.end());
    call.on("cancelled", () => stream.end());
    call.on("error", () => stream.end());
    stream.on("data", (bytes: Buffer) => void (call.cancelled || call.write(bytes)));
    stream.on("error", ({ code = status.UNKNOWN, message }: Error & { code?: number }) =>
      call.emit("error", { code, details: message }),
    );
    stream.on("end", () => call.end());
  };
  for (const [service, methods] of Object.entries(served)) {
    const definitions: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const handlers: Record<string, ReturnType<typeof unary> | ReturnType<typeof streaming>> = {};
    for (const method of methods) {
      const path = `/google.pubsub.v1.${service}/${method}`;
      const streams = method === "StreamingPull";
      definitions[method] = {
        path,
        requestStream: streams,
        responseStream: streams,
        requestSerialize: pass,
        requestDeserialize: pass,
        responseSerialize: pass,
        responseDeserialize: pass,
      };
      handlers[method] = streams ? streaming(path) : unary(path);
    }
    server.addService(definitions as ServiceDefinition, handlers as never);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    calls: (method) =>
      [...calls].reduce((sum, [path, n]) => (path.endsWith(`/${method}`) ? sum + n : sum), 0),
    close() {
      server.forceShutdown();
      upstream.close();
    },
  };
}

/** What services ask of Pub/Sub while they run. */
const served = {
  Publisher: ["Publish", "GetTopic"],
  Subscriber: ["StreamingPull", "Acknowledge", "ModifyAckDeadline", "GetSubscription", "Pull"],
} as const;
