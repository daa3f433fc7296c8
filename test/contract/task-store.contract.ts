import type { TaskStore } from "../../ports/task-store.ts";
import { type ContractOptions, contract, type Place } from "./contract.ts";
import { commitsAsPromised } from "./task-store-commits.contract.ts";
import { conflictsAsPromised } from "./task-store-conflicts.contract.ts";
import { answersLikeAMap } from "./task-store-model.contract.ts";
import { queriesAsPromised } from "./task-store-queries.contract.ts";

/** The promises every task store keeps; each adapter runs this suite. */
export function describeTaskStore(
  name: string,
  make: () => Promise<Place<TaskStore>>,
  options: ContractOptions = {},
): void {
  contract<TaskStore>(`task store: ${name}`, { make, ...options }, (it) => {
    commitsAsPromised(it);
    conflictsAsPromised(it);
    queriesAsPromised(it);
    answersLikeAMap(it);
  });
}
