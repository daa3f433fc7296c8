/**
 * What every process of a job inherits in its environment; by it they are found again
 * (`job-processes.ts`). Folders are absolute, so no two jobs of a machine share one.
 */
export const cookieName = "LANDFALL_JOB_FOLDER";

export function cookieOf(folder: string): string {
  return `${cookieName}=${folder}`;
}
