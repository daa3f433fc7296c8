import { z } from "zod";
import type { StructuredQuery } from "../../adapters/gcp/firestore-queries.ts";

const Order = z.enum(["ASCENDING", "DESCENDING"]);
const Scope = z.literal("COLLECTION");

/** `firestore.indexes.json`, as `firebase deploy` reads it; of its kinds those that are used here. */
export const FirestoreIndexes = z.strictObject({
  indexes: z.array(
    z.strictObject({
      collectionGroup: z.string(),
      queryScope: Scope,
      fields: z.array(z.strictObject({ fieldPath: z.string(), order: Order })).min(2),
    }),
  ),
  fieldOverrides: z.array(
    z.strictObject({
      collectionGroup: z.string(),
      fieldPath: z.string(),
      indexes: z.array(z.strictObject({ order: Order, queryScope: Scope })),
    }),
  ),
});
export type FirestoreIndexes = Readonly<z.infer<typeof FirestoreIndexes>>;

interface Ordered {
  readonly fieldPath: string;
  readonly order: z.infer<typeof Order>;
}

/**
 * The declared index that serves a query, in words; null when none does. An index serves it whose
 * fields are first those that must equal something, in any order, then those it is ordered by. That
 * Firestore may also merge several indexes is not counted on.
 */
export function servingIndex(query: StructuredQuery, declared: FirestoreIndexes): string | null {
  const collection = query.from[0]?.collectionId ?? "";
  const { equal, ordered } = askedOf(query);
  const [only, ...others] = [
    ...equal.map((fieldPath) => ({ fieldPath, order: null })),
    ...ordered.filter(({ fieldPath }) => !equal.includes(fieldPath)),
  ];
  if (only === undefined) return `${collection}: by name`;
  if (others.length === 0) {
    const orders = singleFieldOrders(declared, collection, only.fieldPath);
    const served = only.order === null ? orders.length > 0 : orders.includes(only.order);
    return served ? `${collection}: ${only.fieldPath}` : null;
  }
  const composite = declared.indexes.find(
    ({ collectionGroup, fields }) =>
      collectionGroup === collection && serves(fields, equal, ordered),
  );
  if (composite === undefined) return null;
  return `${collection}: ${composite.fields.map(({ fieldPath }) => fieldPath).join(", ")}`;
}

function askedOf({ where, orderBy }: StructuredQuery) {
  const filters = where?.compositeFilter.filters.map(({ fieldFilter }) => fieldFilter) ?? [];
  const equal = filters.filter(({ op }) => op === "EQUAL").map(({ field }) => field.fieldPath);
  const ordered: Ordered[] = orderBy.map(({ field, direction }) => ({
    fieldPath: field.fieldPath,
    order: direction,
  }));
  const compared = filters.find(({ op }) => op !== "EQUAL")?.field.fieldPath;
  if (compared !== undefined && ordered[0]?.fieldPath !== compared) {
    ordered.unshift({ fieldPath: compared, order: "ASCENDING" });
  }
  return { equal, ordered };
}

function serves(
  fields: readonly Ordered[],
  equal: readonly string[],
  ordered: readonly Ordered[],
): boolean {
  const first = fields.slice(0, equal.length).map(({ fieldPath }) => fieldPath);
  const rest = fields.slice(equal.length);
  return (
    first.toSorted().join("\n") === equal.toSorted().join("\n") &&
    rest.length === ordered.length &&
    rest.every(
      ({ fieldPath, order }, at) =>
        fieldPath === ordered[at]?.fieldPath && order === ordered[at].order,
    )
  );
}

/** A field without an override of its own has that of the map it is in; without any, both orders. */
function singleFieldOrders(
  { fieldOverrides }: FirestoreIndexes,
  collection: string,
  fieldPath: string,
): readonly string[] {
  for (
    let path = fieldPath;
    path !== "";
    path = path.slice(0, Math.max(0, path.lastIndexOf(".")))
  ) {
    const override = fieldOverrides.find(
      (one) => one.collectionGroup === collection && one.fieldPath === path,
    );
    if (override !== undefined) return override.indexes.map(({ order }) => order);
  }
  return ["ASCENDING", "DESCENDING"];
}
