/** Why a job cannot be run: one sentence for an operator. */
export interface Refusal {
  readonly refused: string;
}

export function refused(reason: string): Refusal {
  return { refused: reason };
}
