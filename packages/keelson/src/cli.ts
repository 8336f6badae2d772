#!/usr/bin/env node
import { createProgram } from './program.ts';
import { UserError } from './user-error.ts';

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    const text =
      error instanceof UserError
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
    process.stderr.write(`keelson: ${text}\n`);
    process.exitCode = 1;
  })
  // What somebody else's plugin left open must not keep a cluster's process that has stopped.
  .finally(() => process.exit());
