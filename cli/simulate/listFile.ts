import { readFileSync } from "node:fs";

/** The text of a list that an option names, and how errors name it; `-` is the standard input. */
export function readList(option: string, file: string, howToGet: string): { text: string; name: string } {
  try {
    const text = readFileSync(file === "-" ? 0 : file, "utf8");
    return { text, name: file === "-" ? "standard input" : file };
  } catch (error) {
    throw new Error(`${option} ${file}: cannot be read (${(error as Error).message}). ${howToGet}`);
  }
}
