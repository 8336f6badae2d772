import { StatusError } from '@keelson/core';

/** Throws BadRequest for a name that is no segment of a path, before anything is looked up by it. */
export function checkPathName(name: string): void {
  const why =
    name === '.' || name === '..' ? `may not be '${name}'` : name.includes('%') ? "may not contain '%'" : undefined;
  if (why !== undefined) throw StatusError.badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`);
}
