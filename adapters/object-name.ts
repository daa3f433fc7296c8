import { PermanentError } from "../ports/errors.ts";

/** The folders and the file an object's name is made of. Throws `PermanentError` when it is none. */
export function partsOfName(name: string): string[] {
  if (name.includes("\0")) throw badName(name, "it holds a NUL character");
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw badName(name, 'a name is folders and a file, joined by "/", without "." and ".."');
  }
  return parts;
}

export function badName(name: string, why: string): PermanentError {
  return new PermanentError(`${JSON.stringify(name.slice(0, 200))} names no object: ${why}`);
}
