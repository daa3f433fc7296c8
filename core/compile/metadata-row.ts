import type { MetadataRow } from "../../schemas/plan.ts";
import type { Config } from "./config-file.ts";

/**
 * The row that is looked for in the online store (`MetadataStore.scala`, `MetadataEndPoint.scala`):
 * of every join, of GroupBys that are online, and of model transforms, which lie under `models/`.
 * Its key has the name as it is, not sanitized.
 */
export function metadataRow(config: Config, conf: MetadataRow["conf"]): MetadataRow | null {
  const { name, team } = config;
  const row = (folder: string): MetadataRow => ({ key: `${folder}/${name}`, team, conf });
  switch (config.confType) {
    case "joins":
      return row("joins");
    case "group_bys":
      return config.metaData.online === true ? row("group_bys") : null;
    case "model_transforms":
      return row("models");
    case "models":
    case "staging_queries":
      return null;
  }
}
