import { ConfType } from "../../schemas/plan.ts";

/** Whether a folder is one of compiled confs of a type. */
export function isConfType(folder: string): folder is ConfType {
  return ConfType.safeParse(folder).success;
}
