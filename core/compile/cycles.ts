/** Edges from each node to those it waits for, by index. */
export type Graph = readonly (readonly number[])[];

/**
 * Groups of nodes that wait for one another in a circle, each in ascending order. Tarjan's
 * algorithm without recursion: chains of configs can be longer than a stack is deep.
 */
export function circles(graph: Graph): number[][] {
  const index = graph.map(() => -1);
  const low = graph.map(() => 0);
  const onStack = graph.map(() => false);
  const stack: number[] = [];
  const found: number[][] = [];
  let counter = 0;
  const enter = (node: number) => {
    index[node] = counter;
    low[node] = counter;
    counter += 1;
    stack.push(node);
    onStack[node] = true;
  };
  const leave = (node: number) => {
    if (low[node] !== index[node]) return;
    const group = stack.splice(stack.lastIndexOf(node));
    for (const member of group) onStack[member] = false;
    const isCircle = group.length > 1 || (graph[node] ?? []).includes(node);
    if (isCircle) found.push(group.sort((a, b) => a - b));
  };
  const lower = (node: number, to: number | undefined) => {
    low[node] = Math.min(low[node] ?? 0, to ?? 0);
  };
  for (const root of graph.keys()) {
    if (index[root] !== -1) continue;
    const path: { node: number; next: number }[] = [{ node: root, next: 0 }];
    enter(root);
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      const to = graph[at.node]?.[at.next];
      at.next += 1;
      if (to === undefined) {
        leave(at.node);
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) lower(parent.node, low[at.node]);
      } else if (index[to] === -1) {
        enter(to);
        path.push({ node: to, next: 0 });
      } else if (onStack[to] === true) lower(at.node, index[to]);
    }
  }
  return found;
}

/** The shortest circle through a node that stays within a group, from the node back to it. */
export function circleThrough(graph: Graph, node: number, group: ReadonlySet<number>): number[] {
  const cameFrom = new Map<number, number>();
  const queue = [node];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const to of graph[at] ?? []) {
      if (to === node) return [...pathTo(at, node, cameFrom), node];
      if (!group.has(to) || cameFrom.has(to)) continue;
      cameFrom.set(to, at);
      queue.push(to);
    }
  }
  return [node];
}

function pathTo(node: number, start: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const path = [node];
  for (let at = node; at !== start; ) {
    at = cameFrom.get(at) ?? start;
    path.unshift(at);
  }
  return path;
}
