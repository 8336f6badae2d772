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
  });
