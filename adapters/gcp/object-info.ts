import { z } from "zod";
import type { ObjectInfo } from "../../ports/object-store.ts";

const Count = z.union([z.string(), z.number()]).transform(Number).pipe(z.number().int().min(0));

/** The part of Cloud Storage's object resource that is used, as its JSON API writes it. */
export const ObjectResource = z.object({
  name: z.string().min(1),
  bucket: z.string().optional(),
  size: Count,
  /** Microseconds: exact as a number until the year 2255. */
  generation: Count,
  /** When this generation was made; `updated` also changes with its metadata. */
  timeCreated: z
    .string()
    .transform((text) => Date.parse(text))
    .pipe(z.number().int()),
});
export type ObjectResource = z.infer<typeof ObjectResource>;

/** The fields of a listing, so that no others are sent. */
export const listedFields = "items(name,size,generation,timeCreated),nextPageToken";

export function objectInfo({ name, size, generation, timeCreated }: ObjectResource): ObjectInfo {
  return { name, size, generation, updatedAt: timeCreated };
}

/** Consoles make an empty object for a folder, whose name ends with a slash; it is none of ours. */
export function isFolder(name: string): boolean {
  return name.endsWith("/");
}
