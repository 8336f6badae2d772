import { accessSync, constants } from 'node:fs';
import { binary } from '../binaries.mjs';

/** The path of a real program, or undefined where it is not built. */
export function realProgram(name: string): string | undefined {
  try {
    const path = binary(name);
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}
