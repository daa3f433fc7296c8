import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ZiplineSettings } from "../../schemas/zipline.ts";
import { type ProcessPlace, processPlace } from "./process-place.ts";

/** The id that the fake submitter gives its Dataproc job. */
export const dataprocId = "8c4b07a1-3f9e-4a52-9d0e-6f1f27c1b6aa";

/**
 * Says what zipline says around a submission, and waits as it does: through gcloud, unless it is
 * told not to or deployed a stream. `$CONDUCT`: `unnamed` submits nothing and says nothing of it,
 * `refused` fails before it submits.
 */
const zipline = `#!/bin/sh
printf '%s\\n' "$PWD" "$@" > "$PLACE/zipline"
echo "$PYTHONUNBUFFERED" > "$PLACE/unbuffered"
echo "Running with args: {'mode': '$3'}"
echo "Cloud provider: gcp"
test -f "$5" -o -f "$2" || { echo "ValueError: Conf file $5 does not exist." >&2; exit 1; }
case "$CONDUCT" in
  unnamed) exit 0 ;;
  refused) echo "ValueError: GCP artifact prefix not set." >&2; exit 1 ;;
esac
echo "Dataproc submitter job id: ${dataprocId}"
echo "Safe to exit. Follow the job status at: https://console.cloud.google.com/dataproc/jobs/..."
for word in "$@"; do
  case "$word" in --disable-cloud-logging|--no-cloud-logging|deploy) exit 0 ;; esac
done
gcloud dataproc jobs wait ${dataprocId} --region=us-central1 --project=acme && exit 0
echo "RuntimeError: Job ${dataprocId} failed." >&2
exit 1
`;

/** Waits until \`$PLACE/dataproc\` says how the job ended; a kill is such an end too. */
const gcloud = `#!/bin/sh
echo "$@" >> "$PLACE/gcloud"
case "$3" in
  wait)
    while [ ! -s "$PLACE/dataproc" ]; do sleep 0.02; done
    echo "driver says $(cat "$PLACE/dataproc")" >&2
    grep -q DONE "$PLACE/dataproc" ;;
  kill)
    test "$CONDUCT" = immortal && exit 1
    echo CANCELLED > "$PLACE/dataproc" ;;
esac
`;

export interface ZiplinePlace extends ProcessPlace {
  /** Ends the Dataproc job. */
  end(state: "DONE" | "ERROR"): void;
}

/** A process runner whose jobs run a zipline and a gcloud that are not the real ones. */
export function ziplinePlace(more: Partial<ZiplineSettings> = {}): ZiplinePlace {
  const command = ZiplineSettings.parse({
    versions: { here: { dialect: "2025-10-20" }, new: { dialect: "2026-02-24" } },
    ...more,
  });
  const at = processPlace("", { command });
  const bin = join(at.place, "bin");
  mkdirSync(bin);
  for (const [name, script] of Object.entries({ zipline, gcloud })) {
    writeFileSync(join(bin, name), script);
    chmodSync(join(bin, name), 0o755);
  }
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
  return {
    ...at,
    open: (own = {}) => at.open({ env, ...own }),
    job: (conduct, own = {}) =>
      at.job(conduct, {
        ...own,
        env: {
          PLACE: at.place,
          CONDUCT: conduct,
          VERSION: "here",
          ARTIFACT_PREFIX: "gs://acme-artifacts",
          FLINK_STATE_URI: "gs://acme-flink",
          GCP_REGION: "us-central1",
          GCP_PROJECT_ID: "acme",
          ...own.env,
        },
      }),
    end: (state) => writeFileSync(join(at.place, "dataproc"), `${state}\n`),
  };
}
