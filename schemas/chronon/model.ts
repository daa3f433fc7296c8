import { z } from "zod";
import { MetaData } from "./metadata.ts";
import { optional } from "./primitives.ts";

/** `api.thrift` Model: kept and listed, not scheduled. */
export const Model = z.looseObject({ metaData: optional(MetaData) });
export type Model = Readonly<z.infer<typeof Model>>;

/** `api.thrift` ModelTransforms: kept and listed, not scheduled. */
export const ModelTransforms = z.looseObject({ metaData: optional(MetaData) });
export type ModelTransforms = Readonly<z.infer<typeof ModelTransforms>>;
