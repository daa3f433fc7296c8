import { z } from "zod";

/** A limit on how fast jobs may be submitted: of a region's API, of a cluster's agent. */
export const Lane = z.object({
  /** Unique among a deployment's lanes: `region us-central1`. */
  name: z.string().min(1),
  perMinute: z.number().positive(),
});
export type Lane = Readonly<z.infer<typeof Lane>>;
