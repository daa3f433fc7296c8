/**
 * Ports of a process that dies at its n-th call: that one has its effect or has not, and neither it
 * nor any later one is ever answered.
 */
export function mortal<Ports extends Readonly<Record<string, object>>>(
  ports: Ports,
  dies: { readonly at: number; readonly having: "done" | "not done" },
): Ports & { readonly calls: () => number } {
  let calls = 0;
  const never = () => new Promise<never>(() => {});
  const dying = (port: object): object =>
    new Proxy(port, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          calls += 1;
          if (calls > dies.at || (calls === dies.at && dies.having === "not done")) return never();
          const answer: unknown = Reflect.apply(member, target, args);
          return calls === dies.at ? Promise.resolve(answer).then(never) : answer;
        };
      },
    });
  const all = Object.entries(ports).map(([name, port]) => [name, dying(port)]);
  return { ...(Object.fromEntries(all) as Ports), calls: () => calls };
}
